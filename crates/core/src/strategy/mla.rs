//! MLA: modalities take turns, one optimizer step each, through one shared
//! linear head; a turn's gradient at the head is kept away from the feature
//! directions of earlier turns.
//!
//! ```text
//! one phase per modality:  W[unimodal(m), encoder m] = W[unimodal(m), head] = 1
//! r = batch mean of z_m,  k = P r,  P <- P - k k^T / (a + r^T k),  P <- P / ||P||_F,  a = 0.1^(1 + i/len)
//! dW <- dW P,  not in the very first turn
//! ```
//!
//! Source: Zhang et al., CVPR 2024; docs/methods.md, "MLA". Differs from the
//! authors' code, where the projection never runs (it looks for a parameter
//! name that does not exist; `projection = "off"` is that) and would divide by
//! a matrix; here the denominator is the scalar of recursive least squares and
//! the projected gradient replaces the raw one. A parameter without gradient
//! is left alone. The weights at test time, by entropy or fixed, are the
//! fusion's.
//! Cost: encoders as joint, M small steps. Limits: one linear head that reads
//! every modality, features of one width.

use burn::tensor::{Tensor, TensorData};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ModelFacts, Strategy, StrategySettings, StrategyState};
use crate::Error;
use crate::host::host;
use crate::math::projection;
use crate::modality::Modalities;
use crate::step::Position;
use crate::step::{Gradients, Group, Groups, LossTerm, Phase, Routing, StepOutputs, StepRecord};
use crate::task::TaskKind;

/// Whether the head's gradient is projected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Projection {
    /// Not at all: what the released code does.
    Off,
    /// By recursive least squares.
    #[default]
    Rls,
}

/// Which modality's mean feature is projected out of the head's gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The modality whose turn it is.
    #[default]
    Current,
    /// The modality of the turn before.
    Previous,
}

/// Settings of [`Mla`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MlaConfig {
    /// Whether the head's gradient is projected.
    pub projection: Projection,
    /// Which modality's mean feature is projected out of the head's gradient.
    pub direction: Direction,
}

impl Settings for MlaConfig {
    const NAME: &'static str = "mla";
    const SUMMARY: &'static str =
        "modalities take turns through one shared head, whose gradient is projected";
}

impl StrategySettings for MlaConfig {
    fn build(&self, _modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(Mla::new(self)))
    }

    fn is_symmetric(&self) -> bool {
        false
    }

    fn needs_complete(&self) -> Option<&'static str> {
        Some("trains no fused loss")
    }
}

/// Alternates between modalities.
#[derive(Clone, Debug)]
pub struct Mla {
    config: MlaConfig,
    /// P, `[width, width]`; empty before the second turn.
    free: Vec<f64>,
    /// Mean feature of the turn before; empty before the first.
    previous: Vec<f64>,
}

impl Mla {
    /// From its settings.
    pub fn new(config: &MlaConfig) -> Self {
        Self { config: config.clone(), free: Vec::new(), previous: Vec::new() }
    }
}

/// How much of a direction is let go: 0.1 at the start of an epoch, 0.01 at its end.
fn softness(at: Position) -> f64 {
    0.1_f64.powf(1.0 + at.batch as f64 / at.batches as f64)
}

impl Strategy for Mla {
    fn phases(&self, _at: Position, modalities: &Modalities) -> Vec<Phase> {
        modalities.iter().map(|m| Phase::of([LossTerm::Unimodal(m)])).collect()
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        // With a single modality other losses have the same inputs; only a unimodal one is a turn.
        let turn = outputs.terms.iter().filter(|term| matches!(term, LossTerm::Unimodal(_)));
        Ok(turn.fold(Routing::default(), |w, &term| w.to_all(term, 1.0, modalities)))
    }

    fn shape(&mut self, record: &StepRecord, gradients: &mut Gradients, groups: &Groups, at: Position) {
        let turn = record.trained.iter().find_map(|term| match term {
            LossTerm::Unimodal(m) => Some(record.outputs[term].feature(*m)),
            _ => None,
        });
        let (Projection::Rls, Some(features)) = (self.config.projection, turn) else { return };
        let [samples, width] = features.dims();
        let mut current = vec![0.0; width];
        for row in host(features).chunks_exact(width) {
            current.iter_mut().zip(row).for_each(|(sum, &z)| *sum += f64::from(z) / samples as f64);
        }
        let previous = std::mem::replace(&mut self.previous, current.clone());
        if previous.is_empty() {
            return;
        }
        if self.free.is_empty() {
            self.free = projection::identity(width);
        }
        let direction = match self.config.direction {
            Direction::Current => current,
            Direction::Previous => previous,
        };
        projection::remove_direction(&mut self.free, &direction, softness(at));
        projection::normalize(&mut self.free);
        for (position, parameter) in groups.parameters().iter().enumerate() {
            let matrix =
                parameter.group == Group::Head && matches!(parameter.shape[..], [_, n] if n == width);
            let Some(gradient) = matrix.then(|| gradients.remove(position)).flatten() else { continue };
            let device = gradient.device();
            let raw: Vec<f64> = host(gradient).into_iter().map(f64::from).collect();
            let values: Vec<f32> =
                projection::project(&raw, &self.free, width).into_iter().map(|v| v as f32).collect();
            let count = values.len();
            gradients.set(position, Some(Tensor::from_data(TensorData::new(values, [count]), &device)));
        }
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        ModelFacts::require(
            facts.shared_head,
            "mla",
            "one linear head shared by all modalities and no fusion module, because it trains that head \
             with one modality at a time",
        )?;
        facts.require_task(&[TaskKind::Classification], "mla", "predictions are weighted by their entropy")
    }

    fn save(&self) -> StrategyState {
        let width = self.previous.len();
        StrategyState::default()
            .with("free", if self.free.is_empty() { [0, 0] } else { [width, width] }, self.free.clone())
            .with("previous", [width], self.previous.clone())
    }

    fn restore(&mut self, state: &StrategyState) -> Result<(), Error> {
        self.free = state.get("free")?.to_vec();
        self.previous = state.get("previous")?.to_vec();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softness_decays_inside_an_epoch() {
        let at = |batch| Position { epoch: 3, epochs: 9, batch, batches: 10, seed: 0 };
        assert!((softness(at(0)) - 0.1).abs() < 1e-12);
        assert!((softness(at(1)) - 0.079432823472).abs() < 1e-9);
    }
}
