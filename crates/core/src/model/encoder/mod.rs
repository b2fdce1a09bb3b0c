//! Encoders: from one modality's input to a feature vector.

mod block;
mod convnet;
mod mlp;
mod non_bottleneck;
mod resnet;
mod stages;

pub use block::{BasicBlock, Block, BlockKind};
pub use convnet::ConvNet;
pub use mlp::Mlp;
pub use non_bottleneck::NonBottleneck1D;
pub use resnet::{ResNet, ResNetShape};
pub use stages::{AnyStages, Stages, Stream};

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::input::Input;
use crate::layer::{Init, Pass};
use crate::model::sequence::{SequenceConfig, SequenceEncoder};

/// Turns the input of one modality into features.
pub trait Encoder: Module + ModuleDisplay {
    /// # Shapes
    /// `[batch, ..]`, the shape it was built for, to `[batch, width]`.
    fn forward(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2>;

    /// Width of the features.
    fn width(&self) -> usize;
}

/// Settings of one encoder; which ones there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EncoderConfig {
    /// ResNet-18 trunk of He et al. 2016, without its classifier.
    #[serde(rename = "resnet18")]
    ResNet18 {
        /// Channels of the first stage; 64 in the paper. The features are 8 times as wide.
        #[serde(default = "resnet_width")]
        width: usize,
        /// Size of the first kernel: 7, or 3 as in the released MMTM file.
        #[serde(default = "resnet_stem")]
        stem: usize,
        /// File of weights under torchvision's names that the encoder starts from;
        /// see [`Learner::start_from`](crate::train::Learner::start_from).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pretrained: Option<PathBuf>,
        /// What stands before the names of the encoder's weights in that file;
        /// found by itself unless several encoders lie in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pretrained_prefix: Option<String>,
    },
    /// ResNet-34 trunk, with the settings of `resnet18`.
    #[serde(rename = "resnet34")]
    ResNet34 {
        /// As in `resnet18`.
        #[serde(default = "resnet_width")]
        width: usize,
        /// As in `resnet18`.
        #[serde(default = "resnet_stem")]
        stem: usize,
        /// As in `resnet18`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pretrained: Option<PathBuf>,
        /// As in `resnet18`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pretrained_prefix: Option<String>,
    },
    /// 3x3 convolutions of stride 2 with batch norm and ReLU, then the mean over space.
    ConvNet {
        /// Channels of the layers; the last is the width of the features.
        #[serde(default = "convnet_channels")]
        channels: Vec<usize>,
    },
    /// Linear layers, each followed by ReLU.
    Mlp {
        /// Widths of the layers; the last is the width of the features.
        #[serde(default = "mlp_widths")]
        widths: Vec<usize>,
    },
    /// A network over the steps of a sequence, then the mean over the real ones.
    Sequence {
        /// Which network.
        steps: SequenceConfig,
        /// Width of the features.
        #[serde(default = "sequence_width")]
        width: usize,
        /// Share of the features that are dropped in training.
        #[serde(default)]
        dropout: f64,
    },
}

fn sequence_width() -> usize {
    64
}

fn resnet_width() -> usize {
    64
}

fn resnet_stem() -> usize {
    7
}

fn convnet_channels() -> Vec<usize> {
    vec![16, 32, 64, 64]
}

fn mlp_widths() -> Vec<usize> {
    vec![128, 64]
}

