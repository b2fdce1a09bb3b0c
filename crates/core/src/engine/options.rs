//! What a run says about its operators.

use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the CPU computes convolutions, batch norm and pooling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Convolution {
    /// Convolutions of 3x3 taps by Winograd's F(4x4, 3x3): about twice as fast,
    /// with errors of 1e-5 of the values.
    #[default]
    Fast,
    /// Sums of products as they are written, errors of 3e-6.
    Exact,
    /// Burn's own operators, for comparison.
    Burn,
}

impl Convolution {
    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Exact => "exact",
            Self::Burn => "burn",
        }
    }
}

/// The operators of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineOptions {
    /// How the CPU computes convolutions, batch norm and pooling.
    #[serde(default)]
    pub convolution: Convolution,
}

/// What new models are built with. It is the process's and not a model's own
/// setting, as the precision of a device is.
static CHOSEN: Mutex<EngineOptions> = Mutex::new(EngineOptions { convolution: Convolution::Fast });

impl EngineOptions {
    /// From here on models are built with these.
    pub fn choose(self) {
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = self;
    }

    /// What models are built with.
    pub fn chosen() -> Self {
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
