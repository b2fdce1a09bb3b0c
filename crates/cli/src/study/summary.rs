//! What a study found, as tables and as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint::task::Metric;
use counterpoint_report::record::{Kind, Log, State, Study, StudyRun, Test};
use counterpoint_report::statistics::Summary;
use counterpoint_report::table::{Better, Cell, Column, Table};
use serde_json::{Value, json};

/// Scores of the chosen runs of a study.
struct Looks {
    /// By method: variant, and scores by checkpoint and row.
    of: BTreeMap<String, Vec<(Option<String>, Scores)>>,
    /// By method and variant: samples it was tested on.
    samples: BTreeMap<(String, Option<String>), u64>,
    /// Modalities that any run scored alone, in the order of the models.
    modalities: Vec<String>,
}

type Scores = BTreeMap<(String, String), f64>;

impl Looks {
    fn read(study: &Study, folder: &Path, metric: &Metric) -> Self {
        let (mut of, mut modalities): (BTreeMap<_, Vec<_>>, Vec<String>) = (BTreeMap::new(), Vec::new());
        let mut samples = BTreeMap::new();
        for run in study.runs.iter().filter(|r| r.chosen && r.state == State::Finished) {
            let Ok(log) = Log::read(folder.join(&run.place).join("metrics.jsonl")) else { continue };
            let names = log.start().map(|s| s.modalities.clone()).unwrap_or_default();
            // A model of one modality has it as its fused score.
            let only = if let [one] = &names[..] { Some(one.clone()) } else { None };
            let mut scores = Scores::new();
            for Test { checkpoint, scores: rows, samples: tested, .. } in log.tests() {
                samples.insert((run.method.clone(), run.variant.clone()), *tested);
                for (row, values) in rows {
                    let Some(value) = values.get(metric.name) else { continue };
                    let row = only.as_ref().unwrap_or(row);
                    scores.insert((checkpoint.clone(), row.clone()), *value);
                }
            }
            for name in names {
                if !modalities.contains(&name) {
                    modalities.push(name);
                }
            }
            of.entry(run.method.clone()).or_default().push((run.variant.clone(), scores));
        }
        Self { of, samples, modalities }
    }

    /// One line for each method that was tested on fewer samples than others.
    fn partly_tested(&self, study: &Study) -> impl Iterator<Item = String> {
        study.methods.iter().filter_map(|method| {
            let mut of = self.samples.iter().filter(|((name, _), _)| *name == method.name);
            of.find_map(|((_, variant), &count)| {
                let same = self.samples.iter().filter(|((_, other), _)| other == variant);
                let all = same.map(|(_, count)| *count).max().unwrap_or(count);
                (count < all).then(|| {
                    format!(
                        "{} was tested on {count} of {all} samples: those that have what it sees",
                        method.name
                    )
                })
            })
        })
    }

    fn summary(&self, method: &str, variant: Option<&str>, checkpoint: &str, row: &str) -> Summary {
        let key = (checkpoint.to_owned(), row.to_owned());
        let runs = self.of.get(method).into_iter().flatten();
        let fits = runs.filter(|(v, _)| variant.is_none() || v.as_deref() == variant);
        Summary::of(&fits.filter_map(|(_, scores)| scores.get(&key).copied()).collect::<Vec<_>>())
    }
}

