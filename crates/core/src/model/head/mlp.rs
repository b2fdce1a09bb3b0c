//! A head with one hidden layer.

use burn::module::Module;
use burn::tensor::{
    Tensor,
    activation::{relu, tanh},
};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Head, HeadFacts, HeadSettings};
use crate::Error;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// Linear, activation, linear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MlpHeadConfig {
    /// Width of the hidden layer.
    #[schemars(range(min = 1))]
    pub hidden: usize,
    /// What follows the hidden layer.
    #[serde(default)]
    pub activation: Activation,
}

impl Settings for MlpHeadConfig {
    const NAME: &'static str = "mlp";
    const SUMMARY: &'static str = "linear, tanh or ReLU, linear";
}

impl HeadSettings for MlpHeadConfig {
    fn build(&self, parts: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Head>, Error> {
        if self.hidden == 0 {
            return Err(Error::config("head `mlp`: hidden must be positive, got 0"));
        }
        let width = parts.iter().sum();
        Ok(Boxed::new(MlpHead::new(width, self.hidden, outputs, self.activation, init)))
    }

    fn facts(&self) -> HeadFacts {
        HeadFacts { additive: false, linear: false, tells_apart: false }
    }
}

/// What follows a hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
}

impl Head for MlpHead {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let hidden = self.fc1.forward(x);
        self.fc2.forward(match self.activation {
            Activation::Tanh => tanh(hidden),
            Activation::Relu => relu(hidden),
        })
    }
}
