//! One training step outside of training, to see what it costs.

use burn::tensor::Device;
use counterpoint_batch::Batch;

use super::TrainState;
use crate::Error;
use crate::grad::{Evaluator, StepContext};
use crate::input::Inputs;
use crate::layer::ForwardContext;
use crate::model::Model;
use crate::peers::Peers;
use crate::step::Position;
use crate::task::Task;

/// Trains on one batch, or a rank's share of it, as training does, with everything that a step
/// of its strategy is made of. Nothing is recorded; whoever wants to train
/// builds another model.
///
/// # Errors
/// If the strategy or the model refuses the batch.
pub fn try_step<M: Model>(
    state: &mut TrainState<M>,
    evaluator: &dyn Evaluator<M>,
    task: &dyn Task,
    batch: Batch,
    at: Position,
    device: &Device,
    peers: &dyn Peers,
) -> Result<(), Error> {
    let inputs = Inputs::new(batch, device).with_incomplete(state.incomplete).shared(peers);
    for phase in state.strategy.phases(at, state.model.modalities()) {
        let scale = state.optimizer.loss_scale();
        let mut pass = ForwardContext::train(&mut state.buffers).scaled(scale);
        let context =
            StepContext { model: &state.model, groups: &state.groups, inputs: &inputs, task, at, peers };
        let (gradients, _) = evaluator.evaluate(context, &phase, state.strategy.as_mut(), &mut pass)?;
        state.buffers.average(peers, device);
        let model = state.model.clone();
        state.model = state.optimizer.step(model, gradients, &state.groups, 1.0);
    }
    peers.any(false);
    Ok(())
}
