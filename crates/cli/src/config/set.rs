//! Parts of a configuration laid over it: `--set`, and what studies change.

use counterpoint::catalog::Settings;
use counterpoint::model::LateFusionConfig;
use counterpoint_report::text::shorten;
use toml::{Table, Value};

use super::SECTIONS;
use crate::exit::{Code, Failure};
use crate::output;

/// Levels of sections that a key may name.
const LEVELS: usize = 16;

/// Applies `a.b=value`; the value is TOML, or text if it is not TOML.
pub fn apply(table: &mut Table, set: &str) -> Result<(), Failure> {
    let usage = |why: String| Failure::new(Code::Usage, format!("--set {}: {why}", shorten(set, 100)));
    let (path, text) = set.split_once('=').ok_or_else(|| usage("expected KEY=VALUE".into()))?;
    if path.split('.').count() > LEVELS {
        return Err(usage(format!("the key has more than {LEVELS} levels; no section is that deep")));
    }
    if path.split('.').any(|key| key.trim().is_empty()) {
        return Err(usage(
            "a part of the key is empty; expected KEY=VALUE, for example train.epochs=20".into(),
        ));
    }
    let before = table.get(path.rsplit_once('.').map_or("", |(section, _)| section)).cloned();
    overlay(table, &at(path, value_of(text))).map_err(usage)?;
    if let (Some(Value::Table(old)), Some((section, "name"))) = (before, path.rsplit_once('.')) {
        switched(table, section, &old);
    }
    Ok(())
}

/// Keys that every optimizer has.
const OF_EVERY_OPTIMIZER: [&str; 4] = ["lr", "weight_decay", "encoder_factor", "encoder_weight_decay"];

/// Keys that Adam and AdamW share besides.
const OF_ADAM: [&str; 2] = ["betas", "epsilon"];

/// After `--set SECTION.name=..` chose another method: takes over what both
/// have, and says which keys of the file no longer hold.
fn switched(table: &mut Table, section: &str, old: &Table) {
    let Some(Value::Table(new)) = table.get_mut(section) else { return };
    let is_adam = |table: &Table| {
        table.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("adam"))
    };
    let both_adam = is_adam(old) && is_adam(new);
    let kept = |key: &str| {
        section == "optimizer" && (OF_EVERY_OPTIMIZER.contains(&key) || both_adam && OF_ADAM.contains(&key))
    };
    let mut words = (Vec::new(), Vec::new());
    for (key, value) in old.iter().filter(|(key, _)| *key != "name") {
        if new.contains_key(key) {
            continue;
        }
        if kept(key) {
            new.insert(key.clone(), value.clone());
            words.0.push(format!("{section}.{key} = {value}"));
        } else {
            words.1.push(format!("{section}.{key}"));
        }
    }
    let (kept, gone) = (words.0.join(", "), words.1.join(", "));
    let name = new.get("name").map_or(String::new(), Value::to_string);
    for (what, keys) in [("keeps", kept), ("drops", gone)] {
        if !keys.is_empty() {
            output::say(format_args!("note: {section}.name = {name} {what} {keys}"));
        }
    }
}

/// A value as the command line writes it: TOML, or text if it is not TOML.
pub fn value_of(text: &str) -> Value {
    let value = format!("value = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The part of a configuration that has only this value, at `a.b`.
pub fn at(path: &str, value: Value) -> Table {
    let (key, rest) = path.trim().split_once('.').map_or((path.trim(), None), |(k, r)| (k, Some(r)));
    let value = rest.map_or(value.clone(), |rest| Value::Table(at(rest, value)));
    Table::from_iter([(key.to_owned(), value)])
}

/// Lays a part of a configuration over a table.
///
/// Where the part chooses another `name`, the table's settings go: those of
/// the old method would be unknown keys of the new one.
pub fn overlay(table: &mut Table, part: &Table) -> Result<(), String> {
    let switches = part.get("name").is_some_and(|new| table.get("name").is_some_and(|old| old != new));
    if switches {
        table.clear();
    }
    for (key, value) in part {
        match (table.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => {
                if key == "model" && new.contains_key("name") {
                    // The file may leave the usual model unnamed.
                    old.entry("name").or_insert_with(|| Value::from(LateFusionConfig::NAME));
                }
                overlay(old, new)?;
            }
            // A setting may be one number or a table of one for each modality; a section is a table.
            (Some(old), Value::Table(_)) if !old.is_table() && SECTIONS.contains(&key.as_str()) => {
                return Err(format!("`{key}` is a value, not a section"));
            }
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(())
}
