//! A multilayer perceptron as encoder.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu};

use super::Encoder;
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
    fn forward(&self, input: &Input, _pass: &mut Pass<'_>) -> Tensor<2> {
        let batch = input.shape()[0];
        let x = input.flat().reshape([batch as i64, -1]);
        self.layers.iter().fold(x, |x, layer| relu(layer.forward(x)))
    }

    fn width(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs()
    }
}
