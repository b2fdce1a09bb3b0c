//! Recurrent layers in both directions.

use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sequence, SequenceSettings, Steps};
use crate::Error;
use crate::layer::{ForwardContext, Gru, Init};
use crate::model::Boxed;

/// Two bidirectional GRU layers, directions summed, layer norm, ReLU. See [`Gru`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GruConfig {
    /// Width of the vectors of token ids; that of the encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub embedding: Option<usize>,
}

impl Settings for GruConfig {
    const NAME: &'static str = "gru";
    const SUMMARY: &'static str = "two bidirectional GRU layers, directions summed, layer norm, ReLU";
}

impl SequenceSettings for GruConfig {
    fn embedding(&self) -> Option<usize> {
        self.embedding
    }

    fn normalized(&self) -> bool {
        true
    }

    fn steps(&self, [inputs, width]: [usize; 2], _: f64, init: &Init) -> Result<Boxed<dyn Steps>, Error> {
        Ok(Boxed::new(Gru::new(inputs, width, init)))
    }
}

impl Steps for Gru {
    fn forward(&self, sequence: &Sequence, _: &ForwardContext<'_>) -> Tensor<3> {
        let [forward, backward] = self.forward(sequence.steps.clone(), &sequence.lengths);
        forward + backward
    }
}
