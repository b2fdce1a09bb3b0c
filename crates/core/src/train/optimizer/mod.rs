//! SGD and Adam as PyTorch computes them.
//!
//! Own code instead of Burn's for what a comparison of strategies rests on:
//! dampening 0, the first step's momentum equal to the gradient, a parameter
//! without gradient left alone, state named by parameter (so that checkpoints
//! are readable and byte-equal from run to run), a learning-rate factor and a
//! weight decay of encoders' own, and values that stay on their device.

mod config;
mod scale;
mod update;

pub use config::OptimizerConfig;
pub(super) use scale::LossScale;

use burn::module::Module;
use burn::tensor::Tensor;

use self::update::Update;
use crate::Error;
use crate::engine::{Arithmetic, Precision};
use crate::modality::Modalities;
use crate::step::{Gradients, Group, Groups, StepRecord, map_parameters};
use crate::strategy::Stat;

/// State of one parameter, on its device; nothing before its first gradient.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// SGD's velocity or Adam's first moment.
    pub first: Option<Tensor<1>>,
    /// Adam's second moment.
    pub second: Option<Tensor<1>>,
    /// Updates so far.
    pub steps: u32,
}

/// Moves parameters along their gradients.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    /// Learning rate and weight decay of each parameter.
    paces: Vec<Pace>,
    pub(super) slots: Vec<Slot>,
    /// Of losses, where gradients pass through f16.
    pub(super) scale: Option<LossScale>,
}

/// Learning rate before the schedule, and weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    lr: f64,
    decay: f64,
}

impl Optimizer {
    /// A fresh optimizer for the given parameters of a model of these modalities.
    ///
    /// A modality that `encoder_factor` or the encoders' weight decay leaves out moves as
    /// fusion and head do; training refuses such settings ([`OptimizerConfig::check_names`]).
    pub fn new(config: OptimizerConfig, groups: &Groups, modalities: &Modalities) -> Self {
        let pace = |group: Group| match group {
            Group::Encoder(m) => config.encoder_pace(modalities.name(m)),
            _ => config.pace(),
        };
        let paces: Vec<Pace> = groups.parameters().iter().map(|p| pace(p.group)).collect();
        let scale = (Arithmetic::chosen().precision == Precision::F16).then(LossScale::default);
        Self { config, slots: vec![Slot::default(); paces.len()], paces, scale }
    }

    /// What losses are multiplied by before they go backward.
    pub fn loss_scale(&self) -> f64 {
        self.scale.map_or(1.0, |scale| scale.factor)
    }

    /// Whether gradients, whose squared norms are given, may move parameters. If they may not, they are forgotten,
    /// and the next losses are scaled by less. Without a scale there is nothing to judge.
    ///
    /// # Errors
    /// If no scale makes them finite.
    pub(super) fn admits(
        &mut self,
        squares: &[Vec<f32>],
        gradients: &mut Gradients,
        record: &mut StepRecord,
    ) -> Result<bool, Error> {
        let Some(scale) = &mut self.scale else { return Ok(true) };
        let moves = scale.judge(squares.iter().flatten().all(|square| square.is_finite()))?;
        if !moves {
            gradients.clear();
            record.forget_gradients();
        }
        Ok(moves)
    }

    /// What the last step did to the scale: the share of steps that were skipped, in the mean.
    pub(super) fn stats(&self) -> Vec<Stat> {
        let of = |name, value| Stat { name, modality: None, value };
        let both = |scale: &LossScale| {
            [of("loss_scale", scale.factor), of("skipped", f64::from(u8::from(scale.skipped)))]
        };
        self.scale.iter().flat_map(both).collect()
    }

    /// Forgets velocities, moments and step counts.
    pub fn forget(&mut self) {
        self.slots.fill(Slot::default());
    }

    /// The settings.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// Updates every parameter that has a gradient, on its device; `factor` is the schedule's.
    pub fn step<M: Module>(&mut self, model: M, mut gradients: Gradients, groups: &Groups, factor: f64) -> M {
        map_parameters(model, |id, value| {
            let position = groups.position(id)?;
            let gradient = gradients.remove(position)?;
            let Pace { lr, decay } = self.paces[position];
            let slot = &mut self.slots[position];
            slot.steps += 1;
            let update = Update::of(&self.config, Pace { lr: lr * factor, decay }, slot.steps);
            let moments = [slot.first.take(), slot.second.take()];
            let (value, moments) = update.apply(value, gradient, moments);
            [slot.first, slot.second] = moments;
            Some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn run(config: OptimizerConfig, gradients: &[f32]) -> f32 {
        let tensor = |number: f32| Tensor::<1>::from_floats([number], &Device::flex());
        let (mut x, mut moments) = (tensor(1.0), [None, None]);
        for (&g, steps) in gradients.iter().zip(1..) {
            (x, moments) = Update::of(&config, config.pace(), steps).apply(x, tensor(g), moments);
        }
        x.into_scalar()
    }

    #[test]
    fn sgd_has_pytorchs_momentum() {
        let sgd = |nesterov| OptimizerConfig::Sgd {
            lr: 0.1,
            momentum: 0.9,
            weight_decay: 0.01,
            nesterov,
            encoder_factor: 1.0.into(),
            encoder_weight_decay: None,
        };
        // torch.optim.SGD on [1.] with gradients 1, -0.5: 0.899, then v = 0.9*1.01 - 0.5 + 0.00899.
        assert!((run(sgd(false), &[1.0, -0.5]) - (0.899 - 0.1 * (0.9 * 1.01 - 0.5 + 0.00899))).abs() < 1e-6);
        // Nesterov's first step is g + 0.9 v = 1.9 * 1.01.
        assert!((run(sgd(true), &[1.0]) - (1.0 - 0.1 * 1.9 * 1.01)).abs() < 1e-6);
    }

    #[test]
    fn adam_couples_its_decay_and_adamw_does_not() {
        let adam = OptimizerConfig::Adam {
            lr: 0.1,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.5,
            encoder_factor: 1.0.into(),
            encoder_weight_decay: None,
        };
        // The first step has length lr whatever the gradient: coupled decay only turns its sign.
        assert!((run(adam, &[-0.4]) - 0.9).abs() < 1e-6);
        let adamw = OptimizerConfig::AdamW {
            lr: 0.1,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.5,
            encoder_factor: 1.0.into(),
            encoder_weight_decay: None,
        };
        assert!((run(adamw, &[-0.4]) - (0.95 + 0.1)).abs() < 1e-6);
    }
}
