//! Vectors side by side.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Fusion, Read, zero_fill};
use crate::model::Vectors;

/// `[z_1 .. z_M]`, with zeros where a modality is absent. No parameters.
#[derive(Module, Debug)]
pub struct Concat {
    widths: Vec<usize>,
}

impl Concat {
    /// For features of the given widths.
    pub fn new(widths: &[usize]) -> Self {
        Self { widths: widths.to_vec() }
    }
}

impl Fusion for Concat {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        head(Tensor::cat(zero_fill(features, &self.widths), 1))
    }

    fn width(&self) -> usize {
        self.widths.iter().sum()
    }
}
