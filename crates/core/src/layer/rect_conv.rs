//! Convolution with a rectangular kernel and a bias.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::engine::{self, Arithmetic, Window};

/// A convolution over `[batch, channels, height, width]` whose kernel may have
/// two different sides, with a bias, padded so that stride 1 keeps the size.
#[derive(Module, Debug)]
pub struct RectConv2d {
    /// `[out, in, height, width]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
    stride: [usize; 2],
    #[module(skip)]
    arithmetic: Arithmetic,
}

impl RectConv2d {
    /// For a layer that ReLU follows: Kaiming-normal weights, fan-out and gain
    /// sqrt 2 (He et al. 2015), zero bias, unless `init` has another scheme.
    ///
    /// # Panics
    /// If a side of the kernel is even: no padding would keep the size.
    pub fn new(channels: [usize; 2], kernel: [usize; 2], stride: [usize; 2], init: &Init) -> Self {
        let std = (2.0 / (kernel[0] * kernel[1] * channels[1]) as f64).sqrt();
        Self::with_std(channels, kernel, stride, std, init)
    }

    /// For a layer that ends in scores or a sigmoid: variance `1 / (3 fan-in)`,
    /// that of PyTorch's default, and zero bias, unless `init` has another scheme.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn unrectified(channels: [usize; 2], kernel: [usize; 2], init: &Init) -> Self {
        let std = (1.0 / (3 * kernel[0] * kernel[1] * channels[0]) as f64).sqrt();
        Self::with_std(channels, kernel, [1, 1], std, init)
    }

    fn with_std(
        [inputs, outputs]: [usize; 2],
        [height, width]: [usize; 2],
        stride: [usize; 2],
        std: f64,
        init: &Init,
    ) -> Self {
        assert!(height % 2 == 1 && width % 2 == 1, "a kernel of {height}x{width} has no centre");
        Self {
            weight: init.weight([outputs, inputs, height, width], std),
            bias: init.bias(outputs, inputs * height * width),
            stride,
            arithmetic: init.arithmetic(),
        }
    }

    /// # Shapes
    /// `[batch, in, h, w]` to `[batch, out, ceil(h / stride), ceil(w / stride)]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, false)
    }

    /// The same, then ReLU.
    pub fn rectified(&self, x: Tensor<4>) -> Tensor<4> {
        self.run(x, true)
    }

    fn run(&self, x: Tensor<4>, rectified: bool) -> Tensor<4> {
        let [_, _, height, width] = self.weight.dims();
        let window = Window { stride: self.stride, padding: [height / 2, width / 2] };
        engine::conv(x, self.weight.val(), Some(self.bias.val()), window, rectified, self.arithmetic)
    }
}
