//! Residual networks (He et al., CVPR 2016) in stages, without classifier.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Block, BlockKind, Encoder, EncoderSettings, InputShape, Stages, Stream, positive};
use crate::Error;
use crate::engine::{self, Window};
use crate::input::Input;
use crate::layer::{BatchNorm, Conv2d, ForwardContext, Init};
use crate::model::Boxed;

/// The trunk of a residual network of He et al. 2016 without its classifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResNetConfig<const DEPTH: usize> {
    /// Channels of the first stage, 64 in the paper. The features are 8 times as wide.
    #[serde(default = "width")]
    #[schemars(range(min = 1))]
    pub width: usize,
    /// Size of the first kernel: 7 as in the paper, or 3 as in the released MMTM file.
    #[serde(default = "stem")]
    pub stem: usize,
    /// File of weights under torchvision's names (`.pth`, `.safetensors`) that the
    /// encoder starts from; random if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<PathBuf>,
    /// What stands before the names of the encoder's weights in that file; found
    /// by itself unless several encoders lie in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained_prefix: Option<String>,
}

/// Settings of ResNet-18.
pub type ResNet18Config = ResNetConfig<18>;

/// Settings of ResNet-34.
pub type ResNet34Config = ResNetConfig<34>;

impl<const DEPTH: usize> Default for ResNetConfig<DEPTH> {
    fn default() -> Self {
        Self { width: width(), stem: stem(), pretrained: None, pretrained_prefix: None }
    }
}

fn width() -> usize {
    64
}

fn stem() -> usize {
    7
}

impl Settings for ResNet18Config {
    const NAME: &'static str = "resnet18";
    const SUMMARY: &'static str =
        "ResNet-18 trunk without classifier; images, spectrograms and frames (averaged over time)";
}

impl Settings for ResNet34Config {
    const NAME: &'static str = "resnet34";
    const SUMMARY: &'static str = "ResNet-34 trunk without classifier, for the same inputs";
}

impl<const DEPTH: usize> ResNetConfig<DEPTH> {
    const BLOCKS: [usize; ResNet::STAGES] = match DEPTH {
        18 => ResNet::BLOCKS_18,
        34 => ResNet::BLOCKS_34,
        _ => panic!("there are 18 and 34 layers"),
    };
}

impl<const DEPTH: usize> EncoderSettings for ResNetConfig<DEPTH>
where
    Self: Settings,
{
    fn takes(&self) -> &'static [InputShape] {
        &[InputShape::Image, InputShape::Frames]
    }

    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        let (width, stem, blocks) = (self.width, self.stem, Self::BLOCKS);
        positive(Self::NAME, "width", &[width])?;
        if !matches!(stem, 3 | 7) {
            return Err(Error::config(format!("encoder `{}`: stem = {stem}: expected 7 or 3", Self::NAME)));
        }
        let shape = ResNetShape { width, stem, blocks, block: BlockKind::Basic };
        Ok(Boxed::new(ResNet::new(data.shape[0], shape, init)))
    }

    fn pretrained(&self) -> Option<(&Path, Option<&str>)> {
        Some((self.pretrained.as_deref()?, self.pretrained_prefix.as_deref()))
    }
}

/// Convolution 7x7 of stride 2, batch norm, ReLU, max-pool 3x3 of stride 2,
/// then four stages of residual blocks; as an encoder, the mean over space and
/// time.
///
/// A one-channel stem for spectrograms and depth, frames folded into the batch.
/// Names are torchvision's. ResNet-18 has 11,176,512 parameters with three
/// input channels, 11,170,240 with one.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    width: usize,
}

/// Settings of a [`ResNet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetShape {
    /// Channels of the stem and the first stage; every further stage is twice
    /// as wide and half as large. 64 in the paper.
    pub width: usize,
    /// Size of the first kernel, odd. 7 in the paper.
    pub stem: usize,
    /// Blocks of each stage.
    pub blocks: [usize; ResNet::STAGES],
    /// What the stages are made of.
    pub block: BlockKind,
}

impl ResNet {
    /// Stages after the stem.
    pub const STAGES: usize = 4;
    /// Blocks of ResNet-18.
    pub const BLOCKS_18: [usize; Self::STAGES] = [2, 2, 2, 2];
    /// Blocks of ResNet-34.
    pub const BLOCKS_34: [usize; Self::STAGES] = [3, 4, 6, 3];

    /// A network with `channels` input channels.
    pub fn new(channels: usize, shape: ResNetShape, init: &Init) -> Self {
        let ResNetShape { width, stem, blocks, block } = shape;
        let stage = |number: usize| {
            let to = width << (number - 1);
            let init = init.part(format_args!("layer{number}"));
            let one = |b: usize| {
                let (from, stride) = if b == 0 && number > 1 { (to / 2, 2) } else { (to, 1) };
                Block::new(block, [from, to], stride, &init.part(b))
            };
            (0..blocks[number - 1]).map(one).collect()
        };
        Self {
            conv1: Conv2d::new([channels, width], stem, 2, stem / 2, &init.part("conv1")),
            bn1: BatchNorm::new(width, &init.part("bn1")),
            layer1: stage(1),
            layer2: stage(2),
            layer3: stage(3),
            layer4: stage(4),
            width,
        }
    }

    /// What comes before the pooling and the stages.
    ///
    /// # Shapes
    /// `[batch, channels, h, w]` to `[batch, width, ceil(h / 2), ceil(w / 2)]`.
    pub fn stem(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        self.bn1.rectified(self.conv1.forward(x), pass)
    }

    /// The pooling in front of the first stage.
    ///
    /// # Shapes
    /// `[batch, channels, h, w]` to `[batch, channels, ceil(h / 2), ceil(w / 2)]`.
    pub fn pool(&self, x: Tensor<4>) -> Tensor<4> {
        engine::max_pool(x, [3, 3], Window { stride: [2, 2], padding: [1, 1] }, self.bn1.arithmetic())
    }

    fn blocks(&self, number: usize) -> &Vec<Block> {
        [&self.layer1, &self.layer2, &self.layer3, &self.layer4][number - 1]
    }
}

/// Four stages after the stem with its pooling.
impl Stages for ResNet {
    fn enter(&self, input: &Input, pass: &mut ForwardContext<'_>) -> Stream {
        let Stream { maps, frames } = Stream::of(input);
        Stream { maps: self.pool(self.stem(maps, pass)), frames } // [b, width, h/4, w/4]
    }

    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        self.blocks(number).iter().fold(maps, |maps, block| block.forward(maps, pass))
    }

    fn stages(&self) -> usize {
        (1..=Self::STAGES).take_while(|&number| !self.blocks(number).is_empty()).count()
    }

    fn channels(&self, number: usize) -> usize {
        self.width << (number - 1)
    }

    fn truncate(&mut self, number: usize) {
        let stages = [&mut self.layer1, &mut self.layer2, &mut self.layer3, &mut self.layer4];
        stages.into_iter().skip(number).for_each(Vec::clear);
    }
}
