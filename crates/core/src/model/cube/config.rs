//! Settings of the CubeMLP, and what fits together.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use serde::{Deserialize, Serialize};

use super::{CubeBlock, CubeMlp};
use crate::Error;
use crate::layer::{Init, Linear};
use crate::modality::Modalities;
use crate::model::sequence::SequenceConfig;

/// Perceptrons over length, modality and channel. See [`CubeMlp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CubeMlpConfig {
    /// Encoder of every modality that `encoders` does not name.
    pub encoder: SequenceConfig,
    /// Steps of every sequence in the cube; that of the longest if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// Channels of every step behind the encoders.
    pub channels: usize,
    /// Sizes behind each block: length, modality, channel.
    pub blocks: Vec<[usize; 3]>,
    /// Share of numbers that are dropped in encoders and blocks.
    pub dropout: f64,
    /// Whether every modality gets a linear head of its own on its mean besides.
    pub solo_heads: bool,
    /// Encoders by modality.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub encoders: BTreeMap<String, SequenceConfig>,
}

/// The released model, with GRUs for all modalities.
impl Default for CubeMlpConfig {
    fn default() -> Self {
        Self {
            encoder: SequenceConfig::Gru { embedding: None },
            length: None,
            channels: 128,
            blocks: vec![[50, 3, 128], [10, 3, 32]],
            dropout: 0.1,
            solo_heads: false,
            encoders: BTreeMap::new(),
        }
    }
}

impl CubeMlpConfig {
    /// Builds the model for the data's modalities and the task's outputs;
    /// `solo_heads` asks for heads that a strategy needs.
    ///
    /// # Errors
    /// If parts do not fit; the message names them and their shapes.
    pub fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        solo_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<CubeMlp, Error> {
        let modalities = Modalities::new(data.iter().map(|m| m.name.as_str()))?;
        if outputs == 0 {
            return Err(Error::config("a head needs at least one output"));
        }
        if self.blocks.is_empty() || self.blocks.iter().flatten().any(|size| *size == 0) {
            return Err(Error::config(format!(
                "model.blocks = {:?}: expected at least one block of three positive sizes (length, modality, channel)",
                self.blocks
            )));
        }
        let length = self.length(data)?;
        let init = Init::new(seed, device);
        let encoder = |m: &ModalitySpec| {
            let config = self.encoders.get(&m.name).unwrap_or(&self.encoder);
            config
                .build(m, self.channels, self.dropout, &init.part(format_args!("encoder.{}", m.name)))
                .map_err(|e| Error::new(e.kind(), format!("modality `{}`: {e}", m.name)))
        };
        let encoders = data.iter().map(encoder).collect::<Result<Vec<_>, _>>()?;
        let mut size = [length, data.len(), self.channels];
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (i, &to) in self.blocks.iter().enumerate() {
            blocks.push(CubeBlock::new(size, to, self.dropout, &init.part(format_args!("fusion.{i}"))));
            size = to;
        }
        let solo = |m: &ModalitySpec| {
            Linear::new(self.channels, outputs, &init.part(format_args!("solo_head.{}", m.name)))
        };
        Ok(CubeMlp {
            encoders,
            blocks,
            head: Linear::new(size[1] * size[2], outputs, &init.part("head")),
            solo_heads: if solo_heads || self.solo_heads {
                data.iter().map(solo).collect()
            } else {
                Vec::new()
            },
            length,
            modalities,
        })
    }

    /// The cube's length, which no sequence of the data may exceed.
    fn length(&self, data: &[ModalitySpec]) -> Result<usize, Error> {
        let steps = |m: &ModalitySpec| match (m.vocabulary, m.shape.as_slice()) {
            (Some(_), &[length]) | (None, &[length, _]) => length,
            _ => 1,
        };
        let longest = data.iter().map(steps).max().unwrap_or(1);
        match self.length {
            None => Ok(longest),
            Some(length) if length >= longest => Ok(length),
            Some(length) => Err(Error::config(format!(
                "model.length = {length}, but sequences of the data have up to {longest} steps"
            ))),
        }
    }
}
