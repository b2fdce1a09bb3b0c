//! Evaluations as records and tables.

use std::collections::BTreeMap;

use counterpoint::grad::Row;
use counterpoint::modality::Modalities;
use counterpoint::task::{Metric, Task};
use counterpoint::train::{Evaluation, Kept};
use counterpoint_report::record::{Alone, Confusion, Convention, Scores};
use counterpoint_report::table::{Cell, Column, Table, TextStyle};

/// Everything that was scored under the name that files use: the rows, each
/// modality alone as the method itself reads it, and linear probes.
pub fn rows<'a>(
    evaluation: &'a Evaluation,
    names: &'a Modalities,
) -> impl Iterator<Item = (String, &'a Kept)> {
    let alone = [(Convention::Native, &evaluation.native), (Convention::Probe, &evaluation.probe)];
    let alone = alone
        .into_iter()
        .flat_map(move |(by, of)| of.iter().map(move |(m, kept)| (by.row(names.name(*m)), kept)));
    evaluation.kept.iter().map(|(row, kept)| (row.label(names), kept)).chain(alone)
}

/// Metrics of everything that was scored.
pub fn records(evaluation: &Evaluation, task: &dyn Task, names: &Modalities) -> Scores {
    let plain =
        |values: BTreeMap<&'static str, f64>| values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    rows(evaluation, names).map(|(row, kept)| (row, plain(evaluation.judge(kept, task)))).collect()
}

/// Metrics by what samples have, under names like `audio+image`.
pub fn by_presence(evaluation: &Evaluation, task: &dyn Task, names: &Modalities) -> Scores {
    let parts = evaluation.by_presence(task);
    let label = |present| {
        if names.all() == present { Row::Full.label(names) } else { Row::Subset(present).label(names) }
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

/// Confusion counts of everything that was scored; empty without classes that exclude each other.
pub fn confusions(
    evaluation: &Evaluation,
    task: &dyn Task,
    names: &Modalities,
) -> BTreeMap<String, Confusion> {
    let count = |(of, kept): &Kept| {
        Confusion::new(task.outputs(), task.confusion(kept, &evaluation.targets.pick(of)))
    };
    let counts = rows(evaluation, names).map(|(row, kept)| (row, count(kept)));
    counts.filter(|(_, counts)| !counts.is_empty()).collect()
}

/// Intersection over union of every class by row; empty where classes are not areas.
pub fn class_iou(evaluation: &Evaluation, task: &dyn Task, classes: &[String], names: &Modalities) -> Scores {
    let named = |values: Vec<f64>| classes.iter().cloned().zip(values).collect();
    rows(evaluation, names).filter_map(|(row, (_, kept))| Some((row, named(task.class_iou(kept)?)))).collect()
}

/// Title of the column of a checkpoint.
pub fn column(checkpoint: &str, epoch: usize) -> String {
    let name = if checkpoint == "best" { "best on val" } else { checkpoint };
    format!("{name} (epoch {epoch})")
}

/// What stands for a value that is not defined or not there.
pub const UNDEFINED: &str = "–";

/// The task's first metric among some values, as people read it.
pub fn primary(values: &BTreeMap<String, f64>, task: &dyn Task) -> String {
    written(values, task.metrics().primary())
}

/// One metric among some values, as people read it: `81.2 %`, `0.512`.
pub fn written(values: &BTreeMap<String, f64>, metric: &Metric) -> String {
    match values.get(metric.name) {
        Some(value) if value.is_nan() => UNDEFINED.into(),
        Some(value) if metric.share => format!("{:.1} %", value * 100.0),
        Some(value) => format!("{value:.3}"),
        None => UNDEFINED.into(),
    }
}

/// One column for each named set of scores, one line for the fused output and
/// for every modality alone by every convention that was scored, the one that
/// is compared first: the task's first metric, shares in percent.
pub fn table(
    title: &str,
    columns: &[(String, &Scores)],
    names: &Modalities,
    alone: &Alone,
    task: &dyn Task,
) -> String {
    let metric = task.metrics().primary();
    let (heading, scale, digits) = if metric.share {
        (format!("{}, %", metric.name), 100.0, 1)
    } else {
        (metric.name.to_owned(), 1.0, 3)
    };
    let mut table = Table::new(
        std::iter::once(Column::new(heading)).chain(columns.iter().map(|(name, _)| Column::new(name))),
    )
    .captioned(title);
    let mut lines = vec![("full".to_owned(), "fused".to_owned())];
    for name in names.names() {
        let scored = |by: &Convention| columns.iter().any(|(_, scores)| scores.contains_key(&by.row(name)));
        let mut by: Vec<Convention> = Convention::ALL.into_iter().filter(scored).collect();
        by.sort_by_key(|by| columns.iter().all(|(_, scores)| alone.convention(scores, name) != *by));
        lines.extend(by.iter().map(|by| (by.row(name), format!("{name} alone, {}", alone.title(*by)))));
    }
    for (row, label) in lines {
        let cell = |(_, scores): &(String, &Scores)| {
            Cell::maybe(scores.get(&row).and_then(|s| s.get(metric.name)).map(|value| value * scale), digits)
        };
        table.row(std::iter::once(Cell::text(label)).chain(columns.iter().map(cell)));
    }
    table.to_text(TextStyle::default())
}
