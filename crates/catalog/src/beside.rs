//! Keys that a table has besides the part that it chooses.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// What a table looks like that chooses one part of `C` and may have the keys of `T`, too.
///
/// Editors check each part with all its keys; that needs the keys of `T` in each.
///
/// ```
/// use counterpoint_catalog::beside;
/// use schemars::{JsonSchema, SchemaGenerator};
///
/// #[derive(JsonSchema, serde::Deserialize)]
/// #[serde(tag = "name", deny_unknown_fields)]
/// enum Part {
///     A { x: f64 },
/// }
///
/// #[derive(JsonSchema)]
/// struct Common {
///     y: f64,
/// }
///
/// let schema = beside::<Part, Common>(&mut SchemaGenerator::default()).to_value();
/// let keys = schema.pointer("/oneOf/0/properties").unwrap().as_object().unwrap();
/// assert_eq!(keys.keys().collect::<Vec<_>>(), ["name", "x", "y"]);
/// ```
pub fn beside<C: JsonSchema, T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let (mut choice, common) = (C::json_schema(generator), T::json_schema(generator).to_value());
    let parts = choice.ensure_object().get_mut("oneOf").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(keys) = common.get("properties").and_then(Value::as_object) {
            let properties = part.entry("properties").or_insert_with(|| serde_json::Map::new().into());
            properties.as_object_mut().into_iter().for_each(|all| all.extend(keys.clone()));
        }
        if let Some(keys) = common.get("required").and_then(Value::as_array) {
            let required = part.entry("required").or_insert_with(|| Vec::<Value>::new().into());
            required.as_array_mut().into_iter().for_each(|all| all.extend(keys.clone()));
        }
    }
    choice
}
