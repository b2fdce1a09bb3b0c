//! Vectors side by side.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, zero_fill};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::Init;
use crate::model::Boxed;

/// Vectors side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConcatConfig {}

impl Settings for ConcatConfig {
    const NAME: &'static str = "concat";
    const SUMMARY: &'static str = "features side by side; absent modalities are zeros";
}

impl FusionSettings for ConcatConfig {
    fn build(&self, widths: &[usize], _: usize, _: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        Ok(Boxed::new(Concat::new(widths)))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::SideBySide, additive: true, symmetric: true }
    }
}

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

    /// `W_m z_m + b / M` of a linear head: zeros elsewhere give the whole bias,
    /// which is what the head makes of nothing, and M - 1 parts of it are the others'.
    fn unimodal(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let filled = Tensor::cat(zero_fill(features, &self.widths), 1);
        let nothing = Tensor::zeros([1, self.width()], &filled.device());
        let others = 1.0 - 1.0 / self.widths.len() as f64;
        head(filled) - head(nothing).mul_scalar(others)
    }

    fn width(&self) -> usize {
        self.widths.iter().sum()
    }
}
