//! What was done to the data, and how many samples each loss and score is of.

use super::overview::{Method, Overview, row_title};
use crate::{
    html::{Block, Section},
    record::Epoch,
    table::{Cell, Column, Table},
    text::shorten,
};

/// Lines of a table: runs on other data than each other have no end of notes.
const MOST: usize = 60;
/// The splits in the order in which people name them.
const SPLITS: [&str; 3] = ["train", "val", "test"];

/// What users should know of the data; nothing where there is nothing.
pub(super) fn section(overview: &Overview<'_>) -> Option<Section> {
    let tables = [notes(overview), sizes(overview), losses(overview)];
    let mut section = Section::new("Data");
    section.blocks.extend(tables.into_iter().flatten().map(Block::Table));
    (!section.blocks.is_empty()).then_some(section)
}

/// Every note with the methods whose runs have it.
fn notes(overview: &Overview<'_>) -> Option<Table> {
    let mut notes: Vec<&String> = Vec::new();
    for note in overview.runs.iter().flat_map(|run| &run.data_notes) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let mut table = Table::new(["of the data", "methods"].map(Column::new))
        .captioned("What was changed in the data, and what they lack");
    for note in notes.iter().take(MOST) {
        let has = |method: &&Method<'_>| method.runs.iter().any(|run| run.data_notes.contains(note));
        let names: Vec<&str> = overview.methods.iter().filter(has).map(|m| m.name.as_str()).collect();
        let all = names.len() == overview.methods.len();
        let names = if all { "all".to_owned() } else { shorten(&names.join(", "), 200) };
        table.row([Cell::text(shorten(note, 400)), Cell::text(names)]);
    }
    if notes.len() > MOST {
        table.note(format!("{} more are not shown.", notes.len() - MOST));
    }
    (!notes.is_empty()).then_some(table)
}

/// Samples of the splits, where methods differ in them.
fn sizes(overview: &Overview<'_>) -> Option<Table> {
    let of = |method: &Method<'_>| {
        let run = method.runs.first()?;
        Some(SPLITS.map(|split| run.data.get(&format!("samples, {split}")).cloned()))
    };
    let all: Vec<_> = overview.methods.iter().map(of).collect();
    if all.iter().all(|sizes| *sizes == all[0]) {
        return None;
    }
    let columns = std::iter::once(Column::new("method")).chain(SPLITS.map(Column::new));
    let mut table = Table::new(columns).captioned("Samples of each split, first run of a method");
    for (method, sizes) in overview.methods.iter().zip(all) {
        let cell = |size: Option<String>| size.map_or_else(Cell::none, Cell::text);
        table.row(std::iter::once(Cell::text(&method.name)).chain(sizes.unwrap_or_default().map(cell)));
    }
    table.note(
        "A model of some of the modalities is trained and scored on the samples that have one of them, so its \
         scores are not over the same samples as those of a model of all modalities.",
    );
    Some(table)
}

/// How many samples each loss used, where a loss did not use all.
fn losses(overview: &Overview<'_>) -> Option<Table> {
    let columns = ["method", "loss", "samples used", "training samples"].map(Column::new);
    let mut table =
        Table::new(columns).captioned("Samples that each loss used in an epoch, last epoch of the first run");
    let last = |method: &Method<'_>| -> Option<Epoch> {
        method.runs.first()?.epochs.iter().rev().find(|epoch| !epoch.row_samples.is_empty()).cloned()
    };
    let mut partial = false;
    for (method, epoch) in overview.methods.iter().filter_map(|method| Some((method, last(method)?))) {
        for (row, used) in &epoch.row_samples {
            partial |= *used < epoch.samples;
            let cells = [Cell::text(row_title(row)), Cell::count(*used), Cell::count(epoch.samples)];
            table.row(std::iter::once(Cell::text(&method.name)).chain(cells));
        }
    }
    table.note(
        "A loss of several modalities leaves out samples that lack one of them, unless strategy.incomplete says \
         otherwise; a loss of one modality uses every sample that has it.",
    );
    partial.then_some(table)
}
