//! Settings of ESANet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EsaNet;
use crate::Error;
use crate::layer::{BnPolicy, Init, InitScheme};
use crate::modality::{Modalities, Modality};
use crate::model::encoder::{BlockKind, ResNet};
use crate::model::{AnyModel, ModelSettings, NetworkFacts};

/// ESANet, a network that gives every pixel of an image a class, from colours,
/// depth or other pictures of one size (Seichter et al., ICRA 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EsaNetConfig {
    /// Channels of the stems and first stages, 64 in the paper.
    pub width: usize,
    /// Blocks of the encoders' four stages: ResNet-34's by default, 2, 2, 2, 2 is ResNet-18.
    pub blocks: [usize; ResNet::STAGES],
    /// What the encoders are made of.
    pub block: BlockKind,
    /// Residual blocks in each of the three decoder stages.
    pub decoder_blocks: usize,
    /// Channels divided by hidden units in squeeze and excitation.
    pub se_reduction: usize,
    /// Bins along each side in the pyramid pooling; their branches share the
    /// channels of the coarsest map equally.
    pub bins: Vec<usize>,
    /// The modality whose encoder goes on with the fused maps; one that is alone
    /// always does. All others stay to themselves.
    pub main: String,
    /// Running statistics of layers after the first fusion.
    pub batch_norm: BnPolicy,
    /// From what everything but the encoders starts: `pytorch` as the released
    /// code without options, `kaiming` close to its `--he_init`.
    pub init: InitScheme,
    /// Encoders that start from something else than random numbers, by modality.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub encoders: BTreeMap<String, Start>,
}

/// Where an encoder starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// File of weights under torchvision's names; see
    /// [`TrainState::start_from`](crate::train::TrainState::start_from).
    pub pretrained: PathBuf,
    /// What stands before the names of the encoder's weights in that file; found
    /// by itself unless several encoders lie in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained_prefix: Option<String>,
}

impl Default for EsaNetConfig {
    fn default() -> Self {
        Self {
            width: 64,
            blocks: ResNet::BLOCKS_34,
            block: BlockKind::NonBottleneck1D,
            decoder_blocks: 3,
            se_reduction: 16,
            bins: vec![1, 5],
            main: "rgb".into(),
            batch_norm: BnPolicy::PerSubset,
            init: InitScheme::PyTorch,
            encoders: BTreeMap::new(),
        }
    }
}

impl EsaNetConfig {
    /// Widths of the fusion points: after the stem and each stage.
    pub(super) fn point_widths(&self) -> [usize; ResNet::STAGES + 1] {
        [1, 1, 2, 4, 8].map(|factor| factor * self.width)
    }

    /// Widths of the decoder stages, from coarse to fine.
    pub(super) fn decoder_widths(&self) -> [usize; 3] {
        [8, 4, 2].map(|factor| factor * self.width)
    }
}

impl Settings for EsaNetConfig {
    const NAME: &'static str = "esanet";
    const SUMMARY: &'static str =
        "a class for every pixel: encoders that meet at five depths, pyramid context, a decoder";
}

impl ModelSettings for EsaNetConfig {
    fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        _: bool,
        seed: u64,
        device: &Device,
    ) -> Result<AnyModel, Error> {
        let names = Modalities::new(data.iter().map(|m| m.name.as_str()))?;
        let positive = [
            ("width", self.width),
            ("decoder_blocks", self.decoder_blocks),
            ("se_reduction", self.se_reduction),
        ];
        let blocks = self.blocks.iter().map(|&n| ("blocks", n));
        let bins = self.bins.iter().map(|&n| ("bins", n));
        if let Some((key, _)) = positive.into_iter().chain(blocks).chain(bins).find(|(_, n)| *n == 0) {
            return Err(Error::config(format!("model `esanet`: {key} must be positive")));
        }
        if let Some(twice) = self.bins.iter().enumerate().find(|(i, b)| self.bins[..*i].contains(b)) {
            return Err(Error::config(format!("model `esanet`: bins names {} twice", twice.1)));
        }
        let coarsest = self.point_widths()[ResNet::STAGES];
        if self.bins.len() > coarsest {
            return Err(Error::config(format!(
                "model `esanet`: {} bins share the {coarsest} channels of the coarsest map, which leaves none for a \
                 bin; name fewer bins or raise width",
                self.bins.len()
            )));
        }
        if self.width < self.se_reduction {
            return Err(Error::config(format!(
                "model `esanet`: squeeze and excitation leaves no hidden unit, because width {} is below \
                 se_reduction {}; lower se_reduction or raise width",
                self.width, self.se_reduction
            )));
        }
        let (channels, size) = pictures(data)?;
        // The only modality is its own main one, or its first fusion would lead nowhere.
        let main = names.find(&self.main).or((names.len() == 1).then_some(Modality(0)));
        let main = main.ok_or_else(|| {
            Error::config(format!(
                "model `esanet`: main = `{}`, but the data has the modalities {}",
                self.main,
                names.names().join(", ")
            ))
        })?;
        let init = Init::new(seed, device);
        let network = EsaNet::new(self, names, (&channels, size), main, outputs, &init);
        init.check()?;
        Ok(AnyModel::new(network))
    }

    fn facts(&self) -> NetworkFacts {
        NetworkFacts { per_pixel: true, ..NetworkFacts::DENSE_FUSION }
    }

    fn mentions(&self) -> Vec<&str> {
        self.encoders.keys().map(String::as_str).collect()
    }

    fn pretrained(&self, modality: &str) -> Option<(&Path, Option<&str>)> {
        let start = self.encoders.get(modality)?;
        Some((start.pretrained.as_path(), start.pretrained_prefix.as_deref()))
    }
}

/// Channels of every modality, and the size that all must have.
fn pictures(data: &[ModalitySpec]) -> Result<(Vec<usize>, [usize; 2]), Error> {
    let mut size = None;
    let mut channels = Vec::new();
    for m in data {
        let [depth, height, width] = *m.shape else {
            return Err(Error::shape(format!(
                "model `esanet` takes pictures [channels, height, width], but `{}` is {:?}",
                m.name, m.shape
            )));
        };
        if *size.get_or_insert([height, width]) != [height, width] {
            return Err(Error::shape(format!(
                "model `esanet` takes pictures of equal size, but `{}` is {:?} and `{}` is {:?}",
                data[0].name, data[0].shape, m.name, m.shape
            )));
        }
        channels.push(depth);
    }
    size.map(|size| (channels, size))
        .ok_or_else(|| Error::shape("model `esanet` takes at least one modality"))
}
