//! Settings of sequence encoders.

use counterpoint_batch::ModalitySpec;
use serde::{Deserialize, Serialize};

use super::encoder::Steps;
use super::{SequenceEncoder, Transformer};
use crate::Error;
use crate::layer::{Dropout, Embedding, Gru, Init, LayerNorm, Linear};

/// Settings of one sequence encoder; which ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SequenceConfig {
    /// One linear layer without bias at every step, for features that a network has made.
    Linear {
        /// Width of the vectors of token ids; that of the encoder if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        embedding: Option<usize>,
        /// Whether layer norm and ReLU follow.
        #[serde(default)]
        norm: bool,
    },
    /// Two bidirectional GRU layers, directions summed, layer norm, ReLU. See [`Gru`].
    Gru {
        /// Width of the vectors of token ids; that of the encoder if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        embedding: Option<usize>,
    },
    /// A transformer encoder, layer norm, ReLU. See [`Transformer`].
    Transformer {
        /// Width of the vectors of token ids; that of the encoder if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        embedding: Option<usize>,
        /// Blocks.
        #[serde(default = "layers")]
        layers: usize,
        /// Heads of the attention.
        #[serde(default = "heads")]
        heads: usize,
    },
}

fn layers() -> usize {
    2
}

fn heads() -> usize {
    4
}

impl SequenceConfig {
    /// Names of all sequence encoders with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        ("linear", "one linear layer at every step, for precomputed features"),
        ("gru", "two bidirectional GRU layers, directions summed, layer norm, ReLU"),
        ("transformer", "a small transformer encoder, layer norm, ReLU"),
    ];

    /// The name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Gru { .. } => "gru",
            Self::Transformer { .. } => "transformer",
        }
    }

    /// Builds the encoder of a modality to steps of `width` numbers.
    ///
    /// # Errors
    /// If the shape of a sample is not that of a sequence or a vector, or a
    /// setting is out of range.
    pub fn build(
        &self,
        data: &ModalitySpec,
        width: usize,
        dropout: f64,
        init: &Init,
    ) -> Result<SequenceEncoder, Error> {
        let name = self.name();
        if width == 0 {
            return Err(Error::config(format!("encoder `{name}`: the width must be positive, got 0")));
        }
        if !(0.0..1.0).contains(&dropout) {
            return Err(Error::config(format!("dropout = {dropout}: expected a number from 0 to below 1")));
        }
        let (Self::Linear { embedding, .. } | Self::Gru { embedding } | Self::Transformer { embedding, .. }) =
            *self;
        let embedding = match (data.vocabulary, embedding) {
            (None, Some(_)) => {
                return Err(Error::config(format!(
                    "encoder `{name}`: `embedding` is for token ids, but the data gives numbers {:?}; leave it out",
                    data.shape
                )));
            }
            (_, Some(0)) => {
                return Err(Error::config(format!("encoder `{name}`: embedding must be positive, got 0")));
            }
            (None, None) => None,
            (Some(ids), to) => Some(Embedding::new(ids, to.unwrap_or(width), &init.part("embedding"))),
        };
        let inputs = match (&embedding, data.shape.as_slice()) {
            (Some(embedding), [_]) => embedding.width(),
            (None, &[channels] | &[_, channels]) => channels,
            (_, shape) => {
                return Err(Error::shape(format!(
                    "encoder `{name}` takes token ids [length], sequences [length, channels] or vectors \
                     [channels], but the data gives {shape:?}"
                )));
            }
        };
        let part = init.part("steps");
        let steps = match *self {
            Self::Linear { .. } => Steps::Linear(Linear::without_bias(inputs, width, &part)),
            Self::Gru { .. } => Steps::Gru(Gru::new(inputs, width, &part)),
            Self::Transformer { layers, heads, .. } => {
                Steps::Transformer(Transformer::new([inputs, width], layers, heads, dropout, &part)?)
            }
        };
        let norm = !matches!(self, Self::Linear { norm: false, .. });
        Ok(SequenceEncoder {
            embedding,
            steps,
            norm: norm.then(|| LayerNorm::new(width, 1e-6, &init.part("norm"))),
            dropout: Dropout::new(dropout, &init.part("dropout")),
            width,
        })
    }
}
