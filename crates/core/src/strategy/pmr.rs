//! PMR: each modality keeps a prototype of every class, and the modalities
//! that recognise classes worse than the best one are pulled to theirs.
//!
//! ```text
//! sim_m = -sqrt(||z_m - P_m[k]||^2 + 1e-12),  s_m = mean softmax(sim_m)[y],  rho_m = max_j s_j / s_m
//! W[fused, all] = 1      W[aux(m), encoder m] = alpha if rho_m > 1 (hard),  alpha clip(rho_m - 1, 0, 1) (soft)
//! loss(aux(m)) = CE(sim_m, y)      P <- (1 - e) mean + e P after an epoch, P <- mean at the start and after the first
//! ```
//!
//! Source: Fan et al., CVPR 2023; docs/methods.md, "PMR"; `hard` is the authors'
//! code for two modalities, "all but the best" for more. Differs from it: the
//! prototypes come from the whole train split without augmentation, a class
//! without samples keeps its prototype (there: division by 0), the root is
//! protected. `entropy` adds the paper's regulariser, which the code lacks:
//! for the first epochs the best modality learns `-mu H(softmax sim)`.
//! A single modality is read by its prototypes, with sim_m as scores, besides
//! zero-filling (the authors print both); nothing is trained for that, so it
//! is not what comparisons read.
//! Cost: joint plus one evaluation pass over the train split per epoch.
//! Limits: classification. Scores are compared on complete samples, so a
//! batch without one trains nothing. With alpha 0 this is joint training.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, activation};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prototypes::{FAR, Prototypes};
use super::range::at_least_zero;
use super::{
    EpochTools, ModelFacts, Native, Split, Stat, Strategy, StrategySettings, StrategyState, UnimodalQuery,
};
use crate::Error;
use crate::host::host;
use crate::math::probability::log_softmax;
use crate::modality::{Modalities, Modality};
use crate::step::Position;
use crate::step::{Group, LossTerm, Phase, Routing, StepOutputs, TermOutput};
use crate::task::{Task, TaskKind};

/// How strongly a weaker modality is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// All but the best alike, as in the authors' code.
    #[default]
    Hard,
    /// By how much weaker it is.
    Soft,
}

/// Settings of [`Pmr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PmrConfig {
    /// Weight of the prototype loss.
    #[schemars(range(min = 0))]
    pub alpha: f64,
    /// How strongly a weaker modality is pulled.
    pub pull: Pull,
    /// Share of the old prototype that is kept.
    #[schemars(range(min = 0, max = 1))]
    pub keep: f64,
    /// Last epoch with prototypes.
    pub until: usize,
    /// Weight of the entropy regulariser; the paper has 0.01; 0 is off.
    #[schemars(range(min = 0))]
    pub entropy: f64,
    /// Epochs with the entropy regulariser.
    pub entropy_epochs: usize,
}

impl Default for PmrConfig {
    fn default() -> Self {
        Self { alpha: 1.0, pull: Pull::Hard, keep: 0.2, until: 100, entropy: 0.0, entropy_epochs: 10 }
    }
}

impl Settings for PmrConfig {
    const NAME: &'static str = "pmr";
    const SUMMARY: &'static str = "pulls the features of the weaker modalities towards class prototypes";
}

impl StrategySettings for PmrConfig {
    fn build(&self, _modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(Pmr::new(self)?))
    }

    fn needs_complete(&self) -> Option<&'static str> {
        Some("compares modalities on the samples of the fused loss")
    }
}

/// Pulls slow modalities to their class prototypes.
#[derive(Clone, Debug)]
pub struct Pmr {
    config: PmrConfig,
    prototypes: Vec<Prototypes>,
    epoch: usize,
    score: Vec<f64>,
    coefficient: Vec<f64>,
}

