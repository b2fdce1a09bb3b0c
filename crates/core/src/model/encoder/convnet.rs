//! A compact convolutional encoder.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu};

use super::{Encoder, Stages, Stream};
use crate::input::Input;
use crate::layer::{BatchNorm, Conv2d, Init, Pass};

/// 3x3 convolutions of stride 2 without bias, each followed by batch norm and
/// ReLU; the mean over space (and frames) is the feature vector.
#[derive(Module, Debug)]
pub struct ConvNet {
    blocks: Vec<(Conv2d, BatchNorm)>,
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
        Self { blocks }
    }
}

impl Encoder for ConvNet {
    fn forward(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2> {
        self.through(input, pass)
    }

    fn width(&self) -> usize {
        self.channels(self.stages())
    }
}

/// Every layer is a stage.
impl Stages for ConvNet {
    fn enter(&self, input: &Input, _pass: &mut Pass<'_>) -> Stream {
        Stream::of(input)
    }

    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let (conv, norm) = &self.blocks[number - 1];
        relu(norm.forward(conv.forward(maps), pass))
    }

    fn stages(&self) -> usize {
        self.blocks.len()
    }

    fn channels(&self, number: usize) -> usize {
        self.blocks[number - 1].1.weight.dims()[0]
    }

    fn truncated(mut self, number: usize) -> Self {
        self.blocks.truncate(number);
        self
    }
}
