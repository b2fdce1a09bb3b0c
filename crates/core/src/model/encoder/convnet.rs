//! A compact convolutional encoder.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu};

use super::{Encoder, over_frames};
use crate::input::Input;
use crate::layer::{BatchNorm, Conv2d, Init, Pass};

/// 3x3 convolutions of stride 2 without bias, each followed by batch norm and
/// ReLU; the mean over space (and frames) is the feature vector.
#[derive(Module, Debug)]
pub struct ConvNet {
    blocks: Vec<(Conv2d, BatchNorm)>,
    width: usize,
}

impl ConvNet {
    /// One layer for each entry of `channels`, which must not be empty.
    pub fn new(inputs: usize, channels: &[usize], init: &Init) -> Self {
        let from = std::iter::once(&inputs).chain(channels);
        let blocks = from
            .zip(channels)
            .enumerate()
            .map(|(i, (&from, &to))| {
                let init = init.part(format_args!("blocks.{i}"));
                (Conv2d::new([from, to], 3, 2, 1, &init.part("0")), BatchNorm::new(to, &init.part("1")))
            })
            .collect();
        Self { blocks, width: channels[channels.len() - 1] }
    }
}

impl Encoder for ConvNet {
    fn forward(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2> {
        over_frames(input, |x| {
            self.blocks.iter().fold(x, |x, (conv, norm)| relu(norm.forward(conv.forward(x), pass)))
        })
    }

    fn width(&self) -> usize {
        self.width
    }
}
