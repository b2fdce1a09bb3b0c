//! OGM and OGM-GE: a modality that is surer of the truth than the others gets
//! its encoder's gradient damped at every step; GE adds noise of the
//! gradient's own size to make up for the lost variance.
//!
//! ```text
//! s_m = mean softmax(half_m)[y],  rho_m = s_m / mean_{j != m} s_j
//! k_m = 1 - tanh(alpha rho_m) if rho_m > 1, else 1
//! g <- k_m g  [+ N(0, (std g + 1e-8)^2)]        half_m = scores of aux(m): the modality's own term
//! ```
//!
//! Source: Peng et al., CVPR 2022; docs/methods.md, "OGM and OGM-GE"; more than two modalities
//! by the mean of the others, which for two is the paper's ratio. The own term
//! is the authors': `W_m z_m + b / M` of a linear head on concatenated features,
//! `W_m z_m + b_m` with its whole bias under fusion `sum` (main.py, training;
//! their evaluation halves that bias). `scores = "zero-fill"` serves every
//! fusion that is not additive. As in the authors' code only 4-D weights are touched by
//! default, and noise goes to every encoder, damped or not.
//! The own term is also how the method reads a single modality, besides zero-filling.
//! In segmentation s_m is the mean over valid pixels.
//! Cost: joint plus one small forward pass per modality. Limits: classes to be sure of; a
//! batch without a complete sample is left as it is. With alpha 0, without noise
//! or outside its epochs this is joint training.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::noise::noisy;
use super::range::at_least_zero;
use super::{ModelFacts, Native, Stat, Strategy, StrategySettings, Tensors, UnimodalQuery};
use crate::Error;
use crate::math::probability::mean;
use crate::math::random::Random;
use crate::modality::{Modalities, Modality};
use crate::step::Position;
use crate::step::{Gradients, Group, Groups, LossTerm, Phase, Routing, StepOutputs, StepRecord, TermOutput};
use crate::task::TaskKind;

/// Which scores measure the confidence of a modality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scores {
    /// The modality's own term with its part of the bias; additive fusions only.
    #[default]
    HalfBias,
    /// The unimodal output of the model (zeros for the other modalities).
    ZeroFill,
}

impl Scores {
    /// The term that gives them.
    fn term(self, m: Modality) -> LossTerm {
        match self {
            Self::HalfBias => LossTerm::Auxiliary(m),
            Self::ZeroFill => LossTerm::Unimodal(m),
        }
    }
}

/// Settings of [`Ogm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OgmConfig {
    /// Strength of the damping. The authors use 0.8 for CREMA-D and 0.1 for VGGSound.
    #[schemars(range(min = 0))]
    pub alpha: f64,
    /// Adds noise (OGM-GE).
    pub ge: bool,
    /// Which tensors are modulated.
    pub tensors: Tensors,
    /// Which scores are compared.
    pub scores: Scores,
    /// First epoch with modulation.
    pub from: usize,
    /// Last epoch with modulation.
    pub until: usize,
}

impl Default for OgmConfig {
    fn default() -> Self {
        let (tensors, scores) = (Tensors::default(), Scores::default());
        Self { alpha: 0.8, ge: true, tensors, scores, from: 0, until: 50 }
    }
}

impl Settings for OgmConfig {
    const NAME: &'static str = "ogm";
    const SUMMARY: &'static str =
        "damps the encoder of the dominant modality; with noise of the gradient's size (OGM-GE)";
}

impl StrategySettings for OgmConfig {
    fn build(&self, _modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(Ogm::new(self)?))
    }

    fn is_symmetric(&self) -> bool {
        !self.ge
    }
}

/// Damps the encoder of the modality that is ahead.
#[derive(Clone, Debug)]
pub struct Ogm {
    config: OgmConfig,
    /// Of the step that is being made; empty outside the window.
    coefficients: Vec<f64>,
    score: Vec<f64>,
    rho: Vec<f64>,
}

impl Ogm {
    /// From its settings.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(config: &OgmConfig) -> Result<Self, Error> {
        at_least_zero("strategy.alpha", config.alpha)?;
        if config.from > config.until {
            return Err(Error::config(format!(
                "strategy.from = {} is after strategy.until = {}: expected at most strategy.until",
                config.from, config.until
            )));
        }
        Ok(Self { config: config.clone(), coefficients: Vec::new(), score: Vec::new(), rho: Vec::new() })
    }

    fn active(&self, at: Position) -> bool {
        (self.config.from..=self.config.until).contains(&at.epoch)
    }
}

