//! Evaluations as records and tables.

use std::collections::BTreeMap;

use counterpoint::modality::Modalities;
use counterpoint::step::LossTerm;
use counterpoint::task::Task;
use counterpoint::train::{Checkpoint, Evaluation, KeptRow, ReadoutReport, Reduced};
use counterpoint_report::record::{
    Better, Confusion, Convention, Metric, PLAIN, Readout, Scores, UnimodalReading, Values,
};
use counterpoint_report::table::{Cell, Column, Table, TextStyle};
use counterpoint_report::text::row_title;

/// Everything that was scored under the name that files use: the rows, each
/// modality alone as the method itself reads it, and linear probes.
pub fn rows<'a>(
    evaluation: &'a Evaluation,
    names: &'a Modalities,
) -> impl Iterator<Item = (String, &'a Reduced)> {
    let unimodal = [(Convention::Native, &evaluation.native), (Convention::Probe, &evaluation.probe)];
    let unimodal = unimodal
        .into_iter()
        .flat_map(move |(by, of)| of.iter().map(move |(m, reduced)| (by.row(names.name(*m)), reduced)));
    let plain = evaluation.plain.iter().map(|reduced| (PLAIN.to_owned(), reduced));
    evaluation.reduced.iter().map(|(row, reduced)| (row.label(names), reduced)).chain(plain).chain(unimodal)
}

/// Metrics of everything that was scored.
pub fn records(evaluation: &Evaluation, task: &dyn Task, names: &Modalities) -> Scores {
    let plain =
        |values: BTreeMap<&'static str, f64>| values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    rows(evaluation, names).map(|(row, reduced)| (row, plain(evaluation.metrics_of(reduced, task)))).collect()
}

/// Metrics by what samples have, under names like `audio+image`.
pub fn by_presence(evaluation: &Evaluation, task: &dyn Task, names: &Modalities) -> Scores {
    let parts = evaluation.by_presence(task);
    let label = |present| {
        if names.all() == present {
            LossTerm::Fused.label(names)
        } else {
            LossTerm::Subset(present).label(names)
        }
    };
    parts
        .into_iter()
        .map(|(present, (count, values))| {
            let mut values: BTreeMap<String, f64> =
                values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            values.insert("samples".into(), count as f64);
            (label(present), values)
        })
        .collect()
}

/// A row of a readout as its record.
pub fn kept(row: &KeptRow) -> Values {
    let numbers = [("weight", row.weight()), ("epoch", row.epoch as f64)];
    let judged = [("temperature", row.temperature), ("loss", row.loss)];
    numbers.into_iter().chain(judged).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The readout of a checkpoint by rows; none if it has none.
pub fn kept_in(checkpoint: &Checkpoint) -> Scores {
    checkpoint.readout().iter().map(|(name, row)| (name.clone(), kept(row))).collect()
}

/// A readout as its record.
pub fn readout(readout: &ReadoutReport, names: &Modalities) -> Readout {
    Readout {
        fitted_on: readout.fitted_on.into(),
        rows: readout.rows.iter().map(|(term, row)| (term.label(names), kept(row))).collect(),
        val: readout.validation.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
    }
}

/// Confusion counts of everything that was scored; empty without classes that exclude each other.
pub fn confusions(
    evaluation: &Evaluation,
    task: &dyn Task,
    names: &Modalities,
) -> BTreeMap<String, Confusion> {
    let count = |(of, reduced): &Reduced| {
        Confusion::new(task.outputs(), task.confusion(reduced, &evaluation.targets.pick(of)))
    };
    let counts = rows(evaluation, names).map(|(row, reduced)| (row, count(reduced)));
    counts.filter(|(_, counts)| !counts.is_empty()).collect()
}

/// Intersection over union of every class by row; empty where classes are not areas.
pub fn class_iou(evaluation: &Evaluation, task: &dyn Task, classes: &[String], names: &Modalities) -> Scores {
    let named = |values: Vec<f64>| classes.iter().cloned().zip(values).collect();
    rows(evaluation, names)
        .filter_map(|(row, (_, reduced))| Some((row, named(task.class_iou(reduced)?))))
        .collect()
}

/// Title of the column of a checkpoint.
pub fn column(checkpoint: &str, epoch: usize) -> String {
    let name = if checkpoint == "best" { "best on val" } else { checkpoint };
    format!("{name} (epoch {epoch})")
}

/// What a metric means, as records say it.
fn described(metric: &counterpoint::task::Metric) -> Metric {
    let [least, most] = metric.bounds.map(|bound| Some(bound).filter(|bound| bound.is_finite()));
    Metric {
        name: metric.name.into(),
        title: metric.title.into(),
        better: if metric.higher { Better::Higher } else { Better::Lower },
        percent: metric.percent,
        digits: metric.digits,
        unit: metric.unit.into(),
        right_answers: metric.right_answers,
        least,
        most,
    }
}

/// What the metrics of a task mean.
pub fn descriptions(task: &dyn Task) -> Vec<Metric> {
    task.metrics().iter().map(|metric| described(&metric)).collect()
}

/// The metric that selects a model.
pub fn selecting(task: &dyn Task) -> Metric {
    described(&task.metrics().primary())
}

/// A metric among some values, as people read it: `81.2 %`, `0.512`; a dash where there is none.
pub fn written(values: &BTreeMap<String, f64>, metric: &Metric) -> String {
    metric.written(values.get(&metric.name).copied().unwrap_or(f64::NAN))
}

/// One column for each named set of scores, one line for the fused output and
/// for each single modality by every convention that was scored, the one that
/// is compared first: the metric that selects a model. `fitted` says what a readout was
/// fitted to, where these scores are of that.
pub fn table(
    title: &str,
    columns: &[(String, &Scores)],
    names: &Modalities,
    unimodal: &UnimodalReading,
    task: &dyn Task,
    fitted: Option<&str>,
) -> String {
    let metric = selecting(task);
    let mut table = Table::new(
        std::iter::once(Column::new(metric.heading()))
            .chain(columns.iter().map(|(name, _)| Column::new(name))),
    )
    .captioned(title);
    let mut lines = vec![("fused".to_owned(), "fused".to_owned())];
    if columns.iter().any(|(_, scores)| scores.contains_key(PLAIN)) {
        lines[0].1 = fitted.map_or("fused, readout".into(), |on| format!("fused, readout (fitted on {on})"));
        lines.push((PLAIN.to_owned(), row_title(PLAIN)));
    }
    for name in names.names() {
        let scored = |by: &Convention| columns.iter().any(|(_, scores)| scores.contains_key(&by.row(name)));
        let mut by: Vec<Convention> = Convention::ALL.into_iter().filter(scored).collect();
        by.sort_by_key(|by| columns.iter().all(|(_, scores)| unimodal.convention(scores, name) != *by));
        lines.extend(by.iter().map(|by| (by.row(name), format!("unimodal {name}, {}", unimodal.title(*by)))));
    }
    for (row, label) in lines {
        let cell = |(_, scores): &(String, &Scores)| {
            let value = scores.get(&row).and_then(|s| s.get(&metric.name));
            Cell::maybe(value.map(|value| value * metric.factor()), metric.digits)
        };
        table.row(std::iter::once(Cell::text(label)).chain(columns.iter().map(cell)));
    }
    table.to_text(TextStyle::default())
}
