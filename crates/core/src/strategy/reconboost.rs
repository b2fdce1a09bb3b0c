//! ReconBoost: boosting over modalities. In a stage one modality's learner
//! fits what the others still miss; then all are corrected together.
//!
//! ```text
//! stage t, m = t mod M, each phase from a fresh optimizer:
//! 1. W[aux(m), all it reaches] = 1,  loss = mean (w1 - w2 q_y) (-log softmax(f_m)[y]) / K,  q = softmax(F_others)
//!    [+ agreement KL(softmax f_prev || softmax f_m), constant f_prev]
//! 2. W[full, all] = 1,  cross-entropy of the ensemble
//! ```
//!
//! Source: Hua et al., ICML 2024, as in methods 4.10. The aux row is the
//! learner itself, without the ensemble's rate. The authors' agreement term is
//! detached on both sides and has no gradient, so it is left out; `agreement`
//! is the paper's term with its sign exposed. A sample without the other
//! modalities has q_y = 1, as the authors' empty ensemble gives.
//! Budget: `learner_epochs` + `ensemble_epochs` a stage out of the run's epochs
//! (authors: 4 + 4, up to 1001 stages, from pre-trained encoders).
//! Cost: 1/M + 1 joint epochs for each pair. Limits: additive fusion,
//! classification.

use std::collections::BTreeMap;

use burn::tensor::{Int, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::{ModelFacts, Moment, Strategy};
use crate::Error;
use crate::grad::{Phase, Routing, Row, RowOutput, Seen};
use crate::math::probability::log_softmax;
use crate::modality::{Modalities, Modality};
use crate::task::{Task, TaskKind};

/// Settings of [`ReconBoost`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReconBoostConfig {
    /// Weight of a sample that the others miss. Default 5.
    pub w1: f64,
    /// What of it is taken away by the others' probability of the truth. Default 1.
    pub w2: f64,
    /// Epochs of one modality's learner in a stage. Default 1.
    pub learner_epochs: usize,
    /// Epochs of the whole ensemble in a stage. Default 1.
    pub ensemble_epochs: usize,
    /// Weight of the agreement with the learner of the stage before; negative
    /// asks for disagreement. Default 0.
    pub agreement: f64,
}

impl Default for ReconBoostConfig {
    fn default() -> Self {
        Self { w1: 5.0, w2: 1.0, learner_epochs: 1, ensemble_epochs: 1, agreement: 0.0 }
    }
}

/// Alternates between one modality and the ensemble.
#[derive(Clone, Debug)]
pub struct ReconBoost {
    config: ReconBoostConfig,
    modalities: usize,
}

impl ReconBoost {
    /// From its settings.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(config: &ReconBoostConfig, modalities: &Modalities) -> Result<Self, Error> {
        super::registry::at_least_zero("strategy.w1", config.w1)?;
        super::registry::at_least_zero("strategy.w2", config.w2)?;
        if config.w2 > config.w1 {
            return Err(Error::config(format!(
                "strategy.w2 = {}: expected at most w1 = {}, or a loss would be climbed",
                config.w2, config.w1
            )));
        }
        if !config.agreement.is_finite() {
            return Err(Error::config(format!(
                "strategy.agreement = {}: expected a number",
                config.agreement
            )));
        }
        for (key, epochs) in
            [("learner_epochs", config.learner_epochs), ("ensemble_epochs", config.ensemble_epochs)]
        {
            if epochs == 0 {
                return Err(Error::config(format!("strategy.{key} = 0: expected at least 1 epoch")));
            }
        }
        Ok(Self { config: config.clone(), modalities: modalities.len() })
    }

    /// Stage, and epoch within it.
    fn stage(&self, epoch: usize) -> (usize, usize) {
        let length = self.config.learner_epochs + self.config.ensemble_epochs;
        (epoch / length, epoch % length)
    }

    /// The ensemble without one modality, if anything is left.
    fn others(&self, m: Modality) -> Option<Row> {
        let rest = Row::Full.present(self.modalities).without(m);
        (rest.count() > 0).then(|| Row::showing(rest, self.modalities))
    }
}

