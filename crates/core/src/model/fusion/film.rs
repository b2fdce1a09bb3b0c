//! One modality is scaled and shifted by the others.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, zero_fill};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// The last modality, scaled and shifted by the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilmConfig {}

impl Settings for FilmConfig {
    const NAME: &'static str = "film";
    const SUMMARY: &'static str =
        "the last modality scaled by 1 + gamma and shifted by beta, both from the others";
}

impl FusionSettings for FilmConfig {
    fn build(&self, widths: &[usize], _: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        Ok(Boxed::new(Film::new(widths, init)))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: false }
    }
}

/// `(1 + sum_m gamma_m) * z_M + sum_m beta_m` with
/// `(gamma_m, beta_m) = W_m z_m + b_m` for every modality but the last
/// (feature-wise linear modulation, Perez et al. 2018).
///
/// Absent modalities are zero-filled. The 1 keeps that from annihilating: the
/// last modality alone passes through, another alone speaks through its beta.
/// With `gamma * z_M` instead, the last modality would get no gradient at the
/// start. The "FiLM" of the DGL code is an outer product: see
/// [`Bilinear`](super::Bilinear).
///
/// Limits: not symmetric; the order of the modalities says who is modulated.
/// A single modality makes it the identity.
#[derive(Module, Debug)]
pub struct Film {
    /// To gamma and beta, one for each modality but the last.
    pub layers: Vec<Linear>,
    widths: Vec<usize>,
}

impl Film {
    /// For features of the given widths; the joined vector is as wide as the last.
    pub fn new(widths: &[usize], init: &Init) -> Self {
        let width = widths[widths.len() - 1];
        let layer = |(i, &from)| Linear::new(from, 2 * width, &init.part(format_args!("layers.{i}")));
        let layers = widths[..widths.len() - 1].iter().enumerate().map(layer).collect();
        Self { layers, widths: widths.to_vec() }
    }
}

impl Fusion for Film {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let mut filled = zero_fill(features, &self.widths);
        let signal = filled.pop().expect("a model has at least one modality");
        let modulations = self.layers.iter().zip(filled).map(|(layer, z)| layer.forward(z));
        head(match modulations.reduce(|sum, term| sum + term) {
            Some(sum) => {
                let [gamma, beta]: [Tensor<2>; 2] =
                    sum.chunk(2, 1).try_into().expect("the layers give two vectors of one width");
                signal.clone() + gamma * signal + beta
            }
            None => signal,
        })
    }

    fn width(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }
}
