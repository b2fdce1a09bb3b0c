//! Everything that training changes.

use burn::module::Module;

use super::optimizer::{Optimizer, OptimizerConfig};
use crate::grad::Groups;
use crate::layer::Buffers;
use crate::model::Model;
use crate::strategy::Strategy;

/// A model with its running statistics, its optimizer and its strategy: all
/// that a checkpoint has to hold.
pub struct Learner<M> {
    /// The model, tracked for gradients.
    pub model: M,
    /// Its parameters.
    pub groups: Groups,
    /// Running statistics of batch norm.
    pub buffers: Buffers,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
}

impl<M: Model> Learner<M> {
    /// A learner at the start of training.
    pub fn new(model: M, optimizer: OptimizerConfig, strategy: Box<dyn Strategy>) -> Self {
        let groups = model.groups();
        let optimizer = Optimizer::new(optimizer, &groups);
        Self { model, groups, buffers: Buffers::default(), optimizer, strategy }
    }

    /// The model without gradient tracking.
    pub fn frozen(&self) -> M {
        Module::valid(&self.model)
    }
}
