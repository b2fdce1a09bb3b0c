//! A residual network in stages, which others may join in between.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu, module::max_pool2d, ops::MaxPoolOptions};
use serde::{Deserialize, Serialize};

use super::{BasicBlock, NonBottleneck1D};
use crate::layer::{BatchNorm, Conv2d, Init, Pass};

/// Which residual block a trunk is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// Two 3x3 convolutions (He et al., CVPR 2016).
    Basic,
    /// Two pairs of a 3x1 and a 1x3 convolution; see [`NonBottleneck1D`].
    #[default]
    #[serde(rename = "non-bottleneck-1d")]
    NonBottleneck1D,
}

/// A residual block of either kind.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a trunk has a few")]
pub enum Block {
    /// See [`BasicBlock`].
    Basic(BasicBlock),
    /// See [`NonBottleneck1D`].
    NonBottleneck1D(NonBottleneck1D),
}

impl Block {
    fn new(kind: BlockKind, channels: [usize; 2], stride: usize, init: &Init) -> Self {
        match kind {
            BlockKind::Basic => Self::Basic(BasicBlock::new(channels, stride, init)),
            BlockKind::NonBottleneck1D => Self::NonBottleneck1D(NonBottleneck1D::new(channels, stride, init)),
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        match self {
            Self::Basic(block) => block.forward(x, pass),
            Self::NonBottleneck1D(block) => block.forward(x, pass),
        }
    }
}

/// Convolution 7x7 of stride 2, batch norm and ReLU, then a max-pool and four
/// stages of residual blocks, run one by one. Names are torchvision's.
#[derive(Module, Debug)]
pub struct Trunk {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
}

impl Trunk {
    /// Stages behind the stem.
    pub const STAGES: usize = 4;

    /// A trunk for so many input channels. `width` is that of the stem and the
    /// first stage, every further stage is twice as wide and half as large;
    /// `blocks` are those of each stage: 2, 2, 2, 2 in ResNet-18, 3, 4, 6, 3 in
    /// ResNet-34.
    pub fn new(
        channels: usize,
        width: usize,
        blocks: [usize; Self::STAGES],
        kind: BlockKind,
        init: &Init,
    ) -> Self {
        let stage = |index: usize| {
            let to = width << index;
            let init = init.part(format_args!("layer{}", index + 1));
            let block = |b: usize| {
                let (from, stride) = if b == 0 && index > 0 { (to / 2, 2) } else { (to, 1) };
                Block::new(kind, [from, to], stride, &init.part(b))
            };
            (0..blocks[index]).map(block).collect()
        };
        Self {
            conv1: Conv2d::new([channels, width], 7, 2, 3, &init.part("conv1")),
            bn1: BatchNorm::new(width, &init.part("bn1")),
            layer1: stage(0),
            layer2: stage(1),
            layer3: stage(2),
            layer4: stage(3),
        }
    }

    /// # Shapes
    /// `[batch, channels, h, w]` to `[batch, width, ceil(h / 2), ceil(w / 2)]`.
    pub fn stem(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        relu(self.bn1.forward(self.conv1.forward(x), pass))
    }

    /// One stage, counted from 0; the first begins with the max-pool 3x3 of
    /// stride 2.
    ///
    /// # Shapes
    /// `[batch, c, h, w]` to half the size, rounded up. The first stage keeps
    /// the width, the others double it.
    pub fn stage(&self, index: usize, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let blocks = [&self.layer1, &self.layer2, &self.layer3, &self.layer4][index];
        let x = match index {
            0 => max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1])),
            _ => x,
        };
        blocks.iter().fold(x, |x, block| block.forward(x, pass))
    }
}
