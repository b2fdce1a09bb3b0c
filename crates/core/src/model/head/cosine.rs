//! MMCosine: no modality wins by the norm of its features.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::layer::Init;

/// `scale * sum_m cos(z_m, W_m,k)`, where `z_m` are the parts of a
/// concatenated vector and `W_m,k` those of class `k`'s weights.
///
/// Source: Xu et al., ICASSP 2023, with scale 10; no bias. Norms are at least
/// 1e-12, so an absent, zero-filled modality adds 0 and a unimodal row gives
/// `scale * cos_m`. Differs from the authors' code: the bias that they
/// allocate and never use does not exist.
#[derive(Module, Debug)]
pub struct CosineHead {
    /// `[outputs, sum of parts]`.
    pub weight: Param<Tensor<2>>,
    parts: Vec<usize>,
    scale: f64,
}

impl CosineHead {
    /// For a vector of parts of the given widths.
    pub fn new(parts: &[usize], outputs: usize, scale: f64, init: &Init) -> Self {
        let width: usize = parts.iter().sum();
        let std = (2.0 / (width + outputs) as f64).sqrt();
        Self { weight: init.normal("weight", [outputs, width], std), parts: parts.to_vec(), scale }
    }

    /// # Shapes
    /// `[batch, sum of parts]` to `[batch, outputs]`; every score is within
    /// `scale` times the number of parts.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let weights = self.weight.val().split_with_sizes(self.parts.clone(), 1);
        let cosines = x
            .split_with_sizes(self.parts.clone(), 1)
            .into_iter()
            .zip(weights)
            .map(|(z, w)| unit_rows(z).matmul(unit_rows(w).transpose()));
        let sum = cosines.reduce(|sum, cosine| sum + cosine).expect("a vector has at least one part");
        sum.mul_scalar(self.scale)
    }
}

/// Rows divided by `max(norm, 1e-12)`. The limit is put on the square, before
/// the root: its gradient at a row of zeros is then 0 and not undefined.
fn unit_rows(x: Tensor<2>) -> Tensor<2> {
    let squares = (x.clone() * x.clone()).sum_dim(1).clamp_min(1e-24);
    x / squares.sqrt()
}
