//! How the runs differ: configuration, data, environment.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    RunSummary,
    overview::{Method, Overview},
    settings::{Settings, settings},
};
use crate::{
    html::{Block, Section},
    table::{Cell, Column, Table},
    text::{listed, shorten},
};

/// Settings shown: methods that differ in more have little in common.
const MOST: usize = 60;
/// Letters of a configuration shown, so that no run can blow up the page.
const LONGEST: usize = 20_000;
/// Methods whose configuration is shown.
const MOST_TEXTS: usize = 24;

/// The settings that differ, and the whole texts, each folded under a line.
pub(super) fn configuration(overview: &Overview<'_>) -> Option<Section> {
    if overview.runs.iter().all(|run| run.config.trim().is_empty()) {
        return None;
    }
    let mut section = Section::new("Configuration");
    let read = |run: &RunSummary| settings(&run.config);
    match differences(overview, "Settings that differ", read) {
        Some(table) => section.push(Block::Table(table)),
        None => section.say("All configurations are equal."),
    }
    for method in overview.methods.iter().take(MOST_TEXTS) {
        let Some(run) = method.runs.iter().find(|run| !run.config.trim().is_empty()) else { continue };
        let mut text: String = run.config.chars().take(LONGEST).collect();
        if text.len() < run.config.len() {
            text += "\n# cut here by the report";
        }
        let line = format!("Configuration of {} (run {})", method.name, shorten(&run.name, 60));
        section.push(Block::Details(line, vec![Block::Code(text)]));
    }
    Some(section)
}

/// Data and environment: what all share, then what differs.
pub(super) fn surroundings(overview: &Overview<'_>) -> Option<Section> {
    let read = |run: &RunSummary| -> Settings { run.data.iter().chain(&run.environment).map(own).collect() };
    let all: Vec<Settings> = overview.runs.iter().map(read).collect();
    let mut section = Section::new("Data and environment");
    let (first, rest) = all.split_first()?;
    if all.iter().all(BTreeMap::is_empty) {
        section.say("No run records which data or machine it used.");
        return Some(section);
    }
    let mut shared = Table::new(["item", "value"].map(Column::new)).captioned("The same in all runs");
    for (key, value) in first.iter().filter(|(k, v)| rest.iter().all(|s| s.get(*k) == Some(*v))).take(MOST) {
        shared.row([Cell::text(shorten(key, 80)), Cell::text(shorten(value, 400))]);
    }
    if !shared.rows.is_empty() {
        section.push(Block::Table(shared));
    }
    section.blocks.extend(differences(overview, "Different between runs", read).map(Block::Table));
    Some(section)
}

fn own((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

/// A row per method with what it sets otherwise than the baseline; `None` when
/// nothing differs anywhere.
fn differences(
    overview: &Overview<'_>,
    caption: &str,
    read: impl Fn(&RunSummary) -> Settings,
) -> Option<Table> {
    // Per method the values of each key over its runs.
    let gather = |method: &Method<'_>| -> BTreeMap<String, Vec<String>> {
        let runs: Vec<Settings> = method.runs.iter().map(|run| read(run)).collect();
        let keys: BTreeSet<String> = runs.iter().flat_map(|s| s.keys().cloned()).collect();
        let values = |key: &String| {
            let mut values: Vec<String> =
                runs.iter().map(|s| s.get(key).map_or("not set", String::as_str).to_owned()).collect();
            values.sort();
            values.dedup();
            values
        };
        keys.into_iter().map(|key| (key.clone(), values(&key))).collect()
    };
    let all: Vec<_> = overview.methods.iter().map(gather).collect();
    let base = all.get(overview.baseline)?;
    let other = format!("settings that differ from {}", overview.baseline_name());
    let mut table = Table::new([Column::new("method"), Column::new(other)]).captioned(caption);
    let mut any = false;
    for (method, own) in overview.methods.iter().zip(&all) {
        let keys: BTreeSet<&String> = own.keys().chain(base.keys()).collect();
        let differs: Vec<&String> = keys.into_iter().filter(|key| own.get(*key) != base.get(*key)).collect();
        let parts: Vec<String> = differs
            .iter()
            .take(MOST)
            .map(|key| {
                let values: Vec<&str> = own.get(*key).into_iter().flatten().map(String::as_str).collect();
                let values = if values.is_empty() { "not set".into() } else { listed(&values, 6) };
                format!("{} = {values}", shorten(key, 80))
            })
            .collect();
        any |= !parts.is_empty();
        let more = differs.len().saturating_sub(MOST);
        let text = parts.join("; ") + &if more > 0 { format!("; {more} more") } else { String::new() };
        table.row([Cell::text(&method.name), if text.is_empty() { Cell::none() } else { Cell::text(text) }]);
    }
    let varied: Vec<String> = base
        .iter()
        .filter(|(_, values)| values.len() > 1)
        .take(8)
        .map(|(key, values)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            format!("{} ({})", shorten(key, 80), listed(&values, 8))
        })
        .collect();
    if !varied.is_empty() {
        table.note(format!("The runs of {} differ in {}.", overview.baseline_name(), varied.join(", ")));
    }
    (any || !varied.is_empty()).then_some(table)
}
