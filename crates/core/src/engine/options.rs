//! What a run says about its operators.

use std::sync::{Mutex, PoisonError};

use burn::tensor::FloatDType;
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

/// What convolutions, linear layers, attention and GRUs multiply. Statistics of batch norm, losses,
/// parameters and the optimizer are in single precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Numbers in single precision.
    #[default]
    F32,
    /// Numbers rounded to bf16, and kept so for the backward pass: half the memory. Where a CPU
    /// has AVX512-BF16, products but those of Winograd's algorithm take half the time. A GPU must have bf16.
    Bf16,
    /// Numbers rounded to f16, multiplied by Burn's operators (the CPU's kernels do not know it). Losses are scaled on
    /// their way back, as PyTorch's `GradScaler` does; a step whose gradients are not finite moves nothing.
    F16,
}

impl Precision {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// The format that factors are rounded to.
    pub fn format(self) -> Option<FloatDType> {
        match self {
            Self::F32 => None,
            Self::Bf16 => Some(FloatDType::BF16),
            Self::F16 => Some(FloatDType::F16),
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
    /// What is multiplied.
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
