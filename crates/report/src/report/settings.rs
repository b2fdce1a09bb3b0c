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

/// Settings shown of two methods that differ in more have little in common.
const MOST: usize = 200;
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

/// A row per setting whose value is not the same everywhere; `None` without one.
fn differences(study: &Study<'_>, caption: &str, read: impl Fn(&RunSummary) -> Settings) -> Option<Table> {
    let all: Vec<Vec<Settings>> =
        study.methods.iter().map(|m| m.runs.iter().map(|run| read(run)).collect()).collect();
    let keys: BTreeSet<&String> = all.iter().flatten().flat_map(BTreeMap::keys).collect();
    let differs = |key: &&String| {
        let mut values = all.iter().flatten().map(|s| s.get(*key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let name = |m: &Method<'_>| Column::new(shorten(&m.name, 40));
    let mut table = Table::new([Column::new("setting")].into_iter().chain(study.methods.iter().map(name)));
    table.caption = caption.to_owned();
    let different: Vec<&String> = keys.into_iter().filter(differs).collect();
    for key in different.iter().take(MOST) {
        let cell = |runs: &Vec<Settings>| {
            let mut values: Vec<&str> =
                runs.iter().map(|s| s.get(*key).map_or("not set", String::as_str)).collect();
            values.dedup();
            Cell::text(listed(&values, 6))
        };
        table.row([Cell::text(shorten(key, 80))].into_iter().chain(all.iter().map(cell)));
    }
    if different.len() > MOST {
        table.note(format!("{} more are not shown.", different.len() - MOST));
    }
    (!different.is_empty()).then_some(table)
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
