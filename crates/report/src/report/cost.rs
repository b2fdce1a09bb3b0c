//! What the training cost.

use super::overview::{Method, Overview};
use crate::{
    html::{Block, Section},
    record::Epoch,
    statistics::Summary,
    table::{Better, Cell, Column, Table},
};

/// Time, memory and passes of every method.
pub(super) fn section(overview: &Overview<'_>) -> Option<Section> {
    if overview.methods.is_empty() {
        return None;
    }
    let mut table = Table::new([
        Column::new("method"),
        Column::new("epochs"),
        Column::new("seconds per epoch").best(Better::Lower),
        Column::new("seconds in all"),
        Column::new("waiting for data, %"),
        Column::new("samples per second"),
        Column::new("peak memory, MiB"),
        Column::new("encoder passes per batch"),
        Column::new("parameters"),
    ])
    .captioned("Cost of a run, mean ± standard deviation over runs");
    for method in &overview.methods {
        let epochs = || method.runs.iter().flat_map(|run| &run.epochs).filter(|e| e.epoch > 0);
        let speed = |e: &Epoch| if e.seconds > 0.0 { e.samples as f64 / e.seconds } else { f64::NAN };
        let over_runs = |value: &dyn Fn(&super::RunSummary) -> Option<f64>| {
            Summary::of(&method.runs.iter().filter_map(|run| value(run)).collect::<Vec<_>>())
        };
        let memory = over_runs(&|run| Some(run.end.as_ref()?.peak_bytes? as f64 / f64::from(1 << 20)));
        table.row([
            Cell::text(&method.name),
            Cell::spread(&over_runs(&|run| Some(run.epochs.last()?.epoch as f64)), 1.0, 0),
            Cell::spread(&Summary::of(&epochs().map(|e| e.seconds).collect::<Vec<_>>()), 1.0, 2),
            Cell::spread(&over_runs(&|run| total(run)), 1.0, 0),
            Cell::spread(&over_runs(&|run| waiting(run)), 100.0, 1),
            Cell::spread(&Summary::of(&epochs().map(speed).collect::<Vec<_>>()), 1.0, 0),
            Cell::spread(&memory, 1.0, 0),
            Cell::maybe(mean(epochs().filter_map(|e| e.passes)), 2),
            first(method, |run| run.parameters).map_or_else(Cell::none, Cell::count),
        ]);
    }
    table.note(
        "Wall time with evaluation. Runs that shared a machine slow each other down, so small differences mean nothing. \
         An encoder pass is one forward and one backward through every encoder up to where modalities meet; joint training takes 1.",
    );
    let mut section = Section::new("Cost");
    section.push(Block::Table(table));
    Some(section)
}

/// Seconds of all epochs; `None` without epochs.
fn total(run: &super::RunSummary) -> Option<f64> {
    (!run.epochs.is_empty()).then(|| run.epochs.iter().map(|e| e.seconds).sum())
}

/// Share of the time in which training stood still for want of a batch; `None` where no epoch says it.
fn waiting(run: &super::RunSummary) -> Option<f64> {
    let said = || run.epochs.iter().filter_map(|e| Some((e.waiting_for_data?, e.seconds)));
    let (waited, all) = said().fold((0.0, 0.0), |sums, (waited, all)| (sums.0 + waited, sums.1 + all));
    (all > 0.0).then_some(waited / all)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

fn first<T>(method: &Method<'_>, read: impl Fn(&super::RunSummary) -> Option<T>) -> Option<T> {
    method.runs.iter().find_map(|run| read(run))
}
