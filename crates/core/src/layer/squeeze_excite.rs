//! Squeeze and excitation (Hu et al., CVPR 2018).

use burn::module::Module;
use burn::tensor::{
    Tensor,
    activation::{relu, sigmoid},
};

use super::{Init, RectConv2d};

/// Scales every channel by a gate that looks at the mean of all channels:
/// `x * sigmoid(fc2(relu(fc1(mean x))))`. Zeros stay zeros.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    fc1: RectConv2d,
    fc2: RectConv2d,
}

impl SqueezeExcite {
    /// A gate over `channels` through `hidden` units; both layers are 1x1
    /// convolutions with bias.
    pub fn new(channels: usize, hidden: usize, init: &Init) -> Self {
        Self {
            fc1: RectConv2d::new([channels, hidden], [1, 1], [1, 1], &init.part("fc1")),
            fc2: RectConv2d::unrectified([hidden, channels], [1, 1], &init.part("fc2")),
        }
    }

    /// # Shapes
    /// `[batch, channels, h, w]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mean = x.clone().mean_dim(3).mean_dim(2); // [batch, channels, 1, 1]
        let gate = sigmoid(self.fc2.forward(relu(self.fc1.forward(mean))));
        x * gate
    }
}
