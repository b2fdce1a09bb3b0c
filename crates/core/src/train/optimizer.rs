//! SGD and Adam as PyTorch computes them.
//!
//! Own code instead of Burn's for what a comparison of strategies rests on:
//! dampening 0, the first step's momentum equal to the gradient, a parameter
//! without gradient left alone, state named by parameter (so that checkpoints
//! are readable and byte-equal from run to run), a learning-rate factor for
//! encoders, and one pass over memory for each tensor.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::grad::{Gradients, Group, Groups, map_parameters};
use crate::host::host;

/// Settings of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with momentum; weight decay is added to the gradient.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Share of the old velocity that is kept.
        #[serde(default = "momentum")]
        momentum: f64,
        /// L2 penalty, on every parameter.
        #[serde(default = "weight_decay")]
        weight_decay: f64,
        /// Looks ahead along the velocity.
        #[serde(default)]
        nesterov: bool,
        /// Multiplies the learning rate of encoders.
        #[serde(default = "one")]
        encoder_factor: f64,
    },
    /// Adam; weight decay is added to the gradient.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the two moments.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// L2 penalty, on every parameter.
        #[serde(default)]
        weight_decay: f64,
        /// Multiplies the learning rate of encoders.
        #[serde(default = "one")]
        encoder_factor: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW {
        /// Learning rate.
        lr: f64,
        /// Decay of the two moments.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Share of a parameter that is removed each step, times the learning rate.
        #[serde(default = "decoupled_decay")]
        weight_decay: f64,
        /// Multiplies the learning rate of encoders.
        #[serde(default = "one")]
        encoder_factor: f64,
    },
}

fn momentum() -> f64 {
    0.9
}

fn weight_decay() -> f64 {
    1e-4
}

fn decoupled_decay() -> f64 {
    1e-2
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn epsilon() -> f64 {
    1e-8
}

fn one() -> f64 {
    1.0
}

impl OptimizerConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range; the message names the key.
    pub fn check(&self) -> Result<(), Error> {
        let (lr, decay, factor) = self.common();
        let positive = |key: &str, v: f64| match v.is_finite() && v > 0.0 {
            true => Ok(()),
            false => Err(Error::config(format!("optimizer.{key} = {v}: expected a positive number"))),
        };
        let share = |key: &str, v: f64| match (0.0..1.0).contains(&v) {
            true => Ok(()),
            false => Err(Error::config(format!("optimizer.{key} = {v}: expected a number in [0, 1)"))),
        };
        positive("lr", lr)?;
        positive("encoder_factor", factor)?;
        if !(decay.is_finite() && decay >= 0.0) {
            return Err(Error::config(format!(
                "optimizer.weight_decay = {decay}: expected a number of at least 0"
            )));
        }
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                share("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::config("optimizer.nesterov needs a momentum above 0"));
                }
                Ok(())
            }
            Self::Adam { betas, epsilon, .. } | Self::AdamW { betas, epsilon, .. } => {
                share("betas", betas[0])?;
                share("betas", betas[1])?;
                positive("epsilon", epsilon)
            }
        }
    }

    /// Learning rate before the schedule.
    pub fn lr(&self) -> f64 {
        self.common().0
    }

    fn common(&self) -> (f64, f64, f64) {
        match *self {
            Self::Sgd { lr, weight_decay, encoder_factor, .. }
            | Self::Adam { lr, weight_decay, encoder_factor, .. }
            | Self::AdamW { lr, weight_decay, encoder_factor, .. } => (lr, weight_decay, encoder_factor),
        }
    }
}

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
    pub(super) slots: Vec<Slot>,
}

impl Optimizer {
    /// A fresh optimizer for the given parameters.
    pub fn new(config: OptimizerConfig, groups: &Groups) -> Self {
        Self { config, slots: vec![Slot::default(); groups.parameters().len()] }
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
        let (lr, _, encoder_factor) = self.config.common();
        map_parameters(model, |id, value| {
            let position = groups.position(id)?;
            let gradient = host(gradients.remove(position)?);
            let encoder = matches!(groups.parameters()[position].group, Group::Encoder(_));
            let lr = lr * factor * if encoder { encoder_factor } else { 1.0 };
            let device: Device = value.device();
            let mut values = host(value);
            update(&self.config, lr, &mut values, &gradient, &mut self.slots[position]);
            let count = values.len();
            Some(Tensor::from_data(TensorData::new(values, [count]), &device))
        })
    }
}

/// One update, in `f32` as PyTorch does it; scalars are rounded once.
fn update(config: &OptimizerConfig, lr: f64, values: &mut [f32], gradient: &[f32], slot: &mut Slot) {
    slot.steps += 1;
    match *config {
        OptimizerConfig::Sgd { momentum, weight_decay, nesterov, .. } => {
            let (momentum, decay, lr) = (momentum as f32, weight_decay as f32, lr as f32);
            let first = slot.first.is_empty();
            slot.first.resize(values.len(), 0.0);
            for ((x, &g), v) in values.iter_mut().zip(gradient).zip(&mut slot.first) {
                let g = g + decay * *x;
                *v = if first { g } else { momentum * *v + g };
                *x -= lr * if nesterov { g + momentum * *v } else { *v };
            }
        }
        OptimizerConfig::Adam { betas, epsilon, weight_decay, .. } => {
            adam(betas, epsilon, lr, weight_decay as f32, 1.0, values, gradient, slot);
        }
        OptimizerConfig::AdamW { betas, epsilon, weight_decay, .. } => {
            let keep = (1.0 - lr * weight_decay) as f32;
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
            update(&config, config.lr(), &mut x, &[g], &mut slot);
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
            encoder_factor: 1.0,
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
            encoder_factor: 1.0,
        };
        // The first step has length lr whatever the gradient: coupled decay only turns its sign.
        assert!((run(adam, &[-0.4]) - 0.9).abs() < 1e-6);
        let adamw = OptimizerConfig::AdamW {
            lr: 0.1,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.5,
            encoder_factor: 1.0,
        };
        assert!((run(adamw, &[-0.4]) - (0.95 + 0.1)).abs() < 1e-6);
    }
}
