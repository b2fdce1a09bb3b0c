//! In what two configurations differ.

use counterpoint_report::record::ASIDE;
use toml::{Table, Value};

/// Removes what changes nothing of what is trained.
pub fn strip_aside(table: &mut Table) {
    for (section, key) in ASIDE.iter().filter_map(|key| key.split_once('.')) {
        if let Some(Value::Table(section)) = table.get_mut(section) {
            section.remove(key);
        }
    }
}

/// The first place where two values differ, in words.
pub fn first_difference(path: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Table(a), Value::Table(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => first_difference(&path, a, b),
                    (Some(_), None) => Some(format!("{path} is new")),
                    (None, _) => Some(format!("{path} is gone")),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if !a.is_empty() || !b.is_empty() => match (named(a), named(b)) {
            (Some(a), Some(b)) => first_difference(path, &Value::Table(a), &Value::Table(b)),
            _ => (a != b)
                .then(|| format!("{path} = {}, was {}", Value::from(a.clone()), Value::from(b.clone()))),
        },
        _ => (a != b).then(|| format!("{path} = {a}, was {b}")),
    }
}

/// A list of tables with names, by their names.
fn named(list: &[Value]) -> Option<Table> {
    let entry = |value: &Value| Some((value.get("name")?.as_str()?.to_owned(), value.clone()));
    list.iter().map(entry).collect()
}
