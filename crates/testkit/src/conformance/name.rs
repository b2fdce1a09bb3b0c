//! Names of subjects, short and different: a part, and what it has otherwise than by default.

use std::fmt;

use counterpoint::catalog::{Catalog, Chosen, Kind};
use counterpoint::model::{LateFusionConfig, ModelConfig};
use serde_json::Value;

use super::Subject;

/// A part by name, with the settings that are not its defaults.
pub fn told<K: Kind + ?Sized>(part: &Chosen<K>) -> String {
    let json = |part: &Chosen<K>| serde_json::to_value(part).unwrap_or_default();
    let catalog = Catalog::<K>::current();
    let defaults = catalog.find(part.name()).ok().and_then(|entry| entry.defaults().ok());
    words(&json(part), defaults.map(|defaults| json(&defaults)).as_ref())
}

/// A value; of a part its name, and in parentheses what differs from the other one.
fn words(value: &Value, other: Option<&Value>) -> String {
    match value {
        Value::Object(keys) => {
            let other = other.filter(|other| other.get("name") == value.get("name"));
            let at = |key: &str| other.and_then(|other| other.get(key));
            let differ = keys.iter().filter(|(key, value)| *key != "name" && at(key) != Some(value));
            let told: Vec<String> = differ.map(|(key, v)| format!("{key}={}", words(v, at(key)))).collect();
            let name = keys.get("name").and_then(Value::as_str).unwrap_or_default();
            if told.is_empty() && !name.is_empty() {
                name.to_owned()
            } else {
                format!("{name}({})", told.join(","))
            }
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(|v| words(v, None)).collect::<Vec<_>>().join(","))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A model; a late fusion by fusion and head, since all of the suite have the same encoders.
pub fn told_model(model: &ModelConfig) -> String {
    match model.get::<LateFusionConfig>() {
        Some(late) => format!("{}({},{})", model.name(), told(&late.fusion), told(&late.head)),
        None => told(model),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.modalities == 1 { "modality" } else { "modalities" };
        write!(f, "{} on {}, {} {plural}", told(&self.strategy), told_model(&self.model), self.modalities)
    }
}
