//! In what the runs differ: configuration, data, environment.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    RunSummary,
    study::{Method, Study},
    words::listed,
};
use crate::{
    html::{Block, Section},
    table::{Cell, Column, Table},
    text::shorten,
};

/// Values by key, both as they stand in a configuration.
pub(super) type Settings = BTreeMap<String, String>;

/// Settings shown: methods that differ in more have little in common.
const MOST: usize = 60;
/// Letters of a configuration shown, and lines read, so that no run can blow up the page.
const LONGEST: usize = 20_000;
/// Methods whose configuration is shown.
const MOST_TEXTS: usize = 24;

/// The settings that differ, and the whole texts behind a line each.
pub(super) fn configuration(study: &Study<'_>) -> Option<Section> {
    if study.runs.iter().all(|run| run.config.trim().is_empty()) {
        return None;
    }
    let mut section = Section::new("Configuration");
    let read = |run: &RunSummary| settings(&run.config);
    match differences(study, "Settings that differ", read) {
        Some(table) => section.push(Block::Table(table)),
        None => section.say("All configurations are equal."),
    }
    for method in study.methods.iter().take(MOST_TEXTS) {
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
pub(super) fn surroundings(study: &Study<'_>) -> Option<Section> {
    let read = |run: &RunSummary| -> Settings { run.data.iter().chain(&run.environment).map(own).collect() };
    let all: Vec<Settings> = study.runs.iter().map(read).collect();
    let mut section = Section::new("Data and environment");
    let (first, rest) = all.split_first()?;
    if all.iter().all(BTreeMap::is_empty) {
        section.say("No run says what data or machine it used.");
        return Some(section);
    }
    let mut shared = Table::new(["item", "value"].map(Column::new)).captioned("The same in all runs");
    for (key, value) in first.iter().filter(|(k, v)| rest.iter().all(|s| s.get(*k) == Some(*v))).take(MOST) {
        shared.row([Cell::text(shorten(key, 80)), Cell::text(shorten(value, 400))]);
    }
    if !shared.rows.is_empty() {
        section.push(Block::Table(shared));
    }
    section.blocks.extend(differences(study, "Different between runs", read).map(Block::Table));
    Some(section)
}

fn own((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

/// A row per method with what it sets otherwise than the baseline; `None` when
/// nothing differs anywhere.
fn differences(study: &Study<'_>, caption: &str, read: impl Fn(&RunSummary) -> Settings) -> Option<Table> {
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
    let all: Vec<_> = study.methods.iter().map(gather).collect();
    let base = all.get(study.baseline)?;
    let other = format!("set otherwise than in {}", study.baseline_name());
    let mut table = Table::new([Column::new("method"), Column::new(other)]).captioned(caption);
    let mut any = false;
    for (method, own) in study.methods.iter().zip(&all) {
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
        table.note(format!("The runs of {} differ in {}.", study.baseline_name(), varied.join(", ")));
    }
    (any || !varied.is_empty()).then_some(table)
}

/// `section.key` and value of every line of a TOML text.
///
/// Not a parser: it serves to show differences, and a text that is no TOML still
/// yields its lines. Values over several lines are joined.
pub(super) fn settings(text: &str) -> Settings {
    let mut settings = Settings::new();
    let mut section = String::new();
    // A value that has more brackets open than closed goes on in the next line.
    let mut open: Option<(String, String, i64)> = None;
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).take(LONGEST) {
        let depth = |text: &str| text.chars().map(|c| i64::from(c == '[') - i64::from(c == ']')).sum::<i64>();
        if let Some((_, value, left)) = &mut open {
            *left += depth(line);
            if value.len() < LONGEST {
                value.push(' ');
                value.push_str(line);
            }
        } else if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = format!("{}.", name.trim_matches(['[', ']']).trim());
        } else if let Some((key, value)) = line.split_once('=') {
            open = Some((format!("{section}{}", key.trim()), value.trim().to_owned(), depth(value)));
        } else {
            settings.insert(format!("{section}{line}"), String::new());
        }
        if let Some((key, value, _)) = open.take_if(|(.., left)| *left <= 0) {
            settings.insert(key, value);
        }
    }
    settings.extend(open.map(|(key, value, _)| (key, value)));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_flat() {
        let flat =
            settings("a = 1\n# no\n[train]\nseed = 3\nlist = [\n  1,\n  2 ]\n[[x.y]]\nlost\nopen = [1");
        let expected = [
            ("a", "1"),
            ("train.seed", "3"),
            ("train.list", "[ 1, 2 ]"),
            ("x.y.lost", ""),
            ("x.y.open", "[1"),
        ];
        assert_eq!(flat, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }
}
