//! Which models there are and their settings.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use serde::{Deserialize, Serialize};

use super::encoder::EncoderConfig;
use super::esanet::EsaNetConfig;
use super::{AnyModel, CubeMlpConfig, LateFusionConfig, StagedConfig};
use crate::Error;

/// Settings of a model; which ones there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum ModelConfig {
    /// See [`LateFusionConfig`].
    LateFusion(LateFusionConfig),
    /// See [`EsaNetConfig`].
    #[serde(rename = "esanet")]
    EsaNet(EsaNetConfig),
    /// See [`StagedConfig`].
    Staged(StagedConfig),
    /// See [`CubeMlpConfig`].
    CubeMlp(CubeMlpConfig),
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::LateFusion(LateFusionConfig::default())
    }
}

impl ModelConfig {
    /// Name of the model that a configuration means if it names none.
    pub const DEFAULT: &'static str = "late-fusion";

    /// Names of all models with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        ("late-fusion", "one encoder a modality, which run to their end; then one fusion and one head"),
        ("esanet", "a class for every pixel: encoders that meet at five depths, pyramid context, a decoder"),
        (
            "staged",
            "encoders that exchange between their stages (dense fusion, e.g. MMTM-ResNet-18); one head",
        ),
        ("cube-mlp", "sequences side by side, mixed over length, modality and channel; one head"),
    ];

    /// Those that give scores for every pixel instead of one row a sample.
    pub const DENSE: &'static [&'static str] = &["esanet"];

    /// Builds the model for the data's modalities and the task's outputs.
    ///
    /// `solo_heads` asks for a head for every modality besides the fused one,
    /// because the strategy needs them.
    ///
    /// # Errors
    /// If parts do not fit; the message names both and both shapes.
    pub fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        solo_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<AnyModel, Error> {
        Ok(match self {
            Self::LateFusion(config) => {
                AnyModel::LateFusion(config.parts(data, solo_heads).build(data, outputs, seed, device)?)
            }
            Self::EsaNet(config) => AnyModel::EsaNet(config.build(data, outputs, seed, device)?),
            Self::Staged(config) => AnyModel::Staged(config.build(data, outputs, solo_heads, seed, device)?),
            Self::CubeMlp(config) => {
                AnyModel::CubeMlp(config.build(data, outputs, solo_heads, seed, device)?)
            }
        })
    }

    /// Names of modalities that the settings mention.
    pub fn mentions(&self) -> impl Iterator<Item = &str> {
        let names: Vec<&str> = match self {
            Self::LateFusion(config) => config.encoders.keys().map(String::as_str).collect(),
            Self::Staged(config) => config.encoders.keys().map(String::as_str).collect(),
            Self::CubeMlp(config) => config.encoders.keys().map(String::as_str).collect(),
            Self::EsaNet(config) => config.encoders.keys().map(String::as_str).collect(),
        };
        names.into_iter()
    }

    /// The file of weights that the encoder of a modality starts from, if any, and
    /// what stands before their names.
    pub fn pretrained(&self, modality: &str) -> Option<(&Path, Option<&str>)> {
        match self {
            Self::LateFusion(config) => file(&config.encoders, &config.encoder, modality),
            Self::Staged(config) => file(&config.encoders, &config.encoder, modality),
            Self::EsaNet(config) => {
                let start = config.encoders.get(modality)?;
                Some((start.pretrained.as_path(), start.pretrained_prefix.as_deref()))
            }
            Self::CubeMlp(_) => None,
        }
    }

    /// Whether fused scores are a sum of one term for each modality (and a
    /// bias), so that a modality's share can be told from the others'.
    pub fn is_additive(&self) -> bool {
        match self {
            Self::LateFusion(config) => config.parts(&[], false).is_additive(),
            // Gates, blocks and decoders look at all modalities together.
            Self::EsaNet(_) | Self::Staged(_) | Self::CubeMlp(_) => false,
        }
    }

    /// The name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LateFusion(_) => Self::DEFAULT,
            Self::EsaNet(_) => "esanet",
            Self::Staged(_) => "staged",
            Self::CubeMlp(_) => "cube-mlp",
        }
    }

    /// Whether it gives scores for every pixel instead of one row a sample.
    pub fn is_dense(&self) -> bool {
        Self::DENSE.contains(&self.name())
    }

    /// Whether one and the same head reads every modality by itself, so that
    /// nothing stands for absent ones.
    pub fn reads_each_alone(&self) -> bool {
        match self {
            Self::LateFusion(config) => config.parts(&[], false).reads_each_alone(),
            // Gates, blocks and decoders look at all modalities together.
            Self::EsaNet(_) | Self::Staged(_) | Self::CubeMlp(_) => false,
        }
    }

    /// Whether one and the same linear head reads every modality by itself.
    pub fn has_shared_linear_head(&self) -> bool {
        match self {
            Self::LateFusion(config) => config.parts(&[], false).has_shared_linear_head(),
            // Gates, blocks and decoders look at all modalities together.
            Self::EsaNet(_) | Self::Staged(_) | Self::CubeMlp(_) => false,
        }
    }
}

fn file<'a>(
    encoders: &'a BTreeMap<String, EncoderConfig>,
    all: &'a EncoderConfig,
    modality: &str,
) -> Option<(&'a Path, Option<&'a str>)> {
    encoders.get(modality).unwrap_or(all).pretrained()
}