impl EncoderConfig {
    /// Names of all encoders with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        (
            "resnet18",
            "ResNet-18 trunk without classifier; images, spectrograms and frames (averaged over time)",
        ),
        ("resnet34", "ResNet-34 trunk without classifier, for the same inputs"),
        ("conv-net", "compact 3x3 stride-2 convolutions with batch norm; images, spectrograms and frames"),
        ("mlp", "linear layers with ReLU; vectors, and anything else flattened"),
        (
            "sequence",
            "linear layer, GRU or transformer over token ids or steps (averaged over the true length)",
        ),
    ];

    /// The file of weights that the encoder starts from, if any, and what stands
    /// before their names.
    pub fn pretrained(&self) -> Option<(&Path, Option<&str>)> {
        match self {
            Self::ResNet18 { pretrained, pretrained_prefix, .. }
            | Self::ResNet34 { pretrained, pretrained_prefix, .. } => {
                Some((pretrained.as_deref()?, pretrained_prefix.as_deref()))
            }
            _ => None,
        }
    }

    /// Builds the encoder for samples of a modality.
    ///
    /// # Errors
    /// If the shape does not fit the encoder, or a width is 0. The message
    /// names the encoder, the shape it got and the shapes it takes.
    pub fn build(&self, data: &ModalitySpec, init: &Init) -> Result<AnyEncoder, Error> {
        let shape = data.shape.as_slice();
        Ok(match self {
            Self::ResNet18 { width, stem, .. } => {
                AnyEncoder::ResNet(resnet("resnet18", ResNet::BLOCKS_18, [*width, *stem], shape, init)?)
            }
            Self::ResNet34 { width, stem, .. } => {
                AnyEncoder::ResNet(resnet("resnet34", ResNet::BLOCKS_34, [*width, *stem], shape, init)?)
            }
            Self::ConvNet { channels } => {
                positive("conv-net", "channels", channels)?;
                let inputs = image_channels("conv-net", shape)?;
                AnyEncoder::ConvNet(ConvNet::new(inputs, channels, init))
            }
            Self::Mlp { widths } => {
                positive("mlp", "widths", widths)?;
                AnyEncoder::Mlp(Mlp::new(shape.iter().product(), widths, init))
            }
            Self::Sequence { steps, width, dropout } => {
                AnyEncoder::Sequence(steps.build(data, *width, *dropout, init)?)
            }
        })
    }
}

fn resnet(
    name: &str,
    blocks: [usize; ResNet::STAGES],
    [width, stem]: [usize; 2],
    shape: &[usize],
    init: &Init,
) -> Result<ResNet, Error> {
    positive(name, "width", &[width])?;
    if !matches!(stem, 3 | 7) {
        return Err(Error::config(format!("encoder `{name}`: stem = {stem}: expected 7 or 3")));
    }
    let block = BlockKind::Basic;
    Ok(ResNet::new(image_channels(name, shape)?, ResNetShape { width, stem, blocks, block }, init))
}

fn positive(encoder: &str, key: &str, values: &[usize]) -> Result<(), Error> {
    if values.is_empty() || values.contains(&0) {
        return Err(Error::config(format!("encoder `{encoder}`: {key} must be positive, got {values:?}")));
    }
    Ok(())
}

fn image_channels(encoder: &str, shape: &[usize]) -> Result<usize, Error> {
    match shape {
        [channels, h, w] | [channels, _, h, w] if *h > 0 && *w > 0 => Ok(*channels),
        _ => Err(Error::shape(format!(
            "encoder `{encoder}` takes [channels, height, width] or [channels, frames, height, width], \
             but the data gives {shape:?}; use encoder `mlp` for vectors"
        ))),
    }
}

/// The encoders that a configuration can name.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per modality")]
pub enum AnyEncoder {
    /// See [`ResNet`].
    ResNet(ResNet),
    /// See [`ConvNet`].
    ConvNet(ConvNet),
    /// See [`Mlp`].
    Mlp(Mlp),
    /// See [`SequenceEncoder`].
    Sequence(SequenceEncoder),
}

impl Encoder for AnyEncoder {
    fn forward(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2> {
        match self {
            Self::ResNet(e) => e.forward(input, pass),
            Self::ConvNet(e) => e.forward(input, pass),
            Self::Mlp(e) => e.forward(input, pass),
            Self::Sequence(e) => e.forward(input, pass),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::ResNet(e) => e.width(),
            Self::ConvNet(e) => e.width(),
            Self::Mlp(e) => e.width(),
            Self::Sequence(e) => e.width(),
        }
    }
}
