//! SGD and Adam as PyTorch computes them.
//!
//! Own code instead of Burn's for what a comparison of strategies rests on:
//! dampening 0, the first step's momentum equal to the gradient, a parameter
//! without gradient left alone, state named by parameter (so that checkpoints
//! are readable and byte-equal from run to run), a learning-rate factor and a
//! weight decay of encoders' own, and one pass over memory for each tensor.

mod config;

pub use config::OptimizerConfig;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::grad::{Gradients, Group, Groups, map_parameters};
use crate::host::host;
use crate::modality::Modalities;

/// State of one parameter; empty before its first gradient.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slot {
    /// SGD's velocity or Adam's first moment.
    pub first: Vec<f32>,
    /// Adam's second moment.
    pub second: Vec<f32>,
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
        Self { config, slots: vec![Slot::default(); paces.len()], paces }
    }

    /// Forgets velocities, moments and step counts.
    pub fn forget(&mut self) {
        self.slots.fill(Slot::default());
    }

    /// The settings.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// Updates every parameter that has a gradient; `factor` is the schedule's.
    pub fn step<M: Module>(&mut self, model: M, mut gradients: Gradients, groups: &Groups, factor: f64) -> M {
        map_parameters(model, |id, value| {
            let position = groups.position(id)?;
            let gradient = host(gradients.remove(position)?);
            let Pace { lr, decay } = self.paces[position];
            let pace = Pace { lr: lr * factor, decay };
            let device: Device = value.device();
            let mut values = host(value);
            update(&self.config, pace, &mut values, &gradient, &mut self.slots[position]);
            let count = values.len();
            Some(Tensor::from_data(TensorData::new(values, [count]), &device))
        })
    }
}

/// One update, in `f32` as PyTorch does it; scalars are rounded once.
fn update(
    config: &OptimizerConfig,
    Pace { lr, decay }: Pace,
    values: &mut [f32],
    gradient: &[f32],
    slot: &mut Slot,
) {
    slot.steps += 1;
    match *config {
        OptimizerConfig::Sgd { momentum, nesterov, .. } => {
            let (momentum, decay, lr) = (momentum as f32, decay as f32, lr as f32);
            let first = slot.first.is_empty();
            slot.first.resize(values.len(), 0.0);
            for ((x, &g), v) in values.iter_mut().zip(gradient).zip(&mut slot.first) {
                let g = g + decay * *x;
                *v = if first { g } else { momentum * *v + g };
                *x -= lr * if nesterov { g + momentum * *v } else { *v };
            }
        }
        OptimizerConfig::Adam { betas, epsilon, .. } => {
            adam(betas, epsilon, lr, decay as f32, 1.0, values, gradient, slot);
        }
        OptimizerConfig::AdamW { betas, epsilon, .. } => {
            let keep = (1.0 - lr * decay) as f32;
            adam(betas, epsilon, lr, 0.0, keep, values, gradient, slot);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the two kinds of decay of one formula")]
fn adam(
    betas: [f64; 2],
    epsilon: f64,
    lr: f64,
    decay: f32,
    keep: f32,
    values: &mut [f32],
    gradient: &[f32],
    slot: &mut Slot,
) {
    slot.first.resize(values.len(), 0.0);
    slot.second.resize(values.len(), 0.0);
    let steps = f64::from(slot.steps);
    let step = (lr / (1.0 - betas[0].powf(steps))) as f32;
    let root = (1.0 - betas[1].powf(steps)).sqrt() as f32;
    let [b1, b2] = [betas[0] as f32, betas[1] as f32];
    let epsilon = epsilon as f32;
    let moments = slot.first.iter_mut().zip(&mut slot.second);
    for ((x, &g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
        let g = g + decay * *x;
        *x *= keep;
        *m = b1 * *m + (1.0 - b1) * g;
        *v = b2 * *v + (1.0 - b2) * g * g;
        *x -= step * *m / (v.sqrt() / root + epsilon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(config: OptimizerConfig, gradients: &[f32]) -> f32 {
        let (mut x, mut slot) = ([1.0_f32], Slot::default());
        for &g in gradients {
            update(&config, config.pace(), &mut x, &[g], &mut slot);
        }
        x[0]
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
