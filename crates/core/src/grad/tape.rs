//! What a backward pass leaves behind.

use burn::module::Module;
use burn::tensor::{Gradients as Recorded, Tensor};

use crate::step::{Gradients, Groups};

/// The gradients of a graph that went backward multiplied by a scale. Whoever takes one gets it divided
/// again, so that only products of rounded factors see the scale.
pub(super) struct Tape {
    recorded: Recorded,
    scale: f64,
}

impl Tape {
    /// Runs the graph of a loss backward.
    pub fn of(loss: Tensor<1>, scale: f64) -> Self {
        let loss = if scale == 1.0 { loss } else { loss.mul_scalar(scale) };
        Self { recorded: loss.backward(), scale }
    }

    /// The gradients of a module's parameters.
    pub fn take<M: Module>(&mut self, module: &M, groups: &Groups) -> Gradients {
        let mut gradients = Gradients::take(module, groups, &mut self.recorded);
        if self.scale != 1.0 {
            gradients.scale(1.0 / self.scale);
        }
        gradients
    }

    /// The gradient of a leaf, if one arrived.
    pub fn remove(&mut self, leaf: &Tensor<2>) -> Option<Tensor<2>> {
        let gradient = leaf.grad_remove(&mut self.recorded)?;
        Some(if self.scale == 1.0 { gradient } else { gradient.div_scalar(self.scale) })
    }
}