/// Mean probability of the truth for each modality, on the complete samples.
fn confidence(outputs: &StepOutputs<'_>, modalities: &Modalities, scores: Scores) -> Option<Vec<f64>> {
    let fused = outputs.output(LossTerm::Fused)?;
    let own = modalities.iter().map(|m| outputs.output(scores.term(m))).collect::<Option<Vec<_>>>()?;
    // With zero-filled samples the fused term has others, too.
    let complete = |sample: &&usize| own.iter().all(|own| own.samples.binary_search(sample).is_ok());
    let samples: Vec<usize> = fused.samples.iter().filter(complete).copied().collect();
    if samples.is_empty() {
        return None;
    }
    let places: Vec<usize> =
        samples.iter().map(|sample| fused.samples.binary_search(sample).ok()).collect::<Option<_>>()?;
    let targets = fused.targets.pick(&places);
    own.iter().map(|own| outputs.task.confidence(own.scores_at(&samples)?, &targets)).collect()
}

/// Every score relative to the mean of the others.
fn ratios(scores: &[f64]) -> Vec<f64> {
    let others = |m: usize| {
        let of = scores.iter().enumerate().filter(|(j, _)| *j != m).map(|(_, s)| *s);
        mean(&of.collect::<Vec<_>>())
    };
    scores.iter().enumerate().map(|(m, s)| if scores.len() == 1 { 1.0 } else { s / others(m) }).collect()
}

/// What the gradient of a modality with this ratio is multiplied by.
fn coefficient(rho: f64, alpha: f64) -> f64 {
    if rho > 1.0 { 1.0 - (alpha * rho).tanh() } else { 1.0 }
}

impl Strategy for Ogm {
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase> {
        let joint = Phase::of([LossTerm::Fused]);
        let probes = || modalities.iter().map(|m| self.config.scores.term(m)).collect::<Vec<_>>();
        vec![if self.active(at) { joint.probing(probes()) } else { joint }]
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let active = self.active(outputs.at);
        self.score =
            confidence(outputs, modalities, self.config.scores).filter(|_| active).unwrap_or_default();
        self.rho = ratios(&self.score);
        self.coefficients = self.rho.iter().map(|&rho| coefficient(rho, self.config.alpha)).collect();
        Ok(Routing::default().to_all(LossTerm::Fused, 1.0, modalities))
    }

    fn shape(&mut self, _ledger: &StepRecord, gradients: &mut Gradients, groups: &Groups, at: Position) {
        for (position, parameter) in groups.parameters().iter().enumerate() {
            let Group::Encoder(m) = parameter.group else { continue };
            let (Some(&k), true) = (self.coefficients.get(m.0), self.config.tensors.has(parameter)) else {
                continue;
            };
            let Some(gradient) = gradients.remove(position) else { continue };
            gradients.set(
                position,
                Some(if self.config.ge {
                    noisy(
                        gradient,
                        k,
                        1.0,
                        &mut Random::new(at.seed, &["ogm", &parameter.name, &at.iteration().to_string()]),
                    )
                } else {
                    gradient.mul_scalar(k)
                }),
            );
        }
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        let admitted = [TaskKind::Classification, TaskKind::Segmentation];
        facts.require_task(&admitted, "ogm", "it compares probabilities of the true class")?;
        ModelFacts::require(
            facts.additive || self.config.scores == Scores::ZeroFill,
            "ogm",
            "an additive fusion for half-bias scores; set strategy.scores = \"zero-fill\" for this one",
        )?;
        self.config.tensors.check(facts, "ogm")
    }

    fn native(&self) -> Option<&dyn Native> {
        (self.config.scores == Scores::HalfBias).then_some(self)
    }

    fn stats(&self) -> Vec<Stat> {
        let figures = Stat::each("score", &self.score).chain(Stat::each("rho", &self.rho));
        figures.chain(Stat::each("k", &self.coefficients)).collect()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("score", "mean probability of the truth by the modality's own term"),
            ("rho", "score over the mean score of the others"),
            ("k", "factor on the encoder's gradient"),
        ]
    }
}

impl Native for Ogm {
    fn name(&self) -> &'static str {
        "half bias"
    }

    fn is_trained(&self) -> bool {
        false
    }

    fn terms(&self, unimodal: UnimodalQuery) -> Vec<LossTerm> {
        vec![self.config.scores.term(unimodal.modality)]
    }

    fn scores(&self, unimodal: UnimodalQuery, outputs: &BTreeMap<LossTerm, TermOutput>) -> Option<Tensor<2>> {
        Some(outputs.get(&self.config.scores.term(unimodal.modality))?.scores.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_by_hand() {
        assert!((coefficient(1.5, 0.8) - 0.166345).abs() < 1e-6);
        assert!((coefficient(1.5, 0.1) - 0.851115).abs() < 1e-6);
        assert_eq!((coefficient(1.0, 0.8), coefficient(0.2, 0.8)), (1.0, 1.0));
    }

    #[test]
    fn two_modalities_have_the_ratio_of_the_paper_and_one_is_never_damped() {
        assert_eq!(ratios(&[0.6, 0.3]), [2.0, 0.5]);
        assert!(
            ratios(&[0.6, 0.3, 0.1])
                .iter()
                .zip([3.0, 0.3 / 0.35, 0.1 / 0.45])
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
        assert_eq!(ratios(&[0.9]), [1.0]);
    }
}
