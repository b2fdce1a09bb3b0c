//! Residual blocks.

use burn::module::Module;
use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NonBottleneck1D;
use crate::engine;
use crate::layer::{BatchNorm, Conv2d, ForwardContext, Init};

/// Which residual block a network is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[expect(clippy::large_enum_variant, reason = "a network has a few")]
pub enum Block {
    /// See [`BasicBlock`].
    Basic(BasicBlock),
    /// See [`NonBottleneck1D`].
    NonBottleneck1D(NonBottleneck1D),
}

impl Block {
    /// From the first to the second number of channels; a stride of 2 halves the size, rounding up.
    pub fn new(kind: BlockKind, channels: [usize; 2], stride: usize, init: &Init) -> Self {
        match kind {
            BlockKind::Basic => Self::Basic(BasicBlock::new(channels, stride, init)),
            BlockKind::NonBottleneck1D => Self::NonBottleneck1D(NonBottleneck1D::new(channels, stride, init)),
        }
    }

    /// # Shapes
    /// `[batch, from, h, w]` to `[batch, to, ceil(h / stride), ceil(w / stride)]`.
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        match self {
            Self::Basic(block) => block.forward(x, pass),
            Self::NonBottleneck1D(block) => block.forward(x, pass),
        }
    }
}

/// Two 3x3 convolutions and a shortcut.
#[derive(Module, Debug)]
pub struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    /// 1x1 convolution and batch norm where size or width changes.
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl BasicBlock {
    /// From the first to the second number of channels; a stride of 2 halves the size, rounding up.
    pub fn new([from, to]: [usize; 2], stride: usize, init: &Init) -> Self {
        let short = init.part("downsample");
        Self {
            conv1: Conv2d::new([from, to], 3, stride, 1, &init.part("conv1")),
            bn1: BatchNorm::new(to, &init.part("bn1")),
            conv2: Conv2d::new([to, to], 3, 1, 1, &init.part("conv2")),
            bn2: BatchNorm::new(to, &init.part("bn2")),
            downsample: (stride != 1 || from != to).then(|| {
                (
                    Conv2d::new([from, to], 1, stride, 0, &short.part("0")),
                    BatchNorm::new(to, &short.part("1")),
                )
            }),
        }
    }

    /// # Shapes
    /// `[batch, from, h, w]` to `[batch, to, ceil(h / stride), ceil(w / stride)]`.
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let [x, beside] = engine::fork(x, self.bn1.arithmetic());
        let y = self.bn1.rectified(self.conv1.forward(x), pass);
        let y = self.conv2.forward(y);
        let shortcut = match &self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(beside), pass),
            None => beside,
        };
        self.bn2.rectified_sum(y, shortcut, pass)
    }
}
