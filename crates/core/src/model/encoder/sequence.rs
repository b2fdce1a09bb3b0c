//! Sequence networks as encoders of late fusion.

use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoder, EncoderSettings, InputShape};
use crate::Error;
use crate::layer::Init;
use crate::model::Boxed;
use crate::model::sequence::{SequenceConfig, SequenceEncoder};

/// A network over the steps of a sequence, then the mean over the real ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SequenceEncoderConfig {
    /// Which network.
    pub steps: SequenceConfig,
    /// Width of the features; 64 by default.
    #[serde(default = "width")]
    #[schemars(range(min = 1))]
    pub width: usize,
    /// Share of the features that are dropped in training, from 0 to below 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub dropout: f64,
}

fn width() -> usize {
    64
}

impl Settings for SequenceEncoderConfig {
    const NAME: &'static str = "sequence";
    const SUMMARY: &'static str =
        "linear layer, GRU or transformer over token ids or steps (averaged over the true length)";
}

impl EncoderSettings for SequenceEncoderConfig {
    fn takes(&self) -> &'static [InputShape] {
        SequenceEncoder::TAKES
    }

    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        Ok(Boxed::new(self.steps.encoder(data, self.width, self.dropout, init)?))
    }
}
