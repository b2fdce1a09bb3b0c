//! Everything that training changes.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::Readout;
use super::optimizer::{Optimizer, OptimizerConfig};
use crate::host::host;
use crate::layer::Buffers;
use crate::model::Model;
use crate::step::Incomplete;
use crate::step::{Groups, Parameter, map_parameters};
use crate::strategy::{Stat, Strategy};

/// A model with its running statistics, its optimizer and its strategy: all
/// that a checkpoint has to hold.
pub struct TrainState<M> {
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
    /// What the fused loss makes of samples that lack a modality.
    pub incomplete: Incomplete,
    /// What is made of the scores, if not the fused ones alone.
    pub readout: Option<Readout<M>>,
    /// The model as it was built, if the strategy asks for it. It is a function
    /// of the seed, so a checkpoint need not hold it.
    pub(super) initial: Option<M>,
}

impl<M: Model> TrainState<M> {
    /// The state of training at its start.
    pub fn new(model: M, optimizer: OptimizerConfig, strategy: Box<dyn Strategy>) -> Self {
        let groups = model.groups();
        let optimizer = Optimizer::new(optimizer, &groups, model.modalities());
        let initial = strategy.needs_initial().then(|| model.clone());
        let (buffers, incomplete) = (Buffers::default(), Incomplete::default());
        Self { model, groups, buffers, optimizer, strategy, incomplete, readout: None, initial }
    }

    /// The model without gradient tracking.
    pub fn frozen(&self) -> M {
        Module::valid(&self.model)
    }

    /// What the last step is worth a look for.
    pub(super) fn stats(&self) -> Vec<Stat> {
        [self.strategy.stats(), self.optimizer.stats()].concat()
    }

    /// Where the parameters lie.
    ///
    /// # Panics
    /// If there are none.
    pub fn device(&self) -> Device {
        self.model.devices().into_iter().next().expect("a model has parameters").inner()
    }

    /// Shows every parameter with its values, row-major.
    pub fn visit(&self, mut see: impl FnMut(&Parameter, Vec<f32>)) {
        let _ = map_parameters(self.model.clone(), |id, value| {
            see(&self.groups.parameters()[self.groups.position(id)?], host(value));
            None
        });
    }

    /// Replaces the values of parameters; `None` keeps one.
    ///
    /// # Panics
    /// If the number of values is not that of the parameter.
    pub fn assign(&mut self, mut values: impl FnMut(&Parameter) -> Option<Vec<f32>>) {
        let groups = &self.groups;
        self.model = map_parameters(self.model.clone(), |id, old| {
            let new = values(&groups.parameters()[groups.position(id)?])?;
            let count = new.len();
            Some(Tensor::from_data(TensorData::new(new, [count]), &old.device()))
        });
    }
}
