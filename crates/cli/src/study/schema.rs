//! The JSON schema of a study.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::spec::References;
use crate::config::{DIALECT, SECTIONS};

/// What a study's file looks like, for editors that check and complete it.
///
/// A method is a part of a configuration; which keys may meet is known only when it is laid over
/// the common one, so that of its sections no more than the names are checked.
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let references = generator.subschema_for::<References>();
    let sections: Map<String, Value> =
        SECTIONS.iter().map(|name| ((*name).to_owned(), json!({ "type": "object" }))).collect();
    let part = json!({ "type": "object", "properties": sections, "additionalProperties": false });
    let parts = json!({ "type": "object", "additionalProperties": part });
    let settings = json!({ "type": "array", "items": part });
    let seed = json!({ "type": "integer", "minimum": 0 });
    let mut properties = sections.clone();
    for (key, meaning, of) in [
        ("config", "The configuration that all methods share.", json!({ "type": "string" })),
        (
            "seeds",
            "How many seeds, or which.",
            json!({ "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "array", "items": seed, "minItems": 1, "uniqueItems": true },
            ] }),
        ),
        (
            "baseline",
            "The method that the others are compared with.",
            json!({ "type": "string", "default": "joint" }),
        ),
        (
            "probe",
            "Whether the look at the test split includes linear probes.",
            json!({ "type": "boolean", "default": false }),
        ),
        ("methods", "The methods: name and the part of a configuration that makes each.", parts.clone()),
        ("variants", "What every method is trained on, such as another data set.", parts),
        (
            "folds",
            "How many folds of the data are variants.",
            json!({ "type": "integer", "minimum": 3, "maximum": 1000 }),
        ),
        (
            "tune",
            "Settings to choose from on validation.",
            json!({
                "type": "object",
                "properties": {
                    "seeds": { "type": "integer", "minimum": 1, "description": "How many of the seeds try settings." },
                    "settings": settings,
                    "methods": { "type": "object", "additionalProperties": settings },
                },
                "additionalProperties": false,
            }),
        ),
        (
            "references",
            "The references that are added: all, none, or which.",
            json!({ "anyOf": [{ "type": "boolean" }, references] }),
        ),
    ] {
        let mut of = of;
        of["description"] = meaning.into();
        properties.insert(key.to_owned(), of);
    }
    json!({
        "$schema": DIALECT,
        "title": "Counterpoint: a study",
        "type": "object",
        "properties": properties,
        "required": ["methods", "seeds"],
        "additionalProperties": false,
        "$defs": generator.take_definitions(true),
    })
}
