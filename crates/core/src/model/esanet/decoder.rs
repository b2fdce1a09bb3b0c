//! From the coarsest map back to finer ones.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::layer::{ConvNormRelu, ForwardContext, Init, LearnedUpsample};
use crate::model::encoder::NonBottleneck1D;

/// One step of the decoder: a 3x3 convolution, residual blocks, and a learned
/// upsampling to the size of the skip connection, which is added.
#[derive(Module, Debug)]
pub struct DecoderStage {
    conv3x3: ConvNormRelu,
    blocks: Vec<NonBottleneck1D>,
    upsample: LearnedUpsample,
}

impl DecoderStage {
    /// From the first to the second number of channels.
    pub fn new([from, to]: [usize; 2], blocks: usize, init: &Init) -> Self {
        let block = |b: usize| NonBottleneck1D::new([to, to], 1, &init.part(format_args!("blocks.{b}")));
        Self {
            conv3x3: ConvNormRelu::new([from, to], 3, &init.part("conv3x3")),
            blocks: (0..blocks).map(block).collect(),
            upsample: LearnedUpsample::new(to, &init.part("upsample")),
        }
    }

    /// The map before upsampling, which side outputs read.
    ///
    /// # Shapes
    /// `[batch, from, h, w]` to `[batch, to, h, w]`.
    pub fn refine(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let x = self.conv3x3.forward(x, pass);
        self.blocks.iter().fold(x, |x, block| block.forward(x, pass))
    }

    /// # Shapes
    /// `[batch, to, h, w]` and the skip's `[batch, to, 2h, 2w]` (or one less,
    /// where a stride rounded up) to the skip's.
    pub fn upsample(&self, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        self.upsample.onto(x, skip)
    }
}
