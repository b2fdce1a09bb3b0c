//! Heads: from the fused vector to scores.

mod cosine;
mod mlp;

pub use cosine::CosineHead;
pub use mlp::{Activation, MlpHead};

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::layer::{Init, Linear};

/// Settings of the head; which ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HeadConfig {
    /// One linear layer.
    Linear {},
    /// Linear, activation, linear.
    Mlp {
        /// Width of the hidden layer.
        hidden: usize,
        /// What follows the hidden layer.
        #[serde(default)]
        activation: Activation,
    },
    /// Cosines between features and class weights, modality by modality (MMCosine).
    Cosine {
        /// Factor on the cosines.
        #[serde(default = "scale")]
        scale: f64,
    },
}

fn scale() -> f64 {
    10.0
}

impl HeadConfig {
    /// Names of all heads with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        ("linear", "one linear layer"),
        ("mlp", "linear, tanh or ReLU, linear"),
        (
            "cosine",
            "MMCosine: scaled cosines of features and class weights, modality by modality; needs concat",
        ),
    ];

    /// The name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear {} => "linear",
            Self::Mlp { .. } => "mlp",
            Self::Cosine { .. } => "cosine",
        }
    }

    /// Builds the head of a vector that consists of parts of the given widths:
    /// one part for each modality if the fusion keeps them apart, else one.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn build(&self, parts: &[usize], outputs: usize, init: &Init) -> Result<AnyHead, Error> {
        let width = parts.iter().sum();
        Ok(match *self {
            Self::Linear {} => AnyHead::Linear(Linear::new(width, outputs, init)),
            Self::Mlp { hidden: 0, .. } => {
                return Err(Error::config("head `mlp`: hidden must be positive, got 0"));
            }
            Self::Mlp { hidden, activation } => {
                AnyHead::Mlp(MlpHead::new(width, hidden, outputs, activation, init))
            }
            Self::Cosine { scale } if scale.is_finite() && scale > 0.0 => {
                AnyHead::Cosine(CosineHead::new(parts, outputs, scale, init))
            }
            Self::Cosine { scale } => {
                return Err(Error::config(format!(
                    "head `cosine`: scale = {scale}: expected a positive number"
                )));
            }
        })
    }
}

/// The heads that a configuration can name.
#[derive(Module, Debug)]
pub enum AnyHead {
    /// One linear layer.
    Linear(Linear),
    /// See [`MlpHead`].
    Mlp(MlpHead),
    /// See [`CosineHead`].
    Cosine(CosineHead),
}

impl AnyHead {
    /// # Shapes
    /// `[batch, width]` to `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear(head) => head.forward(x),
            Self::Mlp(head) => head.forward(x),
            Self::Cosine(head) => head.forward(x),
        }
    }
}
