//! A number for all modalities, or one for each.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Modalities, Modality};
use crate::Error;

/// A setting that modalities share or have each their own of, as a
/// configuration writes it: `4.0`, or `{ audio = 2.0, image = 4.0 }`.
///
/// Names are compared with the model's modalities when the setting is used:
/// one that the model lacks and one that is left out are both errors.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PerModality {
    /// The same number for every modality.
    Same(f64),
    /// A number for each modality, by name.
    Each(BTreeMap<String, f64>),
}

impl From<f64> for PerModality {
    fn from(value: f64) -> Self {
        Self::Same(value)
    }
}

impl PerModality {
    /// The number that all modalities have, if it is one.
    pub fn same(&self) -> Option<f64> {
        match self {
            Self::Same(value) => Some(*value),
            Self::Each(values) => {
                let first = *values.values().next()?;
                values.values().all(|&value| value == first).then_some(first)
            }
        }
    }

    /// The number of the modality of this name, if it has one.
    pub fn of(&self, name: &str) -> Option<f64> {
        match self {
            Self::Same(value) => Some(*value),
            Self::Each(values) => values.get(name).copied(),
        }
    }

    /// Whether every number passes a test.
    pub fn all(&self, test: impl Fn(f64) -> bool) -> bool {
        match self {
            Self::Same(value) => test(*value),
            Self::Each(values) => values.values().all(|&value| test(value)),
        }
    }

    /// What `f` makes of the numbers of this setting and of another, for every
    /// modality that both have a number for.
    #[must_use]
    pub fn combined(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let names = match (self, other) {
            (Self::Same(a), Self::Same(b)) => return Self::Same(f(*a, *b)),
            (Self::Each(values), _) | (_, Self::Each(values)) => values.keys(),
        };
        let both = |name: &String| Some((name.clone(), f(self.of(name)?, other.of(name)?)));
        Self::Each(names.filter_map(both).collect())
    }

    /// One number for each modality, in order; `key` is the setting's, as `strategy.alpha`.
    ///
    /// # Errors
    /// If a name is unknown, or a modality has no number.
    pub fn values(&self, key: &str, modalities: &Modalities) -> Result<Vec<f64>, Error> {
        let has = modalities.names().join(", ");
        if let Self::Each(values) = self
            && let Some(unknown) = values.keys().find(|name| modalities.find(name).is_none())
        {
            return Err(Error::config(format!("{key}: the model has no modality `{unknown}`; it has {has}")));
        }
        let value = |m: Modality| {
            self.of(modalities.name(m)).ok_or_else(|| {
                Error::config(format!(
                    "{key} has no value for modality `{}`: expected one for each of {has}, or one number for all",
                    modalities.name(m)
                ))
            })
        };
        modalities.iter().map(value).collect()
    }

    /// Like [`Self::values`], each finite and at least 0.
    ///
    /// # Errors
    /// As there, and if a value is out of range.
    pub fn weights(&self, key: &str, modalities: &Modalities) -> Result<Vec<f64>, Error> {
        let values = self.values(key, modalities)?;
        let wrong = modalities.iter().zip(&values).find(|(_, value)| !(value.is_finite() && **value >= 0.0));
        match (self, wrong) {
            (_, None) => Ok(values),
            (Self::Same(value), _) => {
                Err(Error::config(format!("{key} = {value}: expected a number of at least 0")))
            }
            (Self::Each(_), Some((m, value))) => Err(Error::config(format!(
                "{key}.{} = {value}: expected a number of at least 0",
                modalities.name(m)
            ))),
        }
    }
}

// By hand: what is derived for untagged enums says "did not match any variant" of every mistake.
impl<'de> Deserialize<'de> for PerModality {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = PerModality;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a table with a number for each modality")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(PerModality::Same(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(PerModality::Same(value as f64))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(PerModality::Same(value as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(PerModality::Each)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for PerModality {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "number or table by modality".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({ "type": "number", "minimum": 0 });
        json_schema!({ "anyOf": [number, { "type": "object", "additionalProperties": number }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PerModality, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_number_serves_all_and_a_table_each() {
        let names = Modalities::new(["audio", "image"]).unwrap();
        let values = |text: &str| read(text).unwrap().weights("strategy.alpha", &names);
        assert_eq!(values("4").unwrap(), [4.0, 4.0]);
        assert_eq!(values(r#"{"image": 4, "audio": 0.5}"#).unwrap(), [0.5, 4.0]);
        let refused = |text: &str| values(text).unwrap_err().to_string();
        assert!(refused(r#"{"audio": 2, "imgae": 4}"#).contains("no modality `imgae`; it has audio, image"));
        assert!(refused(r#"{"audio": 2}"#).contains("no value for modality `image`"));
        assert!(refused(r#"{"audio": 2, "image": -4}"#).starts_with("strategy.alpha.image = -4: expected"));
        assert!(refused("-1").starts_with("strategy.alpha = -1: expected"));
        let wrong = read(r#""four""#).unwrap_err();
        assert!(wrong.contains("a number, or a table with a number for each modality"), "{wrong}");
    }

    #[test]
    fn settings_are_combined_modality_by_modality() {
        let product = |a: &str, b: &str| read(a).unwrap().combined(&read(b).unwrap(), |a, b| a * b);
        let each = r#"{"audio": 2, "image": 4}"#;
        assert_eq!(product("3", "2"), PerModality::Same(6.0));
        assert_eq!(product("3", each), read(r#"{"audio": 6, "image": 12}"#).unwrap());
        assert_eq!(product(each, "3"), product("3", each));
        assert_eq!(product(each, each), read(r#"{"audio": 4, "image": 16}"#).unwrap());
    }

    #[test]
    fn equal_numbers_are_one() {
        assert_eq!(read(r#"{"audio": 2, "image": 2}"#).unwrap().same(), Some(2.0));
        assert_eq!(read(r#"{"audio": 2, "image": 4}"#).unwrap().same(), None);
        assert_eq!(read("{}").unwrap().same(), None);
    }
}
