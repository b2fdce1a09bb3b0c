//! Scores of the modalities, added.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, sum_of, zero_fill};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// A linear layer for each modality; their outputs are added and are the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SumConfig {}

impl Settings for SumConfig {
    const NAME: &'static str = "sum";
    const SUMMARY: &'static str =
        "one linear layer per modality to the scores, added; absent modalities leave their bias";
}

impl FusionSettings for SumConfig {
    fn build(&self, widths: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        Ok(Boxed::new(Sum::new(widths, outputs, init)))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Scores, additive: true, symmetric: true }
    }
}

/// `sum_m (W_m z_m + b_m)`.
///
/// An absent modality is zero-filled and so keeps its bias: the released DGL
/// code drops the other biases in its unimodal path, which trains an encoder
/// against another function than the one that is evaluated.
#[derive(Module, Debug)]
pub struct Sum {
    /// One for each modality.
    pub layers: Vec<Linear>,
    widths: Vec<usize>,
}

impl Sum {
    /// One layer for each width, all to the same number of outputs.
    pub fn new(widths: &[usize], outputs: usize, init: &Init) -> Self {
        let layers = widths
            .iter()
            .enumerate()
            .map(|(i, &width)| Linear::new(width, outputs, &init.part(format_args!("layers.{i}"))))
            .collect();
        Self { layers, widths: widths.to_vec() }
    }
}

impl Fusion for Sum {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let filled = zero_fill(features, &self.widths);
        head(sum_of(self.layers.iter().zip(filled).map(|(layer, z)| layer.forward(z))))
    }

    /// `W_m z_m + b_m`: the modality's own term, with its whole bias and no other.
    fn unimodal(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let own = self.layers.iter().zip(features).filter_map(|(layer, z)| Some(layer.forward(z.clone()?)));
        head(sum_of(own))
    }

    fn width(&self) -> usize {
        self.layers[0].outputs()
    }
}
