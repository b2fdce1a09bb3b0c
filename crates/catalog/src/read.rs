//! From a table to settings, and what to say where one does not fit.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::suggestion::hint;

/// Why a table does not fit: a sentence that names what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(pub(crate) String);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

/// The keys of settings that are a table, sorted.
pub fn keys<T: JsonSchema>() -> Vec<String> {
    keys_of(&T::json_schema(&mut SchemaGenerator::default()))
}

pub(crate) fn keys_of(schema: &Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(|p| p.as_object());
    properties.into_iter().flat_map(|p| p.keys().cloned()).collect()
}

/// Reads settings.
///
/// # Errors
/// If a key is unknown or missing, or a value does not fit its key. The message
/// begins with the key, also where it lies in a table of a table.
///
/// ```
/// use counterpoint_catalog::read;
///
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(tag = "kind", rename_all = "lowercase")]
/// enum Shape {
///     Circle {
///         #[serde(default)]
///         radius: f64,
///     },
/// }
/// #[derive(Debug, serde::Deserialize)]
/// struct Picture {
///     shape: Shape,
/// }
///
/// let refusal = |text: &str| read::<Picture>(text.parse().unwrap()).unwrap_err().to_string();
/// let message = refusal("shape = { kind = \"circle\", radius = \"large\" }");
/// assert_eq!(message, "`shape.radius`: invalid type: string \"large\", expected a number");
/// let message = refusal("shape = { kind = \"circel\" }");
/// assert_eq!(message, "`shape.kind`: unknown variant `circel`, expected `circle`, did you mean `circle`?");
/// ```
pub fn read<T: DeserializeOwned>(table: Table) -> Result<T, ReadError> {
    let from = |table: Table| serde_path_to_error::deserialize::<_, T>(Value::Table(table));
    from(table.clone()).map_err(|error| {
        let path: Vec<String> = error.path().iter().map(ToString::to_string).collect();
        // Of tagged and flattened tables serde forgets where in them it was.
        let place = culprit(&table, &path, &|table| from(table).is_ok());
        let place = place.unwrap_or_else(|| error.path().to_string());
        let message = plain(error.inner().message().trim());
        let key = if place == "." { String::new() } else { format!("`{place}`: ") };
        ReadError(format!("{key}{message}{}", hint(&message)))
    })
}

/// The message without Rust's names of types.
fn plain(message: &str) -> String {
    let Some((what, kind)) = message.split_once(", expected ") else { return message.to_owned() };
    let kind = match kind {
        "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        other => other,
    };
    format!("{what}, expected {kind}")
}

/// The key without which a table would be read, as far inside as there is one;
/// the first tables on the way to it are known.
fn culprit(table: &Table, path: &[String], reads: &dyn Fn(Table) -> bool) -> Option<String> {
    let without = |key: &str| {
        let mut rest = table.clone();
        rest.remove(key);
        rest
    };
    let (key, rest) = match path.split_first() {
        Some((key, rest)) => (key, rest),
        None => (table.keys().find(|key| reads(without(key)))?, path),
    };
    let inner = table.get(key).and_then(Value::as_table).and_then(|inner| {
        culprit(inner, rest, &|changed| {
            let mut whole = table.clone();
            whole.insert(key.clone(), Value::Table(changed));
            reads(whole)
        })
    });
    match inner {
        Some(inner) => Some(format!("{key}.{inner}")),
        None => path.is_empty().then(|| key.clone()),
    }
}
