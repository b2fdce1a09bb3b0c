//! The plain head.

use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Head, HeadFacts, HeadSettings};
use crate::Error;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// One linear layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinearHeadConfig {}

impl Settings for LinearHeadConfig {
    const NAME: &'static str = "linear";
    const SUMMARY: &'static str = "one linear layer";
}

impl HeadSettings for LinearHeadConfig {
    fn build(&self, parts: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Head>, Error> {
        Ok(Boxed::new(Linear::new(parts.iter().sum(), outputs, init)))
    }

    fn facts(&self) -> HeadFacts {
        HeadFacts { additive: true, linear: true, tells_apart: false }
    }
}

impl Head for Linear {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.forward(x)
    }
}
