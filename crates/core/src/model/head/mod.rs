//! Heads: from the fused vector to scores.

use burn::module::Module;
use burn::tensor::{Tensor, activation::tanh};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::layer::{Init, Linear};

/// Settings of the head; which ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HeadConfig {
    /// One linear layer.
    Linear {},
    /// Linear, tanh, linear.
    Mlp {
        /// Width of the hidden layer.
        hidden: usize,
    },
}

impl HeadConfig {
    /// Names of all heads with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] =
        &[("linear", "one linear layer"), ("mlp", "linear, tanh, linear")];

    /// Builds the head.
    ///
    /// # Errors
    /// If a width is 0.
    pub fn build(&self, width: usize, outputs: usize, init: &Init) -> Result<AnyHead, Error> {
        Ok(match self {
            Self::Linear {} => AnyHead::Linear(Linear::new(width, outputs, init)),
            Self::Mlp { hidden: 0 } => {
                return Err(Error::config("head `mlp`: hidden must be positive, got 0"));
            }
            Self::Mlp { hidden } => AnyHead::Mlp(MlpHead {
                fc1: Linear::new(width, *hidden, &init.part("fc1")),
                fc2: Linear::new(*hidden, outputs, &init.part("fc2")),
            }),
        })
    }
}

/// The heads that a configuration can name.
#[derive(Module, Debug)]
pub enum AnyHead {
    /// One linear layer.
    Linear(Linear),
    /// Linear, tanh, linear.
    Mlp(MlpHead),
}

/// Linear, tanh, linear.
#[derive(Module, Debug)]
pub struct MlpHead {
    fc1: Linear,
    fc2: Linear,
}

impl AnyHead {
    /// # Shapes
    /// `[batch, width]` to `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear(head) => head.forward(x),
            Self::Mlp(head) => head.fc2.forward(tanh(head.fc1.forward(x))),
        }
    }
}
