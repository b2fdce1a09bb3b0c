//! The start-up check that every parameter learns from something.

use burn::tensor::Device;
use counterpoint_batch::{Array, Batch, BatchSource, Input, ModalitySpec, Targets};

use super::TrainState;
use super::trainer::readable;
use crate::grad::{Evaluator, StepContext};
use crate::input::Inputs;
use crate::layer::{Buffers, ForwardContext};
use crate::model::Model;
use crate::peers::Alone;
use crate::step::Phase;
use crate::step::Position;
use crate::task::Task;
use crate::{Error, ErrorKind};

/// Computes the gradients of made-up samples for every kind of phase, throws
/// them away, and complains about parameters that nothing reached. The
/// released gated fusion trains two of its layers never; this finds it.
///
/// The samples have the modalities that samples of `train` have, every
/// combination of them, however rare: the answer does not depend on which
/// samples a seed puts into the first batch.
///
/// # Errors
/// If no sample has one of the modalities, or a parameter is reached by no
/// loss; the message names it.
pub fn check_reach<M: Model>(
    train_state: &mut TrainState<M>,
    evaluator: &dyn Evaluator<M>,
    task: &dyn Task,
    train: &dyn BatchSource,
    start: Position,
    device: &Device,
) -> Result<(), Error> {
    let Some(first) = train.plain().next() else {
        return Err(Error::new(ErrorKind::Data, "the train split has no batch"));
    };
    let (targets, specs, presence) = (readable(first)?.targets, train.modalities(), train.presence());
    if let Some(m) = (0..specs.len()).find(|&m| presence.iter().all(|has| !has[m])) {
        return Err(Error::new(
            ErrorKind::Data,
            format!("no training sample has modality `{}`; leave it out", specs[m].name),
        ));
    }
    let mut idle = |presence: &[Vec<bool>]| {
        let inputs = Inputs::new(made_up(specs, presence, &targets)?, device);
        let inputs = inputs.with_incomplete(train_state.incomplete);
        unreached(train_state, evaluator, task, &inputs, start)
    };
    let found = idle(&presence)?;
    let [first, rest @ ..] = found.as_slice() else { return Ok(()) };
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    if idle(&[vec![true; specs.len()]])?.len() < found.len() {
        return Err(Error::config(format!(
            "parameter `{first}`{more} would never learn: the loss that trains it needs samples with all \
             modalities, and no training sample has them all; set strategy.incomplete = \"zero-fill\" if the \
             strategy takes it, choose one with a loss for each modality, or add complete samples"
        )));
    }
    Err(Error::config(format!(
        "parameter `{first}`{more} would never learn: no loss of this strategy reaches it in {} epochs; choose a \
         strategy that trains it, train for more epochs if modalities take turns, or remove the part it belongs to",
        start.epochs
    )))
}

/// Names of the parameters that no phase's gradients reach.
fn unreached<M: Model>(
    train_state: &mut TrainState<M>,
    evaluator: &dyn Evaluator<M>,
    task: &dyn Task,
    inputs: &Inputs,
    start: Position,
) -> Result<Vec<String>, Error> {
    let state = train_state.strategy.save();
    let mut reached = vec![false; train_state.groups.parameters().len()];
    // A strategy that alternates between modalities needs several epochs to
    // reach all; only the phases that differ are run.
    let mut tried: Vec<Phase> = Vec::new();
    for epoch in 0..start.epochs {
        if reached.iter().all(|r| *r) {
            break;
        }
        let at = Position { epoch, ..start };
        for phase in train_state.strategy.phases(at, train_state.model.modalities()) {
            let phase = phase.freshly(false);
            if tried.contains(&phase) {
                continue;
            }
            let context = StepContext {
                model: &train_state.model,
                groups: &train_state.groups,
                inputs,
                task,
                at,
                peers: &Alone,
            };
            let mut scratch = Buffers::default();
            let pass = &mut ForwardContext::train(&mut scratch);
            let (gradients, _) = evaluator.run(context, &phase, train_state.strategy.as_mut(), pass)?;
            for (position, reached) in reached.iter_mut().enumerate() {
                *reached |= gradients.get(position).is_some();
            }
            tried.push(phase);
        }
    }
    train_state.strategy.restore(&state)?;
    let parameters = train_state.groups.parameters().iter().zip(&reached);
    Ok(parameters.filter(|(_, reached)| !**reached).map(|(p, _)| p.name.clone()).collect())
}

/// At least two samples with each combination of modalities, of full length,
/// which ask for what real ones ask for.
fn made_up(specs: &[ModalitySpec], presence: &[Vec<bool>], targets: &Targets) -> Result<Batch, Error> {
    // Two, because one number has no variance; not many more, because a sample may be large.
    let count = (2 * presence.len()).max(targets.len().min(8));
    let input = |(m, spec): (usize, &ModalitySpec)| {
        let size: usize = spec.shape.iter().product();
        let present: Vec<bool> = (0..count).map(|i| presence[i % presence.len()][m]).collect();
        let value = |i: usize| match spec.vocabulary {
            // Id 0 may stand for padding.
            Some(ids) => (1 + i % ids.saturating_sub(1).max(1)).min(ids.saturating_sub(1)) as f32,
            None => (i * 37 % 101) as f32 / 50.0 - 1.0,
        };
        let values = (0..count * size).map(value).collect();
        let shape: Vec<usize> = std::iter::once(count).chain(spec.shape.iter().copied()).collect();
        let array = Array::new(shape, values).map_err(|e| Error::shape(e.to_string()))?;
        let steps = spec.shape.first().copied().unwrap_or(1);
        let lengths = spec.ragged.then(|| present.iter().map(|&has| if has { steps } else { 0 }).collect());
        Ok(Input { array, present, lengths })
    };
    let samples: Vec<usize> = (0..count).map(|i| i % targets.len()).collect();
    Ok(Batch {
        ids: (0..count).map(|i| i.to_string()).collect(),
        inputs: specs.iter().enumerate().map(input).collect::<Result<_, Error>>()?,
        targets: targets.pick(&samples),
    })
}
