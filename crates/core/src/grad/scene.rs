//! What an evaluator works on.

use super::{Gradients, Groups, Ledger, Phase, Row, RowOutput};
use crate::Error;
use crate::input::Inputs;
use crate::layer::Pass;
use crate::model::{Model, Scored};
use crate::strategy::{Moment, Strategy};
use crate::task::Task;

/// One batch in front of one model.
pub struct Scene<'a, M> {
    /// The model, tracked for gradients.
    pub model: &'a M,
    /// Its parameters.
    pub groups: &'a Groups,
    /// The batch.
    pub inputs: &'a Inputs,
    /// What to predict.
    pub task: &'a dyn Task,
    /// Position in training.
    pub at: Moment,
}

impl<M> Clone for Scene<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Scene<'_, M> {}

impl<M: Model> Scene<'_, M> {
    /// The samples that can serve a row; `None` if there is none.
    pub(super) fn serving(&self, row: Row) -> Option<Vec<usize>> {
        let samples = self.inputs.serving(row.present(self.model.modalities().len()));
        (!samples.is_empty()).then_some(samples)
    }

    /// A forward result with its targets.
    pub(super) fn output(&self, Scored { scores, features }: Scored, samples: Vec<usize>) -> RowOutput {
        RowOutput { scores, features, targets: self.inputs.targets_of(&samples), samples }
    }
}

/// A way to compute the gradients of a phase. All ways mean the same.
pub trait Evaluator<M: Model> {
    /// Runs forward, asks the strategy for its matrix, and mixes gradients by it.
    ///
    /// # Errors
    /// What the strategy's `route` returns.
    fn evaluate(
        &self,
        scene: Scene<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut Pass<'_>,
    ) -> Result<(Gradients, Ledger), Error>;
}
