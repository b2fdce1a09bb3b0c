//! Tensor fusion through a weight of low rank.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Fusion, Read, zero_fill};
use crate::layer::{Init, Linear};
use crate::model::Vectors;

/// `sum_r w_r * prod_m (W_m^r [z_m; 1]) + b`: the outer product of all
/// `[z_m; 1]` through a weight tensor of rank `r`, never written out
/// (Liu et al., ACL 2018, Equation 9).
///
/// Absent modalities are zero-filled: the appended 1 leaves their factor at
/// its constant column, so nothing is annihilated.
///
/// Differs from the authors' code: the constant columns start at 1, not at
/// random small numbers, so that a modality alone passes at full strength
/// however many are absent; and the result is a vector for a head to read.
#[derive(Module, Debug)]
pub struct LowRank {
    /// `W_m^r` for all `r` below each other; the bias is the constant column.
    factors: Vec<Linear>,
    /// `w`, `[rank]`.
    weights: Param<Tensor<1>>,
    /// `b`, `[width]`.
    bias: Param<Tensor<1>>,
    widths: Vec<usize>,
}

impl LowRank {
    /// For features of the given widths, joined in `width` numbers.
    pub fn new(widths: &[usize], rank: usize, width: usize, init: &Init) -> Self {
        let factor = |(i, &from): (usize, &usize)| {
            let init = init.part(format_args!("factors.{i}"));
            // Xavier for each of the `rank` blocks of `[width, from + 1]`.
            let std = (2.0 / (from + 1 + width) as f64).sqrt();
            Linear {
                weight: init.normal("weight", [rank * width, from], std),
                bias: Some(init.constant("bias", [rank * width], 1.0)),
            }
        };
        Self {
            factors: widths.iter().enumerate().map(factor).collect(),
            weights: init.normal("weights", [rank], (2.0 / (1 + rank) as f64).sqrt()),
            bias: init.constant("bias", [width], 0.0),
            widths: widths.to_vec(),
        }
    }
}

impl Fusion for LowRank {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let filled = zero_fill(features, &self.widths);
        let factors = self.factors.iter().zip(filled).map(|(factor, z)| factor.forward(z));
        let product = factors.reduce(|product, f| product * f).expect("a model has at least one modality");
        let (batch, rank, width) = (product.dims()[0], self.weights.dims()[0], self.width());
        let terms = product.reshape([batch, rank, width]) * self.weights.val().reshape([1, rank, 1]);
        head(terms.sum_dim(1).reshape([batch, width]) + self.bias.val().unsqueeze())
    }

    fn width(&self) -> usize {
        self.bias.dims()[0]
    }
}
