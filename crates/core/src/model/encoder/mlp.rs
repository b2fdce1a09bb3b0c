//! A multilayer perceptron as encoder.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu};

use super::{Encoder, Stages, Stream};
use crate::input::Input;
use crate::layer::{Init, Linear, Pass};

/// Linear layers, each followed by ReLU, on the flattened input.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// One layer for each entry of `widths`, which must not be empty.
    pub fn new(inputs: usize, widths: &[usize], init: &Init) -> Self {
        let from = std::iter::once(&inputs).chain(widths);
        let layers = from
            .zip(widths)
            .enumerate()
            .map(|(i, (&from, &to))| Linear::new(from, to, &init.part(format_args!("layers.{i}"))))
            .collect();
        Self { layers }
    }
}

impl Encoder for Mlp {
    fn forward(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2> {
        self.through(input, pass)
    }

    fn width(&self) -> usize {
        self.channels(self.stages())
    }
}

/// Every layer is a stage; a vector is a map of one position.
impl Stages for Mlp {
    fn enter(&self, input: &Input, _pass: &mut Pass<'_>) -> Stream {
        let batch = input.shape()[0] as i64;
        Stream { maps: input.flat().reshape([batch, -1, 1, 1]), frames: 1 }
    }

    fn stage(&self, number: usize, maps: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<4> {
        let [batch, inputs, ..] = maps.dims();
        let layer = &self.layers[number - 1];
        relu(layer.forward(maps.reshape([batch, inputs]))).reshape([batch, layer.outputs(), 1, 1])
    }

    fn stages(&self) -> usize {
        self.layers.len()
    }

    fn channels(&self, number: usize) -> usize {
        self.layers[number - 1].outputs()
    }

    fn truncated(mut self, number: usize) -> Self {
        self.layers.truncate(number);
        self
    }
}
