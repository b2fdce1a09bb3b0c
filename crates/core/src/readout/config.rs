//! Settings of a readout: the `[readout]` table.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;
use crate::task::{Task, TaskKind};

/// What is made of the scores of the fused model and of every single modality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReadoutConfig {
    /// The fused scores and those of every modality, each of its best epoch, added up with weights of at least 0.
    Cone {
        /// Factor of half the sum of squared weights, which keeps them small where samples do not decide.
        #[serde(default = "ridge")]
        #[schemars(extend("exclusiveMinimum" = 0))]
        ridge: f64,
        /// The samples that rows are chosen by and weights fitted to.
        #[serde(default)]
        fit: Fit,
        /// Which epoch a row is of.
        #[serde(default)]
        rows: Rows,
        /// Whether several labels share their weights.
        #[serde(default)]
        labels: Labels,
    },
}

fn ridge() -> f64 {
    1e-3
}

/// The samples that a readout is fitted to: `"val"`, or a share of the train split.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fit {
    /// The validation split, whose scores after the readout are then those of a fit.
    #[default]
    Validation,
    /// This share of the train split, of every class alike; training does without it.
    Share(f64),
}

/// Which epoch a row is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rows {
    /// The one with the lowest calibrated loss of that row.
    #[default]
    Best,
    /// The newest one for all rows, so that they share their encoders.
    Last,
}

/// Whether several labels share their weights; other tasks have one weight for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// One weight for each row.
    #[default]
    Shared,
    /// One for each row and label.
    Each,
}

impl ReadoutConfig {
    /// Refuses values out of range, and samples that are trained on, too.
    ///
    /// # Errors
    /// If one is; the message names the key.
    pub fn check(&self, with_val: bool) -> Result<(), Error> {
        let Self::Cone { ridge, fit, .. } = self;
        if !(ridge.is_finite() && *ridge > 0.0) {
            return Err(Error::config(format!("readout.ridge = {ridge}: expected a number above 0")));
        }
        match fit {
            Fit::Share(share) if !(*share > 0.0 && *share <= 0.5) => Err(Error::config(format!(
                "readout.fit = {share}: expected \"val\", or a share of the train split above 0 and at most 0.5"
            ))),
            Fit::Validation if with_val => Err(Error::config(
                "train.with_val = true trains on the samples that readout.fit = \"val\" is fitted to; leave it out, or \
                 hold out a share of the train split (readout.fit = 0.1)",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses tasks whose scores it does not add up.
    ///
    /// # Errors
    /// If the task is segmentation, or has too many classes to keep all scores.
    pub fn check_task(&self, task: &dyn Task) -> Result<(), Error> {
        let why = match task.kind() {
            TaskKind::Segmentation => {
                "does not fit a segmentation task: it adds up the scores of a sample, and label maps have one for \
                 every pixel"
            }
            _ if task.reduced_width() != task.outputs() => {
                "needs all scores of a sample, of which evaluations keep only a summary above 1000 classes"
            }
            _ => return Ok(()),
        };
        Err(Error::config(format!("[readout] {why}; leave [readout] out")))
    }

    /// The share of the train split that it is fitted to, if it is not the validation split.
    pub fn share(&self) -> Option<f64> {
        let Self::Cone { fit, .. } = self;
        match fit {
            Fit::Validation => None,
            Fit::Share(share) => Some(*share),
        }
    }
}

impl Serialize for Fit {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Validation => out.serialize_str("val"),
            Self::Share(share) => out.serialize_f64(*share),
        }
    }
}

// By hand: what is derived for untagged enums says "did not match any variant" of every mistake.
impl<'de> Deserialize<'de> for Fit {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = Fit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"val\", or a share of the train split such as 0.1")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Fit, E> {
                match text {
                    "val" => Ok(Fit::Validation),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_f64<E>(self, share: f64) -> Result<Fit, E> {
                Ok(Fit::Share(share))
            }

            fn visit_i64<E>(self, share: i64) -> Result<Fit, E> {
                Ok(Fit::Share(share as f64))
            }

            fn visit_u64<E>(self, share: u64) -> Result<Fit, E> {
                Ok(Fit::Share(share as f64))
            }
        }
        input.deserialize_any(Either)
    }
}

impl JsonSchema for Fit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "val or share of train".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let validation = json_schema!({ "const": "val", "description": "The validation split." });
        let share = json_schema!({
            "type": "number", "exclusiveMinimum": 0, "maximum": 0.5,
            "description": "This share of the train split, of every class alike; training does without it.",
        });
        json_schema!({ "anyOf": [validation, share] })
    }
}
