//! Convolution, batch norm and ReLU.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{BatchNorm, Conv2d, ForwardContext, Init};

/// A square convolution of stride 1 that keeps the size, batch norm, ReLU.
#[derive(Module, Debug)]
pub struct ConvNormRelu {
    conv: Conv2d,
    bn: BatchNorm,
}

impl ConvNormRelu {
    /// From the first to the second number of channels; `kernel` is odd.
    pub fn new([from, to]: [usize; 2], kernel: usize, init: &Init) -> Self {
        Self {
            conv: Conv2d::new([from, to], kernel, 1, kernel / 2, &init.part("conv")),
            bn: BatchNorm::new(to, &init.part("bn")),
        }
    }

    /// # Shapes
    /// `[batch, from, h, w]` to `[batch, to, h, w]`.
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        self.bn.rectified(self.conv.forward(x), pass)
    }
}
