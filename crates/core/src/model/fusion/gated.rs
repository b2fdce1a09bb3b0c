//! One modality receives through the others' gates.

use burn::module::Module;
use burn::tensor::{Tensor, activation::sigmoid};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, joined, sum_of};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// The last present modality, gated by the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GatedConfig {
    /// Width of the joined vector; that of the widest encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub width: Option<usize>,
}

impl Settings for GatedConfig {
    const NAME: &'static str = "gated";
    const SUMMARY: &'static str =
        "the last present modality times the sigmoid of the others; a single modality gates itself";
}

impl FusionSettings for GatedConfig {
    fn build(&self, widths: &[usize], _: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        Ok(Boxed::new(Gated::new(widths, joined(Self::NAME, self.width, widths)?, init)))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: false }
    }
}

/// `mean over m of sigmoid(h_m) * h_s` with `h_m = W_m z_m + b_m`, where `s`
/// is the last present modality and `m` runs over the present ones before it.
///
/// Two modalities give the x-gate of the OGM-GE and DGL code,
/// `sigmoid(h_1) * h_2`, whose output layer is our head. Several gates are
/// averaged, not multiplied: a product of sigmoids fades with their number.
///
/// A single modality gates itself, `sigmoid(h) * h`, as in the DGL code: with a
/// zero-filled signal its gradient would be exactly zero at the start.
/// The released fusion cuts the graph after `h_m`, so that these layers never
/// learn; here they belong to the fusion and do.
///
/// Limits: not symmetric; the order of the modalities says who is gated.
#[derive(Module, Debug)]
pub struct Gated {
    /// One for each modality, all to the same width.
    pub layers: Vec<Linear>,
}

impl Gated {
    /// For features of the given widths, joined in `width` numbers.
    pub fn new(widths: &[usize], width: usize, init: &Init) -> Self {
        let layer = |(i, &from)| Linear::new(from, width, &init.part(format_args!("layers.{i}")));
        Self { layers: widths.iter().enumerate().map(layer).collect() }
    }
}

impl Fusion for Gated {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let there = self.layers.iter().zip(features).filter_map(|(layer, z)| Some((layer, z.clone()?)));
        let mut gates: Vec<Tensor<2>> = there.map(|(layer, z)| layer.forward(z)).collect();
        let signal = gates.pop().expect("a term has at least one modality");
        if gates.is_empty() {
            gates.push(signal.clone());
        }
        let count = gates.len() as f64;
        head(sum_of(gates.into_iter().map(sigmoid)).div_scalar(count) * signal)
    }

    fn width(&self) -> usize {
        self.layers[0].outputs()
    }
}
