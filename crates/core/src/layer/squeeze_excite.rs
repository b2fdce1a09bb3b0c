//! Squeeze and excitation (Hu et al., CVPR 2018).

use burn::module::Module;
use burn::tensor::{Tensor, activation::sigmoid};

use super::{Init, RectConv2d};
use crate::engine::{self, Arithmetic};

/// Scales every channel by a gate that looks at the mean of all channels:
/// `x * sigmoid(fc2(relu(fc1(mean x))))`. Zeros stay zeros.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    fc1: RectConv2d,
    fc2: RectConv2d,
    #[module(skip)]
    arithmetic: Arithmetic,
}

impl SqueezeExcite {
    /// A gate over `channels` through `hidden` units; both layers are 1x1
    /// convolutions with bias.
    pub fn new(channels: usize, hidden: usize, init: &Init) -> Self {
        Self {
            fc1: RectConv2d::new([channels, hidden], [1, 1], [1, 1], &init.part("fc1")),
            fc2: RectConv2d::unrectified([hidden, channels], [1, 1], &init.part("fc2")),
            arithmetic: init.arithmetic(),
        }
    }

    /// The same, and the sum with `added` where it is there.
    ///
    /// # Shapes
    /// `[batch, channels, h, w]` to the same.
    pub fn forward(&self, x: Tensor<4>, added: Option<Tensor<4>>) -> Tensor<4> {
        let [batch, channels, ..] = x.dims();
        let mean = engine::mean(x.clone(), self.arithmetic).reshape([batch, channels, 1, 1]);
        let gates = sigmoid(self.fc2.forward(self.fc1.rectified(mean)));
        engine::gate(x, gates.reshape([batch, channels]), added, self.arithmetic)
    }
}
