//! One training step outside of training, to see what it costs.

use burn::tensor::Device;
use counterpoint_batch::Batch;

use super::Learner;
use crate::Error;
use crate::grad::{Evaluator, Scene};
use crate::input::Inputs;
use crate::layer::Pass;
use crate::model::Model;
use crate::step::Moment;
use crate::task::Task;

/// Trains a learner on one batch as training does, with everything that a step
/// of its strategy is made of. Nothing is recorded; whoever wants to train
/// builds another learner.
///
/// # Errors
/// If the strategy or the model refuses the batch.
pub fn try_step<M: Model>(
    learner: &mut Learner<M>,
    evaluator: &dyn Evaluator<M>,
    task: &dyn Task,
    batch: Batch,
    at: Moment,
    device: &Device,
) -> Result<(), Error> {
    let inputs = Inputs::new(batch, device).with_incomplete(learner.incomplete);
    for phase in learner.strategy.phases(at, learner.model.modalities()) {
        let mut pass = Pass::train(&mut learner.buffers);
        let scene = Scene { model: &learner.model, groups: &learner.groups, inputs: &inputs, task, at };
        let (gradients, _) = evaluator.evaluate(scene, &phase, learner.strategy.as_mut(), &mut pass)?;
        let model = learner.model.clone();
        learner.model = learner.optimizer.step(model, gradients, &learner.groups, 1.0);
    }
    Ok(())
}
