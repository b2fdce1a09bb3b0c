//! AGM: the fused output is split into one Shapley response per modality, and
//! the gradient that enters a response is scaled by how far that modality's
//! dominance is from its running average.
//!
//! ```text
//! phi_m = sum_S a_mS F(S),  a_mS = w(|S| - 1) if m in S else -w(|S|),  w(s) = s! (M - s - 1)! / M!
//! S_m = mean -log softmax(phi_m)[y], else the task's loss of phi_m,  r_m = exp(M/(M-1) (mean_j S_j - S_m)),  t_m likewise from running means R
//! c_m = exp(alpha min(t_m - r_m, 10)),  then R_m <- R_m (n - 1)/n + S_m / n
//! W[S, all it reaches] = sum_m c_m a_mS,   loss(S) has the value of loss(fused) and the gradient d loss(fused)/dT at F(S)
//! ```
//!
//! Source: Li et al., ICCV 2023; docs/methods.md, "AGM". The phi add up to the
//! fused output T, so with all c = 1 this is joint training. Differs from the
//! authors' code: representations are zeroed instead of inputs (so encoders
//! run once), F(nothing) is not run, there is no clip, and after the optional
//! window c is 1 instead of staying at its last value. Epochs count from 0 and
//! theirs from 1: their `ends = 20` is `until = 19`. They go on averaging R after
//! the window, where nothing reads it any more; here it rests.
//! `detached = true` runs the subsets without gradient, which loses the
//! selectivity; it is there to show that.
//! The paper has classification; for the other tasks S_m is the loss of phi_m,
//! which is the same number but for the floor under probabilities.
//! phi_m is also how the method reads a single modality, besides zero-filling;
//! for a sample that lacks modalities S runs over the sets of those it has.
//! Cost: 2^M - 2 more passes through fusion and head. Limits: up to 6 modalities.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::at_least_zero;
use super::{Native, Stat, Strategy, StrategySettings, StrategyState, UnimodalQuery};
use crate::Error;
use crate::math::probability::mean;
use crate::modality::{Modalities, Modality, Present};
use crate::step::Position;
use crate::step::{LossTerm, Phase, Routing, StepOutputs, TermOutput};
use crate::task::Task;

/// Settings of [`Agm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgmConfig {
    /// Strength of the modulation.
    #[schemars(range(min = 0))]
    pub alpha: f64,
    /// Last epoch with modulation, counted from 0; joint training after it; never if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<usize>,
    /// Runs the subsets without gradient.
    pub detached: bool,
}

impl Default for AgmConfig {
    fn default() -> Self {
        Self { alpha: 1.0, until: None, detached: false }
    }
}

impl Settings for AgmConfig {
    const NAME: &'static str = "agm";
    const SUMMARY: &'static str =
        "scales each modality's Shapley share of the output's gradient by its dominance";
}

impl StrategySettings for AgmConfig {
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(Agm::new(self, modalities)?))
    }

    fn needs_complete(&self) -> Option<&'static str> {
        Some("compares what modalities add to the fused scores of complete samples")
    }
}

/// Scales each modality's share of the output's gradient.
#[derive(Clone, Debug)]
pub struct Agm {
    config: AgmConfig,
    /// R, the running means of S.
    running: Vec<f64>,
    /// Steps so far.
    steps: f64,
    surprise: Vec<f64>,
    factors: Vec<f64>,
}

impl Agm {
    /// From its settings.
    ///
    /// # Errors
    /// If a value is out of range or there are more than 6 modalities.
    pub fn new(config: &AgmConfig, modalities: &Modalities) -> Result<Self, Error> {
        at_least_zero("strategy.alpha", config.alpha)?;
        let count = modalities.len();
        if count > 6 {
            return Err(Error::config(format!(
                "strategy `agm` runs every subset of the modalities and takes up to 6 modalities, got {count}"
            )));
        }
        let (running, surprise, factors) = (vec![0.0; count], Vec::new(), Vec::new());
        Ok(Self { config: config.clone(), running, steps: 0.0, surprise, factors })
    }

    fn active(&self, at: Position) -> bool {
        self.running.len() > 1 && self.config.until.is_none_or(|until| at.epoch <= until)
    }
}

/// `a_mS`: what F(S) counts in the response of `m`.
fn share(m: Modality, subset: Present, modalities: usize) -> f64 {
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let weight = |s: usize| factorial(s) * factorial(modalities - s - 1) / factorial(modalities);
    if subset.has(m) { weight(subset.count() - 1) } else { -weight(subset.count()) }
}

/// `exp(M/(M-1) (mean - S_m))`: how much better than the mean.
fn dominance(surprise: &[f64]) -> Vec<f64> {
    let count = surprise.len() as f64;
    surprise.iter().map(|s| (count / (count - 1.0) * (mean(surprise) - s)).exp()).collect()
}

fn factors(surprise: &[f64], running: &[f64], alpha: f64) -> Vec<f64> {
    let pairs = dominance(running).into_iter().zip(dominance(surprise));
    pairs.map(|(usual, now)| (alpha * (usual - now).min(10.0)).exp()).collect()
}

/// Every subset with its term, the whole first: the others need its scores.
fn subsets(modalities: usize) -> impl Iterator<Item = (Present, LossTerm)> {
    let all = Present::all(modalities);
    let parts = all.subsets().filter(move |s| *s != all);
    std::iter::once(all).chain(parts).map(move |s| (s, LossTerm::showing(s, modalities)))
}