impl Pmr {
    /// From its settings.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(config: &PmrConfig) -> Result<Self, Error> {
        at_least_zero("strategy.alpha", config.alpha)?;
        at_least_zero("strategy.entropy", config.entropy)?;
        if !(0.0..1.0).contains(&config.keep) {
            return Err(Error::config(format!(
                "strategy.keep = {}: expected a number in [0, 1)",
                config.keep
            )));
        }
        let config = config.clone();
        Ok(Self { config, prototypes: Vec::new(), epoch: 0, score: Vec::new(), coefficient: Vec::new() })
    }

    fn measure(&mut self, keep: f64, tools: &mut dyn EpochTools) -> Result<(), Error> {
        let modalities = tools.modalities().clone();
        self.prototypes.resize(modalities.len(), Prototypes::default());
        for m in modalities.iter() {
            let measured = tools.features(Split::Train, m)?;
            self.prototypes[m.0].update(&measured, keep);
        }
        Ok(())
    }

    /// Mean probability of the truth by prototypes, for each modality of a term
    /// that shows all.
    fn scores(&self, fused: &TermOutput) -> Option<Vec<f64>> {
        let classes = fused.targets.classes()?;
        let score = |(m, prototypes): (usize, &Prototypes)| {
            let similarity = prototypes.similarity(fused.feature(Modality(m)));
            let width = similarity.dims()[1];
            let rows = host(similarity);
            let truth = rows.chunks_exact(width).zip(classes).map(|(row, &class)| {
                log_softmax(&row.iter().map(|&s| f64::from(s)).collect::<Vec<_>>())[class].exp()
            });
            truth.sum::<f64>() / classes.len() as f64
        };
        Some(self.prototypes.iter().enumerate().map(score).collect())
    }

    fn calms(&self) -> bool {
        self.config.entropy > 0.0 && self.epoch < self.config.entropy_epochs
    }
}

/// How much weaker each modality is than the best.
fn ratios(scores: &[f64]) -> Vec<f64> {
    let best = scores.iter().copied().fold(0.0, f64::max);
    scores.iter().map(|s| best / s).collect()
}

fn coefficient(rho: f64, alpha: f64, pull: Pull) -> f64 {
    match pull {
        Pull::Hard if rho > 1.0 => alpha,
        Pull::Hard => 0.0,
        Pull::Soft => alpha * (rho - 1.0).clamp(0.0, 1.0),
    }
}

impl Strategy for Pmr {
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase> {
        // Before the first measurement there is nothing to be pulled to.
        let pulls = !self.prototypes.is_empty() && at.epoch <= self.config.until;
        let aux = modalities.iter().filter(|_| pulls).map(LossTerm::Auxiliary);
        vec![Phase::of(std::iter::once(LossTerm::Fused).chain(aux).collect::<Vec<_>>())]
    }

    fn loss(
        &self,
        term: LossTerm,
        output: &TermOutput,
        earlier: &BTreeMap<LossTerm, TermOutput>,
        task: &dyn Task,
    ) -> Tensor<1> {
        let LossTerm::Auxiliary(m) = term else { return task.loss(output.scores.clone(), &output.targets) };
        let similarity = self.prototypes[m.0].similarity(output.feature(m));
        let scores =
            earlier.get(&LossTerm::Fused).filter(|_| self.calms()).and_then(|fused| self.scores(fused));
        match scores {
            Some(scores) if ratios(&scores)[m.0] <= 1.0 => {
                let log = activation::log_softmax(similarity, 1);
                (log.clone().exp() * log).sum_dim(1).mean()
            }
            _ => task.loss(similarity, &output.targets),
        }
    }

    fn receives(&self, term: LossTerm, group: Group) -> bool {
        match term {
            LossTerm::Auxiliary(m) => group == Group::Encoder(m),
            _ => true,
        }
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let pulled = modalities.iter().any(|m| outputs.output(LossTerm::Auxiliary(m)).is_some());
        let scores = outputs.output(LossTerm::Fused).filter(|_| pulled).and_then(|fused| self.scores(fused));
        self.score = scores.unwrap_or_default();
        let PmrConfig { alpha, pull, entropy, .. } = self.config;
        self.coefficient = ratios(&self.score).into_iter().map(|rho| coefficient(rho, alpha, pull)).collect();
        let mut w = Routing::default().to_all(LossTerm::Fused, 1.0, modalities);
        for (m, rho) in modalities.iter().zip(ratios(&self.score)) {
            let calmed = self.calms() && rho <= 1.0;
            w.set(
                LossTerm::Auxiliary(m),
                Group::Encoder(m),
                if calmed { entropy } else { self.coefficient[m.0] },
            );
        }
        Ok(w)
    }

