//! Credit gate: a modality's own loss counts as much as its scores predict samples
//! that training does not see, and the fused loss reaches every encoder besides.
//!
//! ```text
//!            encoder m               fusion, head
//! fused      1                       1
//! unim.(m)   alpha_m c_m             0
//!
//! c_m = clip((H_val - L_m) / (kappa H_train), 0, 1)         c_m = 1 in the first epoch
//! ```
//!
//! `L_m` is the loss of the unimodal scores on the validation split after the epoch
//! before, calibrated by a temperature; `H` the loss of a guess that knows the class
//! frequencies of the train split only, on the split named.
//!
//! Source: docs/methods.md, "Credit gate"; nobody else's. With `c = 1` this is DGL
//! without multimodal truncation, with `c = 0` joint training. The fused loss costs nothing
//! where DGL is right, since its gradient vanishes once training samples are explained, and is the
//! only teacher where a modality by itself says nothing of the label.
//! Cost: that of DGL without multimodal truncation; the validation scores are those that every
//! epoch ends with.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use super::{Addition, EpochTools, ModelFacts, Split, Stat, StrategyState};
use crate::Error;
use crate::modality::{Modalities, Modality};
use crate::readout::{Truth, temperature};
use crate::step::{LossTerm, Position, Routing};
use crate::task::TaskKind;

/// What decides how much the unimodal losses count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// How much better than a guess a modality's own scores predict the validation split.
    Credit,
}

/// Weighs unimodal losses by the credit of their modality.
#[derive(Clone, Debug)]
pub(super) struct Credit {
    kappa: f64,
    /// Of each modality, from 0 to 1.
    credit: Vec<f64>,
    /// Of each modality the calibrated loss that its credit is from; NaN before there is one.
    losses: Vec<f64>,
}

impl Credit {
    pub(super) fn new(kappa: f64, modalities: &Modalities) -> Self {
        let count = modalities.len();
        Self { kappa, credit: vec![1.0; count], losses: vec![f64::NAN; count] }
    }
}

/// How much a loss is below that of a guess, where `kappa` times the guess's loss on train is all it takes.
fn credit(loss: f64, guess_on_validation: f64, guess_on_train: f64, kappa: f64) -> f64 {
    // Where there is nothing to predict, every modality predicts it.
    if guess_on_train <= 0.0 {
        1.0
    } else {
        ((guess_on_validation - loss) / (kappa * guess_on_train)).clamp(0.0, 1.0)
    }
}

impl Addition for Credit {
    fn route(&mut self, inner: Routing) -> Routing {
        let losses = (0..self.credit.len()).map(|m| LossTerm::Unimodal(Modality(m)));
        losses.zip(&self.credit).fold(inner, |w, (term, &credit)| w.scaled(term, credit))
    }

    fn after_validation(&mut self, _at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        let known = tools.targets(Split::Train)?;
        for m in tools.modalities().clone().iter() {
            let scores = tools.scores(Split::Validation, LossTerm::Unimodal(m))?;
            // A modality that no validation sample has keeps its credit.
            let truths = Truth::of(&scores.targets, scores.width).zip(Truth::of(&known, scores.width));
            let Some((truth, known)) = truths.filter(|(truth, _)| truth.samples() > 0) else { continue };
            let values: Vec<f64> = scores.values.iter().map(|&score| score.into()).collect();
            let (_, loss) = temperature(&truth, &values);
            self.losses[m.0] = loss;
            let guesses = [&truth, &known].map(|split| split.of_prior(&known));
            self.credit[m.0] = credit(loss, guesses[0], guesses[1], self.kappa);
        }
        Ok(())
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        let admitted = [TaskKind::Classification, TaskKind::Regression, TaskKind::Multilabel];
        facts.require_task(&admitted, "dgl with gate = \"credit\"", "its credit is of one answer per sample")
    }

    fn stats(&self) -> Vec<Stat> {
        Stat::each("credit", &self.credit).chain(Stat::each("calibrated_loss", &self.losses)).collect()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("credit", "share of alpha that the unimodal loss has, from validation after the epoch before"),
            ("calibrated_loss", "unimodal loss on validation after the epoch before, calibrated"),
        ]
    }

    fn save(&self) -> StrategyState {
        let (count, known) = (self.credit.len(), self.losses.iter().all(|loss| loss.is_finite()));
        let state = StrategyState::default().with("credit", [count], self.credit.clone());
        // Nothing in a checkpoint may be NaN.
        if known { state.with("calibrated_loss", [count], self.losses.clone()) } else { state }
    }

    fn restore(&mut self, state: &StrategyState) -> Result<(), Error> {
        self.credit = state.get("credit")?.to_vec();
        self.losses = match state.0.get("calibrated_loss") {
            Some((_, losses)) => losses.clone(),
            None => vec![f64::NAN; self.credit.len()],
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Group;

    #[test]
    fn credit_by_hand() {
        let guess = 2.0_f64.ln();
        assert_eq!(credit(guess, guess, guess, 0.1), 0.0);
        assert_eq!(credit(guess + 1.0, guess, guess, 0.1), 0.0);
        assert!((credit(0.95 * guess, guess, guess, 0.1) - 0.5).abs() < 1e-12);
        assert_eq!(credit(0.2, guess, guess, 0.1), 1.0);
        assert_eq!(credit(0.0, 0.0, 0.0, 0.1), 1.0);
    }

    #[test]
    fn a_closed_gate_sends_nothing_and_its_state_travels() {
        let names = Modalities::new(["a", "b"]).unwrap();
        let mut gate = Credit::new(0.1, &names);
        gate.credit = vec![0.0, 0.25];
        let [a, b] = [0, 1].map(|m| (LossTerm::Unimodal(Modality(m)), Group::Encoder(Modality(m))));
        let full = Routing::default().with(a.0, a.1, 4.0).with(b.0, b.1, 4.0);
        let gated = gate.route(full);
        assert_eq!(gated.entries().collect::<Vec<_>>(), [(b.0, b.1, 1.0)]);
        let mut other = Credit::new(0.1, &names);
        other.restore(&gate.save()).unwrap();
        assert!(other.credit == gate.credit && other.losses.iter().all(|loss| loss.is_nan()));
        gate.losses = vec![0.5, 0.25];
        other.restore(&gate.save()).unwrap();
        assert_eq!(other.losses, gate.losses);
    }
}
