//! The start-up check that every parameter learns from something.

use burn::tensor::Device;
use counterpoint_batch::Batch;

use super::Learner;
use crate::Error;
use crate::grad::{Evaluator, Phase, Scene};
use crate::input::Inputs;
use crate::layer::{Buffers, Pass};
use crate::model::Model;
use crate::strategy::Moment;
use crate::task::Task;

/// Computes one batch's gradients for every kind of phase, throws them away,
/// and complains about parameters that nothing reached. The
/// released gated fusion trains two of its layers never; this finds it.
///
/// # Errors
/// If a parameter is reached by no loss; the message names it.
pub fn check_reach<M: Model>(
    learner: &mut Learner<M>,
    evaluator: &dyn Evaluator<M>,
    task: &dyn Task,
    batch: Batch,
    start: Moment,
    device: &Device,
) -> Result<(), Error> {
    let inputs = Inputs::new(batch, device);
    let state = learner.strategy.save();
    let mut reached = vec![false; learner.groups.parameters().len()];
    // A strategy that alternates between modalities needs several epochs to
    // reach all; only the phases that differ are run.
    let mut tried: Vec<Phase> = Vec::new();
    for epoch in 0..start.epochs {
        if reached.iter().all(|r| *r) {
            break;
        }
        let at = Moment { epoch, ..start };
        for phase in learner.strategy.phases(at, learner.model.modalities()) {
            let phase = phase.freshly(false);
            if tried.contains(&phase) {
                continue;
            }
            let scene = Scene { model: &learner.model, groups: &learner.groups, inputs: &inputs, task, at };
            let mut scratch = Buffers::default();
            let pass = &mut Pass::train(&mut scratch);
            let (gradients, _) = evaluator.evaluate(scene, &phase, learner.strategy.as_mut(), pass)?;
            for (position, reached) in reached.iter_mut().enumerate() {
                *reached |= gradients.get(position).is_some();
            }
            tried.push(phase);
        }
    }
    learner.strategy.restore(&state)?;
    let idle: Vec<&str> = learner
        .groups
        .parameters()
        .iter()
        .zip(&reached)
        .filter(|(_, reached)| !**reached)
        .map(|(p, _)| p.name.as_str())
        .collect();
    match idle.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => Err(Error::config(format!(
            "parameter `{first}`{} would never learn: no loss of this strategy reaches it in {} epochs; \
             choose a strategy that trains it, more epochs if modalities take turns, or remove the part \
             it belongs to",
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) },
            start.epochs
        ))),
    }
}
