//! ReconBoost: boosting over modalities. In a stage one modality's learner
//! fits what the others still miss; then all are corrected together.
//!
//! ```text
//! stage t, m = order[t mod M], each phase from a fresh optimizer, in an ensemble E of learners:
//! 1. W[aux(m), all it reaches] = 1,  loss = mean (w1 - w2 q_y) (-log softmax(f_m)[y]) / K,  q = softmax(F of E without m)
//!    [+ agreement KL(softmax f_prev || softmax f_m), constant f_prev]
//! 2. m joins E;  W[E, all] = 1,  cross-entropy of E
//! ```
//!
//! Source: Hua et al., ICML 2024; docs/methods.md, "ReconBoost". The aux term is the
//! learner itself, without the ensemble's rate. As in the authors' code without
//! pre-training (train.py, dynamic_net.py), E is empty at first: in stage 0
//! nobody else is asked, so q_y = 1, and the first learner is corrected alone;
//! in stage 1 there are two, and so on. `start = "full"` is their code with
//! pre-trained encoders, where all learners are in from the beginning. A sample
//! without the other modalities has q_y = 1 too. The authors' agreement term is
//! detached on both sides and has no gradient, so it is left out; `agreement`
//! is the paper's term with its sign exposed.
//! Settings of the authors: w1 5, w2 1, in the order of the data (CREMA-D, AVE,
//! ModelNet40: train.py); w1 1, w2 0.25, order text, visual, audio (MOSI, MOSEI,
//! SIMS: train_MSA.py); 4 + 4 epochs per stage, up to 1001 stages.
//! Budget: `learner_epochs` + `ensemble_epochs` a stage out of the run's epochs,
//! which must come to every modality's first turn.
//! Until stage M - 1 validation already shows learners that have not learned.
//! Cost: 1/M + 1 joint epochs for each pair. Limits: additive fusion,
//! classification.

use std::collections::BTreeMap;

use burn::tensor::{Int, Tensor, TensorData, activation};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::{at_least_one_epoch, at_least_zero};
use super::{ModelFacts, Strategy, StrategySettings};
use crate::Error;
use crate::math::probability::log_softmax;
use crate::modality::{Modalities, Modality, Present};
use crate::step::Position;
use crate::step::{LossTerm, Phase, Routing, StepOutputs, TermOutput};
use crate::task::{Task, TaskKind};

/// Which learners the ensemble has before the first stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BoostStart {
    /// None: each joins in its first stage.
    #[default]
    Empty,
    /// All: for pretrained encoders.
    Full,
}

/// Settings of [`ReconBoost`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReconBoostConfig {
    /// Weight of a sample that the other learners get wrong.
    #[schemars(range(min = 0))]
    pub w1: f64,
    /// How much of it is subtracted, times the others' probability of the true class.
    #[schemars(range(min = 0))]
    pub w2: f64,
    /// Epochs of one modality's learner in a stage.
    #[schemars(range(min = 1))]
    pub learner_epochs: usize,
    /// Epochs of the whole ensemble in a stage.
    #[schemars(range(min = 1))]
    pub ensemble_epochs: usize,
    /// Weight of the agreement with the learner of the stage before; negative
    /// asks for disagreement.
    pub agreement: f64,
    /// Which learners the ensemble has before the first stage.
    pub start: BoostStart,
    /// The modalities in the order of their stages; by default the order of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
}

impl Default for ReconBoostConfig {
    fn default() -> Self {
        let start = BoostStart::default();
        Self { w1: 5.0, w2: 1.0, learner_epochs: 1, ensemble_epochs: 1, agreement: 0.0, start, order: None }
    }
}

impl Settings for ReconBoostConfig {
    const NAME: &'static str = "reconboost";
    const SUMMARY: &'static str = "boosting: one modality learns what the others miss, then all together";
}

impl StrategySettings for ReconBoostConfig {
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(ReconBoost::new(self, modalities)?))
    }

    fn is_symmetric(&self) -> bool {
        false
    }
}

/// Alternates between one modality and the ensemble.
#[derive(Clone, Debug)]
pub struct ReconBoost {
    config: ReconBoostConfig,
    /// Whose turn it is, stage after stage.
    order: Vec<Modality>,
}