    fn begin(&mut self, _at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        self.measure(0.0, tools)
    }

    fn epoch_end(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        self.epoch = at.epoch + 1;
        if at.epoch >= self.config.until {
            return Ok(());
        }
        self.measure(if at.epoch == 0 { 0.0 } else { self.config.keep }, tools)
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        facts.require_task(&[TaskKind::Classification], "pmr", "it keeps one prototype for each class")
    }

    fn native(&self) -> Option<&dyn Native> {
        Some(self)
    }

    fn stats(&self) -> Vec<Stat> {
        let rho = ratios(&self.score);
        let figures = Stat::each("score", &self.score).chain(Stat::each("rho", &rho));
        figures.chain(Stat::each("coefficient", &self.coefficient)).collect()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("score", "mean probability of the truth by the prototypes"),
            ("rho", "best score over the modality's"),
            ("coefficient", "weight of the loss of the prototypes"),
        ]
    }

    fn save(&self) -> StrategyState {
        let state = StrategyState::default().with("epoch", [1], vec![self.epoch as f64]);
        let names = self.prototypes.iter().enumerate();
        names.fold(state, |state, (m, p)| {
            let (classes, known) = (p.known.len(), p.known.iter().map(|&k| f64::from(u8::from(k))).collect());
            let width = p.values.len() / classes.max(1);
            state.with(format!("prototypes.{m}"), [classes, width], p.values.clone()).with(
                format!("known.{m}"),
                [classes],
                known,
            )
        })
    }

    fn restore(&mut self, state: &StrategyState) -> Result<(), Error> {
        self.epoch = state.get("epoch")?[0] as usize;
        self.prototypes.clear();
        while let Some((_, values)) = state.0.get(&format!("prototypes.{}", self.prototypes.len())) {
            let known = state.get(&format!("known.{}", self.prototypes.len()))?;
            let known = known.iter().map(|&k| k > 0.0).collect();
            self.prototypes.push(Prototypes { values: values.clone(), known });
        }
        Ok(())
    }
}

impl Native for Pmr {
    fn name(&self) -> &'static str {
        "prototypes"
    }

    fn is_trained(&self) -> bool {
        false
    }

    fn terms(&self, unimodal: UnimodalQuery) -> Vec<LossTerm> {
        vec![LossTerm::Unimodal(unimodal.modality)]
    }

    fn scores(&self, unimodal: UnimodalQuery, outputs: &BTreeMap<LossTerm, TermOutput>) -> Option<Tensor<2>> {
        let m = unimodal.modality;
        let (prototypes, output) = (self.prototypes.get(m.0)?, outputs.get(&LossTerm::Unimodal(m))?);
        let similarity = prototypes.similarity(output.feature(m));
        // The last classes may have no sample to train on, and so no prototype.
        let ([samples, classes], known) = (output.scores.dims(), prototypes.known.len());
        if known >= classes {
            return Some(similarity);
        }
        let unseen = Tensor::full([samples, classes - known], FAR, &similarity.device());
        Some(Tensor::cat(vec![similarity, unseen], 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_behind_are_pulled() {
        let rho = ratios(&[0.8, 0.4, 0.64]);
        let of = |pull| rho.iter().map(|&r| coefficient(r, 2.0, pull)).collect::<Vec<_>>();
        assert_eq!(of(Pull::Hard), [0.0, 2.0, 2.0]);
        assert!(of(Pull::Soft).iter().zip([0.0, 2.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
