//! The JSON schema of a configuration.

use counterpoint::catalog::{Settings as _, beside};
use counterpoint::diagnose::DiagnosticsConfig;
use counterpoint::engine::EngineOptions;
use counterpoint::model::{LateFusionConfig, ModelConfig};
use counterpoint::readout::ReadoutConfig;
use counterpoint::strategy::StrategyConfig;
use counterpoint::task::TaskConfig;
use counterpoint::train::{OptimizerConfig, ScheduleConfig};
use counterpoint_data::DataConfig;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Config, Model, StartFrom, StrategySection, Training};

/// The version of the language that a schema says of itself.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl Config {
    /// What a configuration file looks like, for editors that check and complete it.
    pub fn schema() -> Value {
        let mut generator = SchemaGenerator::default();
        let of = &mut generator;
        let sections = json!({
            "data": DataConfig::json_schema(of),
            "task": TaskConfig::json_schema(of),
            "model": model(of),
            "strategy": beside::<StrategyConfig, StrategySection>(of),
            "readout": ReadoutConfig::json_schema(of),
            "optimizer": OptimizerConfig::json_schema(of),
            "schedule": ScheduleConfig::json_schema(of),
            "train": Training::json_schema(of),
            "engine": EngineOptions::json_schema(of),
            "diagnostics": DiagnosticsConfig::json_schema(of),
        });
        json!({
            "$schema": DIALECT,
            "title": "Counterpoint: configuration of a run",
            "type": "object",
            "properties": sections,
            "required": ["data", "strategy", "optimizer"],
            "additionalProperties": false,
            "$defs": generator.take_definitions(true),
        })
    }
}

/// `[model]`: a model with its settings and what all may have; one without a name is late fusion.
fn model(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = beside::<ModelConfig, Model>(generator);
    let parts = schema.ensure_object().get_mut("oneOf").and_then(Value::as_array_mut);
    let default = |part: &&mut Value| {
        part.pointer("/properties/name/const").is_some_and(|name| name == LateFusionConfig::NAME)
    };
    if let Some(required) =
        parts.into_iter().flatten().find(default).and_then(|part| part.get_mut("required"))
    {
        required.as_array_mut().into_iter().for_each(|keys| keys.retain(|key| key != "name"));
    }
    schema
}

/// `model.from`: the folder of a run, or a table that says more.
pub(super) fn start_from(generator: &mut SchemaGenerator) -> Schema {
    let table = generator.subschema_for::<StartFrom>();
    json_schema!({ "anyOf": [{ "type": "string" }, table] })
}