/// `(w1 - w2 q_y) / K` for each sample.
fn weights(others: &[Option<Vec<f64>>], classes: &[usize], outputs: usize, w1: f64, w2: f64) -> Vec<f32> {
    let truth = |(scores, &class): (&Option<Vec<f64>>, &usize)| match scores {
        Some(scores) => log_softmax(scores)[class].exp(),
        None => 1.0,
    };
    others.iter().zip(classes).map(truth).map(|q| ((w1 - w2 * q) / outputs as f64) as f32).collect()
}

impl Strategy for ReconBoost {
    fn phases(&self, at: Moment, _modalities: &Modalities) -> Vec<Phase> {
        let (stage, epoch) = self.stage(at.epoch);
        let begins = epoch == 0 || epoch == self.config.learner_epochs;
        let phase = if epoch < self.config.learner_epochs {
            let m = Modality(stage % self.modalities);
            let before = (stage > 0 && self.modalities > 1 && self.config.agreement != 0.0)
                .then(|| Row::Aux(Modality((stage - 1) % self.modalities)));
            Phase::of([Row::Aux(m)]).probing(self.others(m).into_iter().chain(before).collect::<Vec<_>>())
        } else {
            Phase::of([Row::Full])
        };
        vec![phase.freshly(begins && at.batch == 0)]
    }

    fn loss(
        &self,
        row: Row,
        output: &RowOutput,
        earlier: &BTreeMap<Row, RowOutput>,
        task: &dyn Task,
    ) -> Tensor<1> {
        let scores = output.scores.clone();
        let (Row::Aux(m), Some(classes)) = (row, output.targets.classes()) else {
            return task.loss(scores, &output.targets);
        };
        let [count, outputs] = scores.dims();
        let others = self.others(m).and_then(|row| earlier.get(&row));
        let others = others.map_or_else(|| vec![None; count], |others| others.scores_of(&output.samples));
        let weights = weights(&others, classes, outputs, self.config.w1, self.config.w2);
        let weights = Tensor::<1>::from_data(TensorData::new(weights, [count]), &scores.device());
        let loss = (task.losses(scores.clone(), &output.targets) * weights).mean();
        let before = earlier.iter().find(|(row, _)| matches!(row, Row::Aux(other) if *other != m));
        match before.and_then(|(_, before)| divergence(before, output)) {
            Some(divergence) => loss + divergence.mul_scalar(self.config.agreement),
            None => loss,
        }
    }

    fn route(&mut self, seen: &Seen<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        Ok(seen.losses.keys().fold(Routing::default(), |w, &row| w.to_all(row, 1.0, modalities)))
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        ModelFacts::require(
            facts.additive,
            "reconboost",
            "an additive fusion, because the fused scores must be a sum of one learner for each modality",
        )?;
        facts.require_task(
            &[TaskKind::Classification],
            "reconboost",
            "samples are weighted by the probability of the true class",
        )
    }
}