impl ReconBoost {
    /// From its settings.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(config: &ReconBoostConfig, modalities: &Modalities) -> Result<Self, Error> {
        at_least_zero("strategy.w1", config.w1)?;
        at_least_zero("strategy.w2", config.w2)?;
        if config.w2 > config.w1 {
            return Err(Error::config(format!(
                "strategy.w2 = {}: expected at most w1 = {}, otherwise a sample's weight can become negative",
                config.w2, config.w1
            )));
        }
        if !config.agreement.is_finite() {
            let found = config.agreement;
            return Err(Error::config(format!("strategy.agreement = {found}: expected a number")));
        }
        at_least_one_epoch("strategy.learner_epochs", config.learner_epochs)?;
        at_least_one_epoch("strategy.ensemble_epochs", config.ensemble_epochs)?;
        let order = match &config.order {
            Some(names) => in_order(names, modalities)?,
            None => modalities.iter().collect(),
        };
        Ok(Self { config: config.clone(), order })
    }

    /// Stage, and epoch within it.
    fn stage(&self, epoch: usize) -> (usize, usize) {
        let length = self.config.learner_epochs + self.config.ensemble_epochs;
        (epoch / length, epoch % length)
    }

    /// Whose turn a stage is.
    fn turn(&self, stage: usize) -> Modality {
        self.order[stage % self.order.len()]
    }

    /// The learners that are in the ensemble after `stages` stages.
    fn ensemble(&self, stages: usize) -> Present {
        let joined = match self.config.start {
            BoostStart::Empty => stages.min(self.order.len()),
            BoostStart::Full => self.order.len(),
        };
        Present::of(self.order[..joined].iter().copied())
    }

    fn showing(&self, learners: Present) -> LossTerm {
        LossTerm::showing(learners, self.order.len())
    }
}

