//! Settings of late fusion by modality name.

use std::collections::BTreeMap;

use counterpoint_batch::ModalitySpec;
use serde::{Deserialize, Serialize};

use super::MultimodalConfig;
use super::encoder::EncoderConfig;
use super::fusion::FusionConfig;
use super::head::HeadConfig;

/// Encoders that run to their end, then one fusion and one head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LateFusionConfig {
    /// Encoder of every modality that `encoders` does not name.
    pub encoder: EncoderConfig,
    /// How features are joined.
    pub fusion: FusionConfig,
    /// What reads the joined features.
    pub head: HeadConfig,
    /// Whether every modality gets a linear head of its own besides.
    pub solo_heads: bool,
    /// Encoders by modality.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub encoders: BTreeMap<String, EncoderConfig>,
}

impl Default for LateFusionConfig {
    fn default() -> Self {
        Self {
            encoder: EncoderConfig::ConvNet { channels: vec![16, 32, 64, 64] },
            fusion: FusionConfig::Concat {},
            head: HeadConfig::Linear {},
            solo_heads: false,
            encoders: BTreeMap::new(),
        }
    }
}

impl LateFusionConfig {
    /// The parts for the data's modalities, in their order. A strategy that
    /// needs a head for every modality (`solo_heads`) gets them unasked.
    pub fn parts(&self, data: &[ModalitySpec], solo_heads: bool) -> MultimodalConfig {
        let encoder = |m: &ModalitySpec| self.encoders.get(&m.name).unwrap_or(&self.encoder).clone();
        MultimodalConfig {
            encoders: data.iter().map(encoder).collect(),
            fusion: self.fusion,
            head: self.head,
            solo_heads: self.solo_heads || solo_heads,
        }
    }
}
