//! The same layer at every step.

use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sequence, SequenceSettings, Steps};
use crate::Error;
use crate::layer::{ForwardContext, Init, Linear};
use crate::model::Boxed;

/// One linear layer without bias at every step, for features that a network has made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LinearStepsConfig {
    /// Width of the vectors of token ids; that of the encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub embedding: Option<usize>,
    /// Whether layer norm and ReLU follow.
    pub norm: bool,
}

impl Settings for LinearStepsConfig {
    const NAME: &'static str = "linear";
    const SUMMARY: &'static str = "one linear layer at every step, for precomputed features";
}

impl SequenceSettings for LinearStepsConfig {
    fn embedding(&self) -> Option<usize> {
        self.embedding
    }

    fn normalized(&self) -> bool {
        self.norm
    }

    fn steps(&self, [inputs, width]: [usize; 2], _: f64, init: &Init) -> Result<Boxed<dyn Steps>, Error> {
        Ok(Boxed::new(Linear::without_bias(inputs, width, init)))
    }
}

impl Steps for Linear {
    fn forward(&self, sequence: &Sequence, _: &ForwardContext<'_>) -> Tensor<3> {
        self.along(sequence.steps.clone())
    }
}