/// The result table, one of the variants if there are some, and one of what was tried.
pub fn tables(study: &Study, folder: &Path, metric: &Metric) -> Vec<Table> {
    let looks = Looks::read(study, folder, metric);
    let (unit, factor, digits) = if metric.share { (", %", 100.0, 1) } else { ("", 1.0, 3) };
    let better = if metric.higher { Better::Higher } else { Better::Lower };
    let mut columns = vec![
        Column::new("method"),
        Column::new("fused, last").best(better),
        Column::new("fused, best on val").best(better),
    ];
    columns.extend(looks.modalities.iter().map(|m| Column::new(format!("{m} alone, last"))));
    columns.push(Column::new("runs"));
    let mut main = Table::new(columns).captioned(format!(
        "test {}{unit}: mean ± standard deviation over {}",
        metric.name,
        if study.variants.is_empty() { "seeds" } else { "seeds and variants" }
    ));
    for method in &study.methods {
        let cell = |checkpoint: &str, row: &str| {
            Cell::spread(&looks.summary(&method.name, None, checkpoint, row), factor, digits)
        };
        let runs = study.runs.iter().filter(|r| r.method == method.name && r.chosen);
        let (done, all) =
            runs.fold((0, 0), |(done, all), r| (done + usize::from(r.state == State::Finished), all + 1));
        let mut cells = vec![Cell::text(&method.name), cell("last", "full"), cell("best", "full")];
        cells.extend(looks.modalities.iter().map(|m| cell("last", m)));
        cells.push(Cell::text(format!("{done}/{all}")));
        main.row(cells);
    }
    looks.partly_tested(study).for_each(|note| main.note(note));
    failures(study).for_each(|note| main.note(note));
    let mut tables = vec![main];
    if !study.variants.is_empty() {
        let columns = study.variants.iter().map(|v| Column::new(v).best(better));
        let mut table = Table::new(std::iter::once(Column::new("method")).chain(columns))
            .captioned(format!("test {}{unit}, fused, last epoch, by variant", metric.name));
        for method in study.methods.iter().filter(|m| m.kind != Kind::Reference || m.name == "joint") {
            let cell = |v: &String| {
                Cell::spread(&looks.summary(&method.name, Some(v), "last", "full"), factor, digits)
            };
            table.row(std::iter::once(Cell::text(&method.name)).chain(study.variants.iter().map(cell)));
        }
        tables.push(table);
    }
    tables.extend(tried(study, metric, factor, digits));
    tables
}

/// What was tried, with its validation scores.
fn tried(study: &Study, metric: &Metric, factor: f64, digits: usize) -> Option<Table> {
    if study.choices.is_empty() {
        return None;
    }
    let several =
        study.methods.iter().filter(|m| study.choices.iter().any(|c| c.method == m.name)).count() > 1;
    let unit = if metric.share { ", %" } else { "" };
    let mut table = Table::new(
        ["method", "setting"]
            .map(Column::new)
            .into_iter()
            .chain([Column::new(format!("val {}{unit}", metric.name)), Column::new("chosen")]),
    )
    .captioned("settings tried, chosen by the best epoch on validation");
    for choice in &study.choices {
        let variant = choice.variant.as_ref().map_or(String::new(), |v| format!(" {v}"));
        for (number, (setting, scores)) in choice.settings.iter().zip(&choice.validation).enumerate() {
            let values: Vec<f64> = scores.iter().map(|s| s.unwrap_or(f64::NAN)).collect();
            table.row([
                Cell::text(format!("{}{variant}", choice.method)),
                Cell::text(setting),
                Cell::spread(&Summary::of(&values), factor, digits),
                Cell::text(if choice.setting == Some(number) { "yes" } else { "" }),
            ]);
        }
    }
    table.note(format!(
        "The test split was opened for the chosen setting{} only; for the others it stays sealed.",
        if several { " of each method" } else { "" }
    ));
    Some(table)
}

/// One line for each run that failed.
fn failures(study: &Study) -> impl Iterator<Item = String> {
    study.runs.iter().filter_map(|run: &StudyRun| match &run.state {
        State::Failed { code, message } => Some(format!("{} failed ({code}): {message}", run.place)),
        _ => None,
    })
}

/// The same for programs; the runs themselves are in `study.json`.
pub fn json(study: &Study, folder: &Path, metric: &Metric) -> Value {
    let looks = Looks::read(study, folder, metric);
    let rows: Vec<String> = std::iter::once("full".to_owned()).chain(looks.modalities.clone()).collect();
    let part = |method: &str, checkpoint: &str| {
        let of_row = |row: &String| {
            let s = looks.summary(method, None, checkpoint, row);
            (s.n > 0).then(|| (row.clone(), json!({"mean": s.mean, "sd": s.sd, "n": s.n})))
        };
        Value::Object(rows.iter().filter_map(of_row).collect())
    };
    let methods: Vec<Value> = study
        .methods
        .iter()
        .map(|m| json!({"name": m.name, "kind": m.kind, "last": part(&m.name, "last"), "best": part(&m.name, "best")}))
        .collect();
    json!({
        "study": folder, "metric": metric.name, "methods": methods, "choices": study.choices,
        "failed": failures(study).collect::<Vec<_>>(), "leaks": study.leaks,
        "notes": study.notes,
    })
}
