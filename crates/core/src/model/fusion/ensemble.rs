//! One head reads every modality by itself; the scores are fused.

use burn::module::{Module, Param};
use burn::tensor::{
    Tensor,
    activation::{log_softmax, softmax},
};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Combine, Fusion, FusionFacts, FusionSettings, Output, Read, sum_of};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::Init;
use crate::model::Boxed;

/// One head reads each single modality; their scores are combined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EnsembleConfig {
    /// How scores are combined: `mean`, `entropy`, `sum`, or a list of weights
    /// in the order of the modalities.
    pub weights: Combine,
    /// Multiplies the combined scores by a trainable number that starts at 1.
    pub rate: bool,
}

impl Settings for EnsembleConfig {
    const NAME: &'static str = "ensemble";
    const SUMMARY: &'static str =
        "one head reads every modality; scores are averaged, weighted by entropy or a list, or added";
}

impl FusionSettings for EnsembleConfig {
    fn build(&self, widths: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        Ok(Boxed::new(Ensemble::new(widths, outputs, self.weights, self.rate, init)?))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts {
            output: Output::Each,
            additive: self.weights == Combine::Sum,
            symmetric: !matches!(self.weights, Combine::Fixed(_)),
        }
    }
}

/// `rate * sum_m w_m f(z_m)`, where `f` is the head that all modalities share
/// and `m` runs over the present ones.
///
/// - MLA (Zhang et al., CVPR 2024): a linear head, `weights = "entropy"`. The
///   released code takes the softmax over the batch; here every sample has its
///   own weights. `weights = [0.35, 0.25, 0.4]` are its fixed ones for audio,
///   visual and text; where a modality is absent, the others' are scaled up.
/// - ReconBoost (Hua et al., ICML 2024): head `mlp` of 256 hidden units with
///   `relu`, `weights = "sum"`, `rate = true`.
///
/// A single modality has weight 1, so a unimodal term trains `f` directly. The
/// rate belongs to the fusion's group; [`LossTerm::Auxiliary`](crate::step::LossTerm::Auxiliary) is
/// `f(z_m)` without it, one learner of a boosted ensemble.
///
/// Limits: all encoders have one width; entropies need at least two scores. If
/// the fused term trains, gradients also flow through the entropies.
#[derive(Module, Debug)]
pub struct Ensemble {
    rate: Option<Param<Tensor<1>>>,
    width: usize,
    #[module(skip)]
    weights: Combine,
}

impl Ensemble {
    /// For features of the given widths and `outputs` scores.
    ///
    /// # Errors
    /// If the widths differ, or an entropy is asked of one score.
    pub fn new(
        widths: &[usize],
        outputs: usize,
        weights: Combine,
        rate: bool,
        init: &Init,
    ) -> Result<Self, Error> {
        if widths.iter().any(|w| *w != widths[0]) {
            return Err(Error::shape(format!(
                "fusion `ensemble` reads every modality with one head and needs encoders of equal width, \
                 got {widths:?}"
            )));
        }
        if let Combine::Fixed(shares) = weights
            && shares.values().len() != widths.len()
        {
            return Err(Error::config(format!(
                "fusion `ensemble`: weights = {shares:?} has {} numbers: expected one for each of {} modalities",
                shares.values().len(),
                widths.len()
            )));
        }
        if weights == Combine::Entropy && outputs < 2 {
            return Err(Error::config(format!(
                "fusion `ensemble`: weights = \"entropy\" needs at least 2 classes, the task has {outputs} output"
            )));
        }
        Ok(Self { rate: rate.then(|| init.constant("rate", [1], 1.0)), width: widths[0], weights })
    }
}

impl Fusion for Ensemble {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let scores: Vec<Tensor<2>> = features.iter().flatten().map(|z| head(z.clone())).collect();
        let count = scores.len();
        let combined = match self.weights {
            Combine::Entropy if count > 1 => {
                let weights = softmax(Tensor::cat(scores.iter().map(certainty).collect(), 1), 1);
                sum_of(scores.into_iter().zip(weights.chunk(count, 1)).map(|(f, w)| f * w))
            }
            Combine::Sum => sum_of(scores),
            Combine::Fixed(shares) => {
                let there = features.iter().zip(shares.values()).filter(|(z, _)| z.is_some());
                let weights: Vec<f64> = there.map(|(_, &weight)| weight).collect();
                let sum: f64 = weights.iter().sum();
                sum_of(scores.into_iter().zip(weights).map(|(f, weight)| f.mul_scalar(weight / sum)))
            }
            Combine::Mean | Combine::Entropy => sum_of(scores).div_scalar(count as f64),
        };
        match &self.rate {
            Some(rate) => combined * rate.val().unsqueeze(),
            None => combined,
        }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn unimodal(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        head(features.iter().flatten().next().expect("a term has at least one modality").clone())
    }
}

/// `-H(softmax(scores))` in nats, `[batch, 1]`.
fn certainty(scores: &Tensor<2>) -> Tensor<2> {
    let log = log_softmax(scores.clone(), 1);
    (log.clone().exp() * log).sum_dim(1)
}
