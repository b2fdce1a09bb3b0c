//! Which settings a table leaves out.

use serde_json::Value;
use toml::Table;

use crate::reference::Reader;

/// The keys that a table may have by its schema and does not have, in the tables within it too;
/// joined by dots, in the order of the schema.
///
/// ```
/// use counterpoint_catalog::unset;
/// use schemars::{JsonSchema, schema_for};
///
/// #[derive(JsonSchema)]
/// struct Picture {
///     title: Option<String>,
///     shape: Shape,
/// }
///
/// #[derive(JsonSchema)]
/// #[serde(tag = "name", rename_all = "lowercase")]
/// enum Shape {
///     Circle { radius: f64, centre: Option<[f64; 2]> },
///     Square { side: f64 },
/// }
///
/// let table = "shape = { name = \"circle\", radius = 1.0 }".parse().unwrap();
/// assert_eq!(unset(schema_for!(Picture).as_value(), &table), ["shape.centre", "title"]);
/// ```
pub fn unset(schema: &Value, table: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    collect(&Reader::new(schema), "", schema, table, &mut keys);
    keys
}

fn collect(reader: &Reader<'_>, path: &str, schema: &Value, table: &Table, keys: &mut Vec<String>) {
    for schema in reader.describing(schema, table) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, of) in properties.into_iter().flatten() {
            match table.get(key) {
                None => keys.push(format!("{path}{key}")),
                Some(toml::Value::Table(inner)) => {
                    collect(reader, &format!("{path}{key}."), of, inner, keys);
                }
                Some(_) => {}
            }
        }
        // Tables by a name that the user chooses, such as one for each modality.
        let Some(each) = schema.get("additionalProperties") else { continue };
        for (name, inner) in table.iter().filter_map(|(name, value)| Some((name, value.as_table()?))) {
            if properties.is_none_or(|known| !known.contains_key(name)) {
                collect(reader, &format!("{path}{name}."), each, inner, keys);
            }
        }
    }
}
