//! Tolerances of the toy files and the two evaluators.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use counterpoint::grad::{Cut, Evaluator, PerRow, StepContext};
use counterpoint::host::{host, scalar};
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::Modality;
use counterpoint::model::Model;
use counterpoint::peers::Alone;
use counterpoint::step::Position;
use counterpoint::step::{Gradients, LossTerm, Phase, StepRecord};
use counterpoint::task::{Classification, Task};
use counterpoint::train::TrainState;
use serde::Deserialize;

use crate::report::Report;

/// A tensor of a file, by all its values.
#[derive(Clone, Deserialize)]
pub(super) struct Values {
    pub values: Vec<f64>,
}

/// Gradients or parameters by name.
pub(super) type Tensors = BTreeMap<String, Values>;

/// Share of the largest entry that a tensor may be off.
const TENSOR: f64 = 1e-5;
/// Relative error of a loss.
const LOSS: f64 = 1e-6;

#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Cut,
    PerRow,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::Cut, Self::PerRow];

    pub fn gradients<M: Model>(
        self,
        state: &mut TrainState<M>,
        phase: &Phase,
        inputs: &Inputs,
        task: &Classification,
        at: Position,
    ) -> Result<(Gradients, StepRecord), String> {
        let context =
            StepContext { model: &state.model, groups: &state.groups, inputs, task, at, peers: &Alone };
        let pass = &mut ForwardContext::train(&mut state.buffers);
        let strategy = state.strategy.as_mut();
        match self {
            Self::Cut => Cut.evaluate(context, phase, strategy, pass),
            Self::PerRow => PerRow.evaluate(context, phase, strategy, pass),
        }
        .map_err(|e| e.to_string())
    }
}

pub(super) fn loss(report: &mut Report, what: String, got: f64, expected: f64) {
    report.number(what, got, expected, LOSS * expected.abs());
}

/// Numbers of one kind, against the largest of them.
pub(super) fn tensor(report: &mut Report, what: &str, got: &[f64], expected: &[f64]) {
    let largest = expected.iter().fold(0.0_f64, |top, v| top.max(v.abs()));
    report.numbers(what, got, expected, TENSOR * largest.max(f64::MIN_POSITIVE));
}

/// One number with the tolerance of a tensor.
pub(super) fn number(report: &mut Report, what: String, got: f64, expected: f64) {
    tensor(report, &what, &[got], &[expected]);
}

pub(super) fn gradients<M: Model>(
    report: &mut Report,
    what: &str,
    state: &TrainState<M>,
    gradients: &Gradients,
    expected: &Tensors,
) {
    for (position, p) in state.groups.parameters().iter().enumerate() {
        match (gradients.get(position), expected.get(&p.name)) {
            (Some(got), Some(want)) => {
                tensor(report, &format!("{what}: gradient {}", p.name), &host64(got.clone()), &want.values);
            }
            (None, None) => report.holds(format_args!("{what}: no gradient {}", p.name), true),
            (got, _) => report.holds(
                format_args!(
                    "{what}: {} has a gradient {}",
                    p.name,
                    if got.is_some() { "here only" } else { "in the file only" }
                ),
                false,
            ),
        }
    }
    let known = |name: &String| state.groups.parameters().iter().any(|p| p.name == *name);
    for name in expected.keys().filter(|name| !known(name)) {
        report.holds(format_args!("{what}: this model has a parameter {name}"), false);
    }
}

pub(super) fn parameters<M: Model>(
    report: &mut Report,
    what: &str,
    state: &TrainState<M>,
    expected: &Tensors,
) {
    let mut seen = 0;
    state.visit(|p, values| {
        if let Some(want) = expected.get(&p.name) {
            tensor(report, &format!("{what}: {}", p.name), &doubles(values), &want.values);
            seen += 1;
        }
    });
    report.holds(format_args!("{what}: every parameter of the file"), seen == expected.len());
}

/// The term that a file calls `full`, `0`, `aux0` or `pce0`.
pub(super) fn term(name: &str) -> Result<LossTerm, String> {
    let index = |text: &str| text.parse().map(Modality).map_err(|_| format!("unknown term `{name}`"));
    Ok(match (name, name.strip_prefix("aux").or(name.strip_prefix("pce"))) {
        ("full", _) => LossTerm::Fused,
        (_, Some(rest)) => LossTerm::Auxiliary(index(rest)?),
        (_, None) => LossTerm::Unimodal(index(name)?),
    })
}

/// Loss and scores of a term that the method itself does not compute.
pub(super) fn forward<M: Model>(
    state: &TrainState<M>,
    term: LossTerm,
    inputs: &Inputs,
    task: &Classification,
) -> (f64, Vec<f64>) {
    let all: Vec<usize> = (0..inputs.samples()).collect();
    let mut scratch = Buffers::default();
    let pass = &mut ForwardContext::train(&mut scratch);
    let scored = state.frozen().forward(&[(term, all.clone())], inputs, pass).remove(0);
    let loss = scalar(task.loss(scored.scores.clone(), &inputs.targets_of(&all)));
    (loss, host64(scored.scores))
}

/// Values of a tensor in `f64`.
pub(super) fn host64<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    doubles(host(tensor))
}

pub(super) fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

pub(super) fn flat(terms: &[Vec<f64>]) -> Vec<f64> {
    terms.iter().flatten().copied().collect()
}

/// Training on the file's batches: one epoch of `batches`.
pub(super) fn position(epoch: usize, batch: usize, batches: usize) -> Position {
    Position { epoch, epochs: 100, batch, batches, seed: 0 }
}

pub(super) fn step<M: Model>(state: &mut TrainState<M>, gradients: Gradients) {
    let model = state.model.clone();
    state.model = state.optimizer.step(model, gradients, &state.groups, 1.0);
}

pub(super) fn labels(report: &mut Report, got: &[usize], expected: &[usize]) {
    report.holds("labels of the fill are those of the file", got == expected);
}