/// Every modality once, by name.
fn in_order(names: &[String], modalities: &Modalities) -> Result<Vec<Modality>, Error> {
    let order: Option<Vec<Modality>> = names.iter().map(|name| modalities.find(name)).collect();
    order
        .filter(|order| {
            order.len() == modalities.len() && Present::of(order.iter().copied()) == modalities.all()
        })
        .ok_or_else(|| {
            Error::config(format!(
                "strategy.order = {names:?}: expected each of {} once",
                modalities.names().join(", ")
            ))
        })
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
    fn phases(&self, at: Position, _modalities: &Modalities) -> Vec<Phase> {
        let (stage, epoch) = self.stage(at.epoch);
        let begins = epoch == 0 || epoch == self.config.learner_epochs;
        let phase = if epoch < self.config.learner_epochs {
            let m = self.turn(stage);
            let others = self.ensemble(stage).without(m);
            let others = (others.count() > 0).then(|| self.showing(others));
            let before = (stage > 0 && self.order.len() > 1 && self.config.agreement != 0.0)
                .then(|| LossTerm::Auxiliary(self.turn(stage - 1)));
            Phase::of([LossTerm::Auxiliary(m)]).probing(others.into_iter().chain(before).collect::<Vec<_>>())
        } else {
            Phase::of([self.showing(self.ensemble(stage + 1))])
        };
        vec![phase.freshly(begins && at.batch == 0)]
    }

    fn loss(
        &self,
        term: LossTerm,
        output: &TermOutput,
        earlier: &BTreeMap<LossTerm, TermOutput>,
        task: &dyn Task,
    ) -> Tensor<1> {
        let scores = output.scores.clone();
        let (LossTerm::Auxiliary(m), Some(classes)) = (term, output.targets.classes()) else {
            return task.loss(scores, &output.targets);
        };
        let [count, outputs] = scores.dims();
        // Besides learners, a stage looks at the ensemble of the others and at nothing else.
        let others = earlier.iter().find(|(of, _)| !matches!(of, LossTerm::Auxiliary(_)));
        let others = others.map_or_else(|| vec![None; count], |(_, found)| found.scores_of(&output.samples));
        let weights = weights(&others, classes, outputs, self.config.w1, self.config.w2);
        let weights = Tensor::<1>::from_data(TensorData::new(weights, [count]), &scores.device());
        let loss = (task.losses(scores.clone(), &output.targets) * weights).mean();
        let before = earlier.iter().find(|(of, _)| matches!(of, LossTerm::Auxiliary(other) if *other != m));
        match before.and_then(|(_, before)| divergence(before, output)) {
            Some(divergence) => loss + divergence.mul_scalar(self.config.agreement),
            None => loss,
        }
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        Ok(outputs.terms.iter().fold(Routing::default(), |w, &term| w.to_all(term, 1.0, modalities)))
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
fn divergence(before: &TermOutput, now: &TermOutput) -> Option<Tensor<1>> {
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
    fn learner(config: ReconBoostConfig, probes: &[(LossTerm, [f32; 3])]) -> (f64, Vec<f32>) {
        let task = Classification::new(3);
        let of = |scores: Tensor<2>| TermOutput {
            scores,
            features: Vec::new(),
            targets: Targets::Classes(vec![0]),
            samples: vec![4],
        };
        let tensor = |values: [f32; 3], device: &Device| Tensor::<2>::from_data([values], device);
        let device = Device::flex();
        let earlier = probes.iter().map(|(term, f)| (*term, of(tensor(*f, &device)))).collect();
        let f = tensor([0.2, 0.1, -0.3], &device.autodiff()).require_grad();
        let names = Modalities::new(["a", "b"]).unwrap();
        let boost = ReconBoost::new(&config, &names).unwrap();
        let loss = boost.loss(LossTerm::Auxiliary(Modality(0)), &of(f.clone()), &earlier, &task);
        let gradient = f.grad(&loss.clone().backward()).unwrap();
        (scalar(loss), host(gradient))
    }

    #[test]
    fn the_learners_loss_by_hand() {
        let others = (LossTerm::Unimodal(Modality(1)), [1.0, 0.0, 0.0]);
        let (loss, gradient) = learner(ReconBoostConfig::default(), &[others]);
        assert!((loss - 1.357878).abs() < 1e-6, "{loss}");
        for (got, want) in gradient.iter().zip([-0.887447, 0.531303, 0.356143]) {
            assert!((got - want).abs() < 1e-6, "{gradient:?}");
        }
        // The learner before: nothing without `agreement`, pulled towards with it.
        let before = (LossTerm::Auxiliary(Modality(1)), [0.0, 2.0, 0.0]);
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
            let at = Position { epoch, epochs: 12, batch, batches: 4, seed: 0 };
            boost.phases(at, &names).remove(0)
        };
        let terms: Vec<LossTerm> = (0..6).map(|epoch| phase(epoch, 0).terms[0]).collect();
        let [a, b] = [LossTerm::Auxiliary(Modality(0)), LossTerm::Auxiliary(Modality(1))];
        assert_eq!(terms, [a, a, LossTerm::Unimodal(Modality(0)), b, b, LossTerm::Fused]);
        let fresh: Vec<bool> = (0..6).map(|epoch| phase(epoch, 0).fresh).collect();
        assert_eq!(fresh, [true, false, true, true, false, true]);
        assert!(!phase(0, 1).fresh);
        assert_eq!(phase(3, 0).probes, [LossTerm::Unimodal(Modality(0))]);
    }

    /// Rows and probes of the first stages with one epoch each, in the order c, a, b.
    fn stages(start: BoostStart) -> Vec<(LossTerm, Vec<LossTerm>)> {
        let names = Modalities::new(["a", "b", "c"]).unwrap();
        let order = Some(["c", "a", "b"].map(str::to_owned).into());
        let config = ReconBoostConfig { start, order, ..ReconBoostConfig::default() };
        let boost = ReconBoost::new(&config, &names).unwrap();
        let phase = |epoch| {
            let at = Position { epoch, epochs: 12, batch: 0, batches: 4, seed: 0 };
            let phase = boost.phases(at, &names).remove(0);
            (phase.terms[0], phase.probes)
        };
        (0..8).map(phase).collect()
    }

    #[test]
    fn learners_join_in_their_order_and_the_first_one_is_judged_and_corrected_alone() {
        let [a, b, c] = [0, 1, 2].map(Modality);
        let two = |x, y| LossTerm::Subset(Present::of([x, y]));
        let later = [(LossTerm::Auxiliary(c), vec![two(a, b)]), (LossTerm::Fused, vec![])];
        let growing = [
            (LossTerm::Auxiliary(c), vec![]),
            (LossTerm::Unimodal(c), vec![]),
            (LossTerm::Auxiliary(a), vec![LossTerm::Unimodal(c)]),
            (two(a, c), vec![]),
            (LossTerm::Auxiliary(b), vec![two(a, c)]),
            (LossTerm::Fused, vec![]),
        ];
        assert_eq!(stages(BoostStart::Empty), [&growing[..], &later].concat());
        let whole = [
            (LossTerm::Auxiliary(c), vec![two(a, b)]),
            (LossTerm::Fused, vec![]),
            (LossTerm::Auxiliary(a), vec![two(b, c)]),
            (LossTerm::Fused, vec![]),
            (LossTerm::Auxiliary(b), vec![two(a, c)]),
            (LossTerm::Fused, vec![]),
        ];
        assert_eq!(stages(BoostStart::Full), [&whole[..], &later].concat());
    }

    /// Nobody else in the ensemble: `(5 - 1) / 6` for six classes, and not `(5 - 1/6) / 6`.
    #[test]
    fn a_first_learner_has_the_unit_weight() {
        assert!((weights(&[None], &[0], 6, 5.0, 1.0)[0] - 0.666_667).abs() < 1e-6);
        let untrained = Some(vec![0.0; 6]);
        assert!((weights(&[untrained], &[0], 6, 5.0, 1.0)[0] - 0.805_556).abs() < 1e-6);
        // The same through the loss: (w1 - w2) / K times the cross-entropy of (0.2, 0.1, -0.3).
        let (loss, _) = learner(ReconBoostConfig { w1: 1.0, w2: 0.25, ..ReconBoostConfig::default() }, &[]);
        assert!((loss - 0.25 * 0.920_828).abs() < 1e-6, "{loss}");
    }

    #[test]
    fn an_order_names_every_modality_once() {
        let names = Modalities::new(["a", "b"]).unwrap();
        for order in [vec!["a"], vec!["a", "a"], vec!["a", "c"], vec!["a", "b", "a"]] {
            let order = Some(order.into_iter().map(str::to_owned).collect());
            let config = ReconBoostConfig { order, ..ReconBoostConfig::default() };
            let message = ReconBoost::new(&config, &names).unwrap_err().to_string();
            assert!(message.contains("strategy.order") && message.contains("each of a, b once"), "{message}");
        }
    }
}
