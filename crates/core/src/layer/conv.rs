//! Two-dimensional convolution.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::engine::{self, Arithmetic, Window};

/// A convolution over `[batch, channels, height, width]`, without bias: every
/// one here is followed by a batch norm that has its own.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out, in, height, width]`.
    pub weight: Param<Tensor<4>>,
    stride: usize,
    padding: usize,
    #[module(skip)]
    arithmetic: Arithmetic,
}

impl Conv2d {
    /// A square kernel with Kaiming-normal weights, fan-out and gain sqrt 2:
    /// standard deviation `sqrt(2 / (k * k * out))` (He et al. 2015), unless
    /// `init` has another scheme.
    pub fn new(channels: [usize; 2], kernel: usize, stride: usize, padding: usize, init: &Init) -> Self {
        let [inputs, outputs] = channels;
        let std = (2.0 / (kernel * kernel * outputs) as f64).sqrt();
        let weight = init.weight([outputs, inputs, kernel, kernel], std);
        Self { weight, stride, padding, arithmetic: init.arithmetic() }
    }

    /// # Shapes
    /// `[batch, in, h, w]` to `[batch, out, (h + 2 padding - k) / stride + 1, ..]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let window = Window { stride: [self.stride; 2], padding: [self.padding; 2] };
        engine::conv(x, self.weight.val(), None, window, false, self.arithmetic)
    }
}
