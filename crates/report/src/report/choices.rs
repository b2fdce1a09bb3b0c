//! What was tried on validation, and what was chosen.

use super::overview::Overview;
use crate::{
    html::{Block, Section},
    statistics::Summary,
    table::{Cell, Column, Table},
    text::shorten,
};

/// Settings shown; a larger search has tables of its own.
const MOST: usize = 120;

/// The tried settings of every method; nothing where nothing was tuned.
pub(super) fn section(overview: &Overview<'_>) -> Option<Section> {
    let all: Vec<_> = overview.options.studies.iter().flat_map(|s| &s.choices).collect();
    if all.is_empty() {
        return None;
    }
    let metric = &overview.metric;
    let score = format!("validation {}", metric.heading());
    let titles = ["method", "variant", "setting", &score, "chosen"];
    let mut table = Table::new(titles.map(Column::new)).captioned("Settings tried and chosen on validation");
    let tried =
        all.iter().flat_map(|choice| choice.settings.iter().enumerate().map(move |(i, s)| (choice, i, s)));
    let count = tried.clone().count();
    for (choice, i, setting) in tried.take(MOST) {
        let scores = choice.validation.get(i).into_iter().flatten();
        let summary = Summary::of(&scores.map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<_>>());
        table.row([
            Cell::text(shorten(&choice.method, 80)),
            choice.variant.as_ref().map_or_else(Cell::none, |v| Cell::text(shorten(v, 80))),
            Cell::text(shorten(setting, 200)),
            Cell::spread(&summary, metric.factor(), metric.digits),
            Cell::text(if choice.setting == Some(i) { "yes" } else { "" }),
        ]);
    }
    if count > MOST {
        table.note(format!("{} more are not shown.", count - MOST));
    }
    table.note(
        "Every method tried as many settings as every other. The test split was opened for the chosen ones only, after the \
         choice.",
    );
    let mut section = Section::new("Settings tried");
    section.push(Block::Table(table));
    Some(section)
}
