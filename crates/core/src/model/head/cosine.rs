//! MMCosine: no modality wins by the norm of its features.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Head, HeadFacts, HeadSettings};
use crate::Error;
use crate::layer::Init;
use crate::model::Boxed;

/// Cosines between features and class weights, modality by modality (MMCosine).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CosineHeadConfig {
    /// Factor on the cosines, above 0.
    #[schemars(range(min = 0.0))]
    pub scale: f64,
}

impl Default for CosineHeadConfig {
    fn default() -> Self {
        Self { scale: 10.0 }
    }
}

impl Settings for CosineHeadConfig {
    const NAME: &'static str = "cosine";
    const SUMMARY: &'static str =
        "MMCosine: scaled cosines of features and class weights, modality by modality; needs concat";
}

impl HeadSettings for CosineHeadConfig {
    fn build(&self, parts: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Head>, Error> {
        let scale = self.scale;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(Error::config(format!("head `cosine`: scale = {scale}: expected a positive number")));
        }
        Ok(Boxed::new(CosineHead::new(parts, outputs, scale, init)))
    }

    fn facts(&self) -> HeadFacts {
        HeadFacts { additive: true, linear: false, tells_apart: true }
    }
}

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
}

impl Head for CosineHead {
    /// Every score is within `scale` times the number of parts.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
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
