//! A head with one hidden layer.

use burn::module::Module;
use burn::tensor::{
    Tensor,
    activation::{relu, tanh},
};
use serde::{Deserialize, Serialize};

use crate::layer::{Init, Linear};

/// What follows a hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

/// Linear, activation, linear.
#[derive(Module, Debug)]
pub struct MlpHead {
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl MlpHead {
    /// From `width` over `hidden` to `outputs`.
    pub fn new(width: usize, hidden: usize, outputs: usize, activation: Activation, init: &Init) -> Self {
        Self {
            fc1: Linear::new(width, hidden, &init.part("fc1")),
            fc2: Linear::new(hidden, outputs, &init.part("fc2")),
            activation,
        }
    }

    /// # Shapes
    /// `[batch, width]` to `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let hidden = self.fc1.forward(x);
        self.fc2.forward(match self.activation {
            Activation::Tanh => tanh(hidden),
            Activation::Relu => relu(hidden),
        })
    }
}
