//! SGD and Adam on tensors, as a textbook writes them.
//!
//! The product's optimizers work on single-precision memory; files are checked
//! in double precision. Both are compared at every step.

use burn::tensor::Tensor;
use counterpoint::step::{Gradients, Groups};
use counterpoint::train::OptimizerConfig;

/// State of an optimizer.
pub(super) struct Textbook {
    config: OptimizerConfig,
    steps: i32,
    first: Vec<Option<Tensor<1>>>,
    second: Vec<Option<Tensor<1>>>,
}

impl Textbook {
    pub fn new(config: OptimizerConfig, groups: &Groups) -> Self {
        let none = vec![None; groups.parameters().len()];
        Self { config, steps: 0, first: none.clone(), second: none }
    }

    /// Starts a step, which `update` then makes parameter by parameter.
    pub fn start(&mut self) {
        self.steps += 1;
    }

    /// The new value of a parameter; one without gradient stays.
    pub fn update(&mut self, position: usize, x: Tensor<1>, gradients: &Gradients) -> Tensor<1> {
        let Some(g) = gradients.get(position) else { return x };
        let blend = |old: Option<Tensor<1>>, share: f64, new: Tensor<1>| match old {
            Some(old) => old.mul_scalar(share) + new,
            None => new,
        };
        match self.config {
            OptimizerConfig::Sgd { lr, momentum, weight_decay, .. } => {
                let g = g.clone() + x.clone().mul_scalar(weight_decay);
                let v = blend(self.first[position].take(), momentum, g);
                self.first[position] = Some(v.clone());
                x - v.mul_scalar(lr)
            }
            OptimizerConfig::Adam { lr, betas: [b1, b2], epsilon, weight_decay, .. } => {
                let g = g.clone() + x.clone().mul_scalar(weight_decay);
                let m = blend(self.first[position].take(), b1, g.clone().mul_scalar(1.0 - b1));
                let v = blend(self.second[position].take(), b2, (g.clone() * g).mul_scalar(1.0 - b2));
                (self.first[position], self.second[position]) = (Some(m.clone()), Some(v.clone()));
                let (m, v) =
                    (m.div_scalar(1.0 - b1.powi(self.steps)), v.div_scalar(1.0 - b2.powi(self.steps)));
                x - m.mul_scalar(lr) / (v.sqrt().add_scalar(epsilon))
            }
            OptimizerConfig::AdamW { .. } => unreachable!("files know sgd and adam"),
        }
    }
}
