//! What a study found, as tables and as JSON.

use std::path::Path;

use counterpoint_report::record::{
    Convention, Kind, Metric, State, Study, StudyMethod, StudyRun, conventions,
};
use counterpoint_report::statistics::Summary;
use counterpoint_report::table::{Cell, Column, Table};
use serde_json::{Value, json};

use super::looks::{FUSED, Looks, Which};

/// The result table, one of the variants if there are some, and one of what was tried.
pub fn tables(study: &Study, folder: &Path, metric: &Metric) -> Vec<Table> {
    let looks = Looks::read(study, folder, metric);
    let (factor, digits, better) = (metric.factor(), metric.digits, metric.better);
    let heading = metric.heading();
    let mut columns = vec![
        Column::new("method"),
        Column::new("fused, last").best(better),
        Column::new("fused, best on val").best(better),
    ];
    columns.extend(looks.modalities.iter().map(|m| Column::new(format!("unimodal {m}, last"))));
    columns.push(Column::new("runs"));
    let mut main = Table::new(columns).captioned(format!(
        "test {heading}: mean ± standard deviation over {}",
        if study.variants.is_empty() { "seeds" } else { "seeds and variants" }
    ));
    for method in &study.methods {
        let cell = |checkpoint: &str, row: &str| {
            Cell::spread(&looks.summary(&method.name, None, checkpoint, row, Which::Compared), factor, digits)
        };
        let runs = study.runs.iter().filter(|r| r.method == method.name && r.chosen);
        let (done, all) =
            runs.fold((0, 0), |(done, all), r| (done + usize::from(r.state == State::Finished), all + 1));
        let mut cells = vec![Cell::text(&method.name), cell("last", FUSED), cell("best", FUSED)];
        cells.extend(looks.modalities.iter().map(|m| cell("last", m)));
        cells.push(Cell::text(format!("{done}/{all}")));
        main.row(cells);
    }
    let read_by = study.methods.iter().filter_map(|m| Some((m.name.as_str(), looks.read_by(&m.name)?)));
    conventions(read_by).into_iter().for_each(|words| main.note(words));
    looks.partly_tested(study).for_each(|note| main.note(note));
    failures(study).for_each(|note| main.note(note));
    let mut tables = vec![main];
    tables.extend(unimodal(study, &looks, metric));
    if !study.variants.is_empty() {
        let columns = study.variants.iter().map(|v| Column::new(v).best(better));
        let mut table = Table::new(std::iter::once(Column::new("method")).chain(columns))
            .captioned(format!("test {heading}, fused, last epoch, by variant"));
        for method in study.methods.iter().filter(|m| m.kind != Kind::Reference || m.modality.is_none()) {
            let cell = |v: &String| {
                let summary = looks.summary(&method.name, Some(v), "last", FUSED, Which::Compared);
                Cell::spread(&summary, factor, digits)
            };
            table.row(std::iter::once(Cell::text(&method.name)).chain(study.variants.iter().map(cell)));
        }
        tables.push(table);
    }
    tables.extend(tried(study, metric));
    tables
}

/// Each single modality by every convention; `None` if there is one only.
fn unimodal(study: &Study, looks: &Looks, metric: &Metric) -> Option<Table> {
    let (factor, digits, better) = (metric.factor(), metric.digits, metric.better);
    let heading = metric.heading();
    let of = |method: &str, (modality, by): (&str, Convention)| {
        looks.summary(method, None, "last", modality, Which::By(by))
    };
    let modalities = looks.modalities.iter();
    let columns: Vec<(&str, Convention)> = modalities
        .flat_map(|m| Convention::ALL.map(|by| (m.as_str(), by)))
        .filter(|column| study.methods.iter().any(|m| of(&m.name, *column).n > 0))
        .collect();
    if columns.iter().all(|(_, by)| *by == Convention::ZeroFill) {
        return None;
    }
    let heads = columns.iter().map(|(m, by)| Column::new(format!("{m}, {}", by.name())).best(better));
    let heads = std::iter::once(Column::new("method")).chain(heads).chain([Column::new("native is")]);
    let mut table = Table::new(heads)
        .captioned(format!("test {heading}, last epoch: each modality alone, by every convention"));
    for method in study.methods.iter().filter(|m| looks.of.contains_key(&m.name)) {
        let cells = columns.iter().map(|column| Cell::spread(&of(&method.name, *column), factor, digits));
        let native = looks.of[&method.name].first().and_then(|look| look.unimodal.native_name());
        let all = std::iter::once(Cell::text(&method.name)).chain(cells);
        table.row(all.chain([Cell::text(native.unwrap_or("-"))]));
    }
    Some(table)
}

/// What was tried, with its validation scores.
fn tried(study: &Study, metric: &Metric) -> Option<Table> {
    if study.choices.is_empty() {
        return None;
    }
    let several =
        study.methods.iter().filter(|m| study.choices.iter().any(|c| c.method == m.name)).count() > 1;
    let mut table = Table::new(
        ["method", "setting"]
            .map(Column::new)
            .into_iter()
            .chain([Column::new(format!("val {}", metric.heading())), Column::new("chosen")]),
    )
    .captioned("settings tried, chosen by the best epoch on validation");
    for choice in &study.choices {
        let variant = choice.variant.as_ref().map_or(String::new(), |v| format!(" {v}"));
        for (number, (setting, scores)) in choice.settings.iter().zip(&choice.validation).enumerate() {
            let values: Vec<f64> = scores.iter().map(|s| s.unwrap_or(f64::NAN)).collect();
            table.row([
                Cell::text(format!("{}{variant}", choice.method)),
                Cell::text(setting),
                Cell::spread(&Summary::of(&values), metric.factor(), metric.digits),
                Cell::text(if choice.setting == Some(number) { "yes" } else { "" }),
            ]);
        }
    }
    table.note(format!(
        "Only the chosen setting{} was evaluated on the test split; for the others it stays sealed.",
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
    let modalities = looks.modalities.iter();
    let rows = modalities.flat_map(|m| Convention::ALL.map(|convention| convention.row(m)));
    let rows: Vec<String> = std::iter::once(FUSED.to_owned()).chain(rows).collect();
    let part = |method: &str, checkpoint: &str| {
        let of_row = |row: &String| {
            let s = looks.summary(method, None, checkpoint, row, Which::Recorded);
            (s.n > 0).then(|| (row.clone(), json!({"mean": s.mean, "sd": s.sd, "n": s.n})))
        };
        Value::Object(rows.iter().filter_map(of_row).collect())
    };
    let method = |m: &StudyMethod| {
        let unimodal = looks.of.get(&m.name).and_then(|of| of.first()).map(|look| &look.unimodal);
        json!({
            "name": m.name, "kind": m.kind, "unimodal": unimodal,
            "last": part(&m.name, "last"), "best": part(&m.name, "best"),
        })
    };
    let methods: Vec<Value> = study.methods.iter().map(method).collect();
    json!({
        "study": folder, "metric": metric.name, "methods": methods, "choices": study.choices,
        "failed": failures(study).collect::<Vec<_>>(), "leaks": study.leaks,
        "notes": study.notes,
    })
}
