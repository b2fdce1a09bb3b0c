//! Settings of the CubeMLP, and what fits together.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CubeBlock, CubeHead, CubeMlp};
use crate::Error;
use crate::layer::Init;
use crate::modality::{Modalities, PerModality};
use crate::model::branches::{Branches, of_modality};
use crate::model::sequence::{GruConfig, SequenceConfig};
use crate::model::{AnyModel, ModelSettings, NetworkFacts};

/// Perceptrons over length, modality and channel. See [`CubeMlp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CubeMlpConfig {
    /// Encoder of every modality that `encoders` does not name.
    pub encoder: SequenceConfig,
    /// Steps of every sequence in the cube; that of the longest if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// Channels of every step after the encoders.
    pub channels: usize,
    /// Sizes after each block: length, modality, channel.
    pub blocks: Vec<[usize; 3]>,
    /// Share of numbers that are dropped where the next three keys say nothing.
    pub dropout: f64,
    /// Share that is dropped in and after the encoders, or in each modality's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder_dropout: Option<PerModality>,
    /// Shares that are dropped after the perceptrons over length, modality and
    /// channel, in every block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_dropout: Option<[f64; 3]>,
    /// Share of the head's hidden units that is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_dropout: Option<f64>,
    /// Hidden units of the head, where more numbers than that enter it; 0: one
    /// layer whatever enters it. The released code has 128.
    pub head_hidden: usize,
    /// Whether every modality gets a linear head of its own on its mean besides.
    pub unimodal_heads: bool,
    /// Encoders by modality.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub encoders: BTreeMap<String, SequenceConfig>,
}

/// The released model, with GRUs for all modalities.
impl Default for CubeMlpConfig {
    fn default() -> Self {
        Self {
            encoder: GruConfig::default().into(),
            length: None,
            channels: 128,
            blocks: vec![[50, 3, 128], [10, 3, 32]],
            dropout: 0.1,
            encoder_dropout: None,
            block_dropout: None,
            head_dropout: None,
            head_hidden: 128,
            unimodal_heads: false,
            encoders: BTreeMap::new(),
        }
    }
}

/// Shares of numbers that are dropped.
#[derive(Debug, PartialEq)]
struct Rates {
    /// Of each modality's encoder.
    encoders: Vec<f64>,
    /// Behind the perceptrons over length, modality and channel.
    block: [f64; 3],
    head: f64,
}

impl CubeMlpConfig {
    /// What is dropped where.
    fn rates(&self, modalities: &Modalities) -> Result<Rates, Error> {
        let encoders = self.encoder_dropout.clone().unwrap_or(self.dropout.into());
        let rates = Rates {
            encoders: encoders.values("model.encoder_dropout", modalities)?,
            block: self.block_dropout.unwrap_or([self.dropout; 3]),
            head: self.head_dropout.unwrap_or(self.dropout),
        };
        let named = [
            ("encoder_dropout", rates.encoders.as_slice()),
            ("block_dropout", &rates.block),
            ("head_dropout", &[rates.head]),
        ];
        let possible = |rate: &f64| (0.0..1.0).contains(rate);
        if !possible(&self.dropout) {
            return Err(Error::config(format!(
                "model.dropout = {}: expected a number in [0, 1)",
                self.dropout
            )));
        }
        if let Some((key, wrong)) = named.into_iter().find(|(_, rates)| !rates.iter().all(possible)) {
            return Err(Error::config(format!("model.{key} = {wrong:?}: expected numbers in [0, 1)")));
        }
        Ok(rates)
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

impl Settings for CubeMlpConfig {
    const NAME: &'static str = "cube-mlp";
    const EARLIER: &'static [(&'static str, &'static str)] = &[("solo_heads", "unimodal_heads")];
    const SUMMARY: &'static str = "sequences side by side, mixed over length, modality and channel; one head";
}

impl ModelSettings for CubeMlpConfig {
    fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        unimodal_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<AnyModel, Error> {
        let modalities = Modalities::new(data.iter().map(|m| m.name.as_str()))?;
        if self.blocks.is_empty() || self.blocks.iter().flatten().any(|size| *size == 0) {
            return Err(Error::config(format!(
                "model.blocks = {:?}: expected at least one block of three positive sizes (length, modality, channel)",
                self.blocks
            )));
        }
        let length = self.length(data)?;
        let rates = self.rates(&modalities)?;
        let init = Init::new(seed, device);
        let mut encoder_rates = rates.encoders.iter();
        let branches = Branches::build(data, &init, |m, init| {
            let rate = *encoder_rates.next().expect("a rate for each modality");
            of_modality(m, &self.encoders, &self.encoder).encoder(m, self.channels, rate, init)
        })?;
        let widths = vec![self.channels; data.len()];
        let mut size = [length, data.len(), self.channels];
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (i, &to) in self.blocks.iter().enumerate() {
            blocks.push(CubeBlock::new(size, to, rates.block, &init.part(format_args!("fusion.{i}"))));
            size = to;
        }
        let model = CubeMlp {
            branches: branches.with_unimodal_heads(
                unimodal_heads || self.unimodal_heads,
                &widths,
                outputs,
                &init,
            )?,
            blocks,
            head: CubeHead::new(size[1] * size[2], self.head_hidden, outputs, rates.head, &init.part("head")),
            length,
        };
        init.check()?;
        Ok(AnyModel::new(model))
    }

    fn facts(&self) -> NetworkFacts {
        NetworkFacts::DENSE_FUSION
    }

    fn mentions(&self) -> Vec<&str> {
        self.encoders.keys().map(String::as_str).collect()
    }

    fn pretrained(&self, _: &str) -> Option<(&Path, Option<&str>)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_the_parts_default_to_the_one_for_all() {
        let names = Modalities::new(["text", "audio"]).unwrap();
        let config = CubeMlpConfig::default();
        let all = Rates { encoders: vec![0.1; 2], block: [0.1; 3], head: 0.1 };
        assert_eq!(config.rates(&names).unwrap(), all);
        let each = PerModality::Each([("text".to_owned(), 0.5), ("audio".to_owned(), 0.4)].into());
        let own = CubeMlpConfig {
            encoder_dropout: Some(each),
            block_dropout: Some([0.3, 0.2, 0.0]),
            head_dropout: Some(0.6),
            ..config.clone()
        };
        let expected = Rates { encoders: vec![0.5, 0.4], block: [0.3, 0.2, 0.0], head: 0.6 };
        assert_eq!(own.rates(&names).unwrap(), expected);
        for (wrong, key) in [
            (CubeMlpConfig { dropout: 1.0, ..own.clone() }, "model.dropout = 1"),
            (CubeMlpConfig { block_dropout: Some([0.0, -0.1, 0.0]), ..own.clone() }, "model.block_dropout"),
            (CubeMlpConfig { head_dropout: Some(f64::NAN), ..own.clone() }, "model.head_dropout"),
            (CubeMlpConfig { encoder_dropout: Some(2.0.into()), ..own }, "model.encoder_dropout"),
        ] {
            let message = wrong.rates(&names).unwrap_err().to_string();
            assert!(message.contains(key) && message.contains("in [0, 1)"), "{message}");
        }
    }
}
