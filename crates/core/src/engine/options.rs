//! What a run says about its operators.

use std::sync::{Mutex, PoisonError};

use counterpoint_kernels::Level;
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

/// What convolutions and linear layers multiply on the CPU. Sums, statistics of batch norm,
/// losses and parameters are in single precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Numbers in single precision.
    #[default]
    F32,
    /// Numbers rounded to bf16, and kept so for the backward pass: half the memory. Where the
    /// processor has AVX512-BF16, products but those of Winograd's algorithm take half the time.
    Bf16,
}

impl Precision {
    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// Whether this processor multiplies such numbers faster than those in single precision.
    pub fn is_native(self) -> bool {
        self == Self::F32 || Level::best() != Level::Portable && Level::best().multiplies_pairs()
    }
}

/// How a layer computes on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arithmetic {
    /// How convolutions, batch norm and pooling are computed.
    pub convolution: Convolution,
    /// What is multiplied; [`Convolution::Burn`] knows single precision only.
    pub precision: Precision,
}

impl From<Convolution> for Arithmetic {
    fn from(convolution: Convolution) -> Self {
        Self { convolution, precision: Precision::F32 }
    }
}

/// What new models are built with. It is the process's and not a model's own
/// setting, as the precision of a device is.
static CHOSEN: Mutex<Arithmetic> =
    Mutex::new(Arithmetic { convolution: Convolution::Fast, precision: Precision::F32 });

impl Arithmetic {
    /// From here on models are built with it.
    pub fn choose(self) {
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = self;
    }

    /// What models are built with.
    pub fn chosen() -> Self {
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
