//! Which tensors of an encoder a method touches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ModelFacts;
use crate::Error;
use crate::step::Parameter;

/// Which tensors of an encoder are modulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tensors {
    /// Convolution weights (4-D), as in the code of OGM's authors.
    #[default]
    Convolutions,
    /// Everything with two dimensions or more.
    Weights,
    /// Everything.
    All,
}

impl Tensors {
    /// Whether a parameter is one of them.
    pub fn has(self, parameter: &Parameter) -> bool {
        let rank = parameter.shape.len();
        match self {
            Self::Convolutions => rank == 4,
            Self::Weights => rank >= 2,
            Self::All => true,
        }
    }

    /// Refuses a model with an encoder that has none of them.
    pub(super) fn check(self, facts: &ModelFacts, strategy: &str) -> Result<(), Error> {
        let idle = facts.modalities.iter().find(|m| self == Self::Convolutions && !facts.convolutions[m.0]);
        idle.map_or(Ok(()), |m| {
            let needs = format!(
                "4-D weights to modulate, but the encoder of `{}` has none; \
                 set strategy.tensors = \"weights\" or \"all\"",
                facts.modalities.name(m)
            );
            ModelFacts::require(false, strategy, &needs)
        })
    }
}