/// Mean `KL(softmax before || softmax now)` on the samples that both serve;
/// `before` is constant.
fn divergence(before: &RowOutput, now: &RowOutput) -> Option<Tensor<1>> {
    let scores = before.scores_of(&now.samples);
    let places: Vec<i64> = (0..scores.len()).filter(|&i| scores[i].is_some()).map(|i| i as i64).collect();
    let log_p: Vec<f64> = scores.iter().flatten().flat_map(|s| log_softmax(s)).collect();
    if places.is_empty() {
        return None;
    }
    let (count, outputs, device) = (places.len(), now.scores.dims()[1], now.scores.device());
    let tensor =
        |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [count, outputs]), &device);
    let p = tensor(log_p.iter().map(|v| v.exp() as f32).collect());
    let log_p = tensor(log_p.into_iter().map(|v| v as f32).collect());
    let index = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device);
    let log_q = activation::log_softmax(now.scores.clone().select(0, index), 1);
    Some((p * (log_p - log_q)).sum_dim(1).mean())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{host, scalar};
    use crate::task::Classification;
    use burn::tensor::Device;
    use counterpoint_batch::Targets;

    #[test]
    fn weights_fall_as_the_others_know() {
        let weigh = |top: f64| weights(&[Some(vec![top, 0.0, 0.0])], &[0], 3, 5.0, 1.0)[0];
        let q = 1f64.exp() / (1f64.exp() + 2.0);
        assert!((f64::from(weigh(1.0)) - (5.0 - q) / 3.0).abs() < 1e-6);
        assert!(weigh(0.0) > weigh(1.0) && weigh(1.0) > weigh(5.0));
        // Nobody else: the authors' one-column softmax, q_y = 1.
        assert!((weights(&[None], &[0], 3, 5.0, 1.0)[0] - 4.0 / 3.0).abs() < 1e-6);
    }

    /// Loss of modality 0 on one sample, and its gradient at the scores.
    fn learner(config: ReconBoostConfig, probes: &[(Row, [f32; 3])]) -> (f64, Vec<f32>) {
        let task = Classification::new(3);
        let of = |scores: Tensor<2>| RowOutput {
            scores,
            features: Vec::new(),
            targets: Targets::Classes(vec![0]),
            samples: vec![4],
        };
        let tensor = |values: [f32; 3], device: &Device| Tensor::<2>::from_data([values], device);
        let device = Device::flex();
        let earlier = probes.iter().map(|(row, f)| (*row, of(tensor(*f, &device)))).collect();
        let f = tensor([0.2, 0.1, -0.3], &device.autodiff()).require_grad();
        let names = Modalities::new(["a", "b"]).unwrap();
        let boost = ReconBoost::new(&config, &names).unwrap();
        let loss = boost.loss(Row::Aux(Modality(0)), &of(f.clone()), &earlier, &task);
        let gradient = f.grad(&loss.clone().backward()).unwrap();
        (scalar(loss), host(gradient))
    }

    #[test]
    fn the_learners_loss_by_hand() {
        let others = (Row::Solo(Modality(1)), [1.0, 0.0, 0.0]);
        let (loss, gradient) = learner(ReconBoostConfig::default(), &[others]);
        assert!((loss - 1.357878).abs() < 1e-6, "{loss}");
        for (got, want) in gradient.iter().zip([-0.887447, 0.531303, 0.356143]) {
            assert!((got - want).abs() < 1e-6, "{gradient:?}");
        }
        // The learner before: nothing without `agreement`, pulled towards with it.
        let before = (Row::Aux(Modality(1)), [0.0, 2.0, 0.0]);
        assert_eq!(learner(ReconBoostConfig::default(), &[others, before]).1, gradient);
        let agreeing = ReconBoostConfig { agreement: 0.5, ..ReconBoostConfig::default() };
        let (_, pulled) = learner(agreeing, &[others, before]);
        assert!(pulled[1] < gradient[1] && pulled[0] > gradient[0]);
    }

    #[test]
    fn stages_alternate_between_modalities_and_start_fresh() {
        let names = Modalities::new(["a", "b"]).unwrap();
        let config = ReconBoostConfig { learner_epochs: 2, ..ReconBoostConfig::default() };
        let boost = ReconBoost::new(&config, &names).unwrap();
        let phase = |epoch, batch| {
            let at = Moment { epoch, epochs: 12, batch, batches: 4, seed: 0 };
            boost.phases(at, &names).remove(0)
        };
        let rows: Vec<Row> = (0..6).map(|epoch| phase(epoch, 0).rows[0]).collect();
        let [a, b] = [Row::Aux(Modality(0)), Row::Aux(Modality(1))];
        assert_eq!(rows, [a, a, Row::Full, b, b, Row::Full]);
        let fresh: Vec<bool> = (0..6).map(|epoch| phase(epoch, 0).fresh).collect();
        assert_eq!(fresh, [true, false, true, true, false, true]);
        assert!(!phase(0, 1).fresh);
        assert_eq!(phase(3, 0).probes, [Row::Solo(Modality(0))]);
    }
}
