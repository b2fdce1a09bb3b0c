//! Tensor fusion through a weight of low rank.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, joined, positive, zero_fill};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// The outer product of all modalities through a weight of low rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LowRankConfig {
    /// Number of terms.
    #[schemars(range(min = 1))]
    pub rank: usize,
    /// Width of the joined vector; that of the widest encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub width: Option<usize>,
}

impl Default for LowRankConfig {
    fn default() -> Self {
        Self { rank: 4, width: None }
    }
}

impl Settings for LowRankConfig {
    const NAME: &'static str = "low-rank";
    const SUMMARY: &'static str =
        "low-rank tensor fusion: products of affine maps, so absent modalities leave a constant";
}

impl FusionSettings for LowRankConfig {
    fn build(&self, widths: &[usize], _: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        let rank = positive(Self::NAME, "rank", self.rank)?;
        Ok(Boxed::new(LowRank::new(widths, rank, joined(Self::NAME, self.width, widths)?, init)))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: true }
    }
}

/// `sum_r w_r * prod_m (W_m^r [z_m; 1]) + b`: the outer product of all
/// `[z_m; 1]` through a weight tensor of rank `r`, never written out
/// (Liu et al., ACL 2018, Equation 9).
///
/// Absent modalities are zero-filled: the appended 1 leaves their factor at
/// its constant column, so nothing is annihilated.
///
/// Differs from the authors' code: the constant columns start at 1, not at
/// random small numbers, so that a single modality passes at full strength
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
            let weight = init.normal("weight", [rank * width, from], std);
            Linear::of(weight, init.constant("bias", [rank * width], 1.0), &init)
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