/// S: how far every modality's response is from the truth, on the complete samples.
fn surprises(outputs: &StepOutputs<'_>, modalities: &Modalities) -> Option<Vec<f64>> {
    let (fused, count) = (outputs.output(LossTerm::Fused)?, modalities.len());
    let scores = subsets(count)
        .map(|(subset, term)| Some((subset, outputs.output(term)?.scores_at(&fused.samples)?)))
        .collect::<Option<Vec<_>>>()?;
    let response = |m| {
        let parts = scores.iter().map(|(subset, of)| of.clone().mul_scalar(share(m, *subset, count)));
        parts.reduce(|sum, part| sum + part)
    };
    modalities.iter().map(|m| Some(outputs.task.surprise(response(m)?, &fused.targets))).collect()
}

impl Strategy for Agm {
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase> {
        let parts = || subsets(modalities.len()).skip(1).map(|(_, term)| term);
        vec![match (self.active(at), self.config.detached) {
            (false, _) => Phase::of([LossTerm::Fused]),
            (true, false) => Phase::of(std::iter::once(LossTerm::Fused).chain(parts()).collect::<Vec<_>>()),
            (true, true) => Phase::of([LossTerm::Fused]).probing(parts().collect::<Vec<_>>()),
        }]
    }

    fn loss(
        &self,
        term: LossTerm,
        output: &TermOutput,
        earlier: &BTreeMap<LossTerm, TermOutput>,
        task: &dyn Task,
    ) -> Tensor<1> {
        let scores = output.scores.clone();
        let (true, Some(fused)) = (term != LossTerm::Fused, earlier.get(&LossTerm::Fused)) else {
            return task.loss(scores, &output.targets);
        };
        // The value of T with the gradient of F(S), on the samples that have a T.
        let Some(part) = output.scores_at(&fused.samples) else {
            return task.loss(scores, &output.targets);
        };
        // Scores of earlier terms have no graph.
        let value = Tensor::from_inner(fused.scores.clone());
        task.loss(value + (part.clone() - part.detach()), &fused.targets)
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let count = modalities.len();
        (self.surprise, self.factors) = (Vec::new(), vec![1.0; count]);
        let mut terms: Vec<_> = subsets(count).take(1).collect();
        if self.active(outputs.at)
            && let Some(surprise) = surprises(outputs, modalities)
        {
            self.factors = factors(&surprise, &self.running, self.config.alpha);
            self.steps += 1.0;
            for (running, now) in self.running.iter_mut().zip(&surprise) {
                *running += (now - *running) / self.steps;
            }
            self.surprise = surprise;
            terms.extend(subsets(count).skip(1).filter(|_| !self.config.detached));
        }
        Ok(terms.into_iter().fold(Routing::default(), |w, (subset, term)| {
            let weight = modalities.iter().map(|m| self.factors[m.0] * share(m, subset, count)).sum();
            w.to_all(term, weight, modalities)
        }))
    }

    fn native(&self) -> Option<&dyn Native> {
        Some(self)
    }

    fn stats(&self) -> Vec<Stat> {
        Stat::each("S", &self.surprise).chain(Stat::each("c", &self.factors)).collect()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("S", "mean surprise of the modality's Shapley response"),
            ("c", "factor on the gradient of the modality's response"),
        ]
    }

    fn save(&self) -> StrategyState {
        let running = self.running.clone();
        StrategyState::default().with("running", [running.len()], running).with(
            "steps",
            [1],
            vec![self.steps],
        )
    }

    fn restore(&mut self, state: &StrategyState) -> Result<(), Error> {
        self.running = state.get("running")?.to_vec();
        self.steps = state.get("steps")?[0];
        Ok(())
    }
}

impl Native for Agm {
    fn name(&self) -> &'static str {
        "mono response"
    }

    fn is_trained(&self) -> bool {
        false
    }

    fn terms(&self, unimodal: UnimodalQuery) -> Vec<LossTerm> {
        unimodal.present.subsets().map(|subset| LossTerm::showing(subset, unimodal.modalities)).collect()
    }

    fn scores(&self, unimodal: UnimodalQuery, outputs: &BTreeMap<LossTerm, TermOutput>) -> Option<Tensor<2>> {
        let parts = outputs.iter().map(|(term, output)| {
            let shown = term.present(unimodal.modalities);
            let weight = share(unimodal.modality, shown, unimodal.present.count());
            output.scores.clone().mul_scalar(weight)
        });
        parts.reduce(|sum, part| sum + part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_by_hand() {
        let near = |got: &[f64], want: &[f64]| got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-6);
        assert!(near(&dominance(&[0.5, 1.0]), &[1.648721, 0.606531]));
        assert!(near(&dominance(&[0.8, 0.9]), &[1.105171, 0.904837]));
        assert!(near(&factors(&[0.5, 1.0], &[0.8, 0.9], 1.0), &[0.580683, 1.347575]));
    }

    #[test]
    fn responses_of_any_number_of_modalities_add_up_to_the_output() {
        for count in 1..=6 {
            let names = Modalities::new((0..count).map(|m| m.to_string())).unwrap();
            for (subset, term) in subsets(count) {
                let sum: f64 = names.iter().map(|m| share(m, subset, count)).sum();
                let expected = if term == LossTerm::Fused { 1.0 } else { 0.0 };
                assert!((sum - expected).abs() < 1e-12, "{count} {subset:?}");
            }
        }
    }

    #[test]
    fn shares_of_three_by_hand() {
        // phi_A = (AVT - VT)/3 + (AV - V + AT - T)/6 + A/3.
        let of = |members: &[usize]| Present::of(members.iter().map(|&m| Modality(m)));
        let shares =
            [(&[0, 1, 2][..], 1.0 / 3.0), (&[1, 2], -1.0 / 3.0), (&[0, 1], 1.0 / 6.0), (&[1], -1.0 / 6.0)];
        for (members, want) in shares.into_iter().chain([(&[0][..], 1.0 / 3.0)]) {
            assert!((share(Modality(0), of(members), 3) - want).abs() < 1e-12);
        }
    }
}
