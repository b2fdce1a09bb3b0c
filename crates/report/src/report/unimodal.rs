//! By which convention each method's modalities are read, in words and as a table.

use super::{
    RunSummary,
    overview::{FUSED, Method, Overview, ScoreSource, row_title},
};
use crate::{
    record::{Convention, conventions},
    statistics::Summary,
    table::{Cell, Column, Table},
    text::{listed, shorten},
};

impl Overview<'_> {
    /// What people call the convention by which a method's modality is
    /// compared, such as `own head`; several where its runs differ.
    pub fn read_by(&self, method: &Method<'_>, source: &ScoreSource, row: &str) -> String {
        let mut names: Vec<&str> = Vec::new();
        for run in &method.runs {
            let Some(scores) = source.scores(run).filter(|s| s.contains_key(row)) else { continue };
            let name = run.unimodal.name(scores, row);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        listed(&names, 4)
    }

    /// The name of a method where its score of a row is shown: with the
    /// convention, unless that is zero-filling.
    pub fn called(&self, method: &Method<'_>, source: &ScoreSource, row: &str) -> String {
        let by = self.read_by(method, source, row);
        let plain = row == FUSED || by.is_empty() || by == Convention::ZeroFill.name();
        if plain { method.name.clone() } else { format!("{}, {by}", method.name) }
    }

    /// One sentence: how each single modality is read in numbers of this source.
    pub fn conventions(&self, source: &ScoreSource) -> Option<String> {
        let by = |method: &Method<'_>| {
            let rows = self.unimodal_rows();
            let known = rows.map(|row| self.read_by(method, source, row)).filter(|by| !by.is_empty());
            // A method with a convention of its own is named by that.
            known.max_by_key(|by| by != Convention::ZeroFill.name())
        };
        let read: Vec<(&str, String)> =
            self.methods.iter().filter_map(|m| Some((m.name.as_str(), by(m)?))).collect();
        conventions(read.iter().map(|(method, by)| (*method, by.as_str())))
    }
}

/// Scores of every modality by every convention; `None` if all are zero-fill.
pub(super) fn table(overview: &Overview<'_>, source: &ScoreSource) -> Option<Table> {
    let values = |run: &RunSummary, (row, convention): (&str, Convention)| {
        let values = run.unimodal.by(convention, source.scores(run)?, row)?;
        Some(values.get(&overview.metric.name).copied().unwrap_or(f64::NAN))
    };
    let modalities = overview.unimodal_rows();
    let columns: Vec<(&str, Convention)> = modalities
        .flat_map(|row| Convention::ALL.map(|convention| (row.as_str(), convention)))
        .filter(|column| overview.runs.iter().any(|run| values(run, *column).is_some()))
        .collect();
    if columns.iter().all(|(_, convention)| *convention == Convention::ZeroFill) {
        return None;
    }
    let metric = &overview.metric;
    let heads = columns.iter().map(|(row, convention)| {
        Column::new(format!("{}, {}", row_title(row), convention.name())).best(metric.better)
    });
    let heads = std::iter::once(Column::new("method")).chain(heads).chain([Column::new("native is")]);
    let mut table =
        Table::new(heads).captioned(format!("{}: unimodal scores, {}", source.title(), metric.heading()));
    for method in &overview.methods {
        let cell = |column: &(&str, Convention)| {
            let of: Vec<f64> = method.runs.iter().filter_map(|run| values(run, *column)).collect();
            Cell::spread(&Summary::of(&of), metric.factor(), metric.digits)
        };
        let native = method.runs[0].unimodal.native_name().unwrap_or("-");
        let cells = columns.iter().map(cell).chain([Cell::text(shorten(native, 40))]);
        table.row(std::iter::once(Cell::text(&method.name)).chain(cells));
    }
    table.note(
        "Zero-fill: the model is shown that modality, with zeros for the others. Native: the method's own reading. \
         Linear probe: a linear model fitted to the frozen features. Comparisons use the head that the method \
         trains for the modality, otherwise zero-fill.",
    );
    Some(table)
}
