//! One file, step by step, by both evaluators.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::grad::{Cut, Evaluator, PerRow, StepContext};
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::Modalities;
use counterpoint::model::{AnyModel, Model};
use counterpoint::peers::Alone;
use counterpoint::step::Position;
use counterpoint::step::{Gradients, LossTerm, Need, Phase, StepRecord};
use counterpoint::task::Task;
use counterpoint::train::TrainState;
use counterpoint_batch::Batch;
use serde_json::Value;

use super::Architecture;
use super::schema::{File, Step, Tolerance};
use super::textbook::Textbook;
use crate::method;
use crate::parameters::{changed, values};
use crate::report::Report;

/// One file against one architecture.
pub(super) struct Comparison<'a, A: Architecture> {
    pub architecture: &'a A,
    pub task: Box<dyn Task>,
    pub device: Device,
    pub terms: Vec<(String, LossTerm)>,
    pub report: Report,
    optimizer: Textbook,
}

pub(super) fn run<A: Architecture>(architecture: &A, text: &str) -> Result<Report, String> {
    let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let settings = architecture.settings();
    if file.steps.len() != settings.steps {
        return Err(format!("case.steps = {}, but the file has {}", settings.steps, file.steps.len()));
    }
    let device = crate::device::device();
    let model = architecture.model(&device)?;
    let names: &Modalities = model.modalities();
    let strategy = method::strategy(&settings.method, settings.alpha)?;
    let strategy = strategy.build(names).map_err(|e| e.to_string())?;
    let unimodals = names.iter().map(|m| (names.name(m).to_owned(), LossTerm::Unimodal(m)));
    let terms = std::iter::once(("full".to_owned(), LossTerm::Fused)).chain(unimodals).collect();
    let mut state = TrainState::new(model, settings.optimizer()?, strategy);
    state.model = changed(state.model, &state.groups, |position, old| {
        let p = &state.groups.parameters()[position];
        let values = architecture.parameter(&architecture.name(&p.name), &p.shape);
        Tensor::from_data(TensorData::new(values, old.dims()), &device)
    });

    let task = architecture.task();
    let optimizer = Textbook::new(settings.optimizer()?, &state.groups);
    let mut comparison =
        Comparison { architecture, task, device, terms, optimizer, report: Report::default() };
    comparison.sizes(&state, &file);
    for (s, step) in file.steps.iter().enumerate() {
        comparison.step(&mut state, s, step)?;
    }
    comparison.last(&state, &file);
    comparison.evaluation(&state, &file)?;
    Ok(comparison.report)
}

impl<A: Architecture> Comparison<'_, A> {
    fn sizes(&mut self, state: &TrainState<AnyModel>, file: &File) {
        let parameters = state.groups.parameters();
        let mut tensors: BTreeMap<String, usize> = BTreeMap::new();
        for p in parameters {
            *tensors
                .entry(self.architecture.group(&self.architecture.name(&p.name), p.group))
                .or_default() += 1;
        }
        // The files count tensors by owner of the layer, whatever the partition.
        self.report.holds(
            "number of tensors",
            tensors.values().sum::<usize>() == file.groups.values().sum::<usize>(),
        );
        let count: usize = parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
        self.report.holds(
            format_args!("{count} parameters, expected {}", file.parameters),
            count == file.parameters,
        );
    }

    fn step(&mut self, state: &mut TrainState<AnyModel>, s: usize, step: &Step) -> Result<(), String> {
        let batch = self.architecture.batch(&s.to_string());
        if let Some(labels) = &step.labels {
            self.architecture.compare_labels(&mut self.report, &batch, labels);
        }
        let inputs = Inputs::new(batch.clone(), &self.device);
        let at =
            Position { epoch: 0, epochs: 1, batch: s, batches: self.architecture.settings().steps, seed: 0 };
        self.rows(state, s, step, &inputs, &batch, at)?;

        // Both evaluators; the second works on copies and is thrown away.
        let mut buffers = state.buffers.clone();
        let specified = self.gradients(state, &PerRow, &mut buffers, &inputs, at)?;
        let mut buffers = state.buffers.clone();
        let fast = self.gradients(state, &Cut, &mut buffers, &inputs, at)?;
        state.buffers = buffers;
        let mut chosen = None;
        for (what, (mut gradients, _)) in [("per term", specified), ("cut", fast)] {
            let what = format!("step {s} {what}");
            // The files state how far gradients drift in the first step only.
            let tolerance = step.float32_grad_drift.map_or(Tolerance::FLIP, Tolerance::gradient);
            let clip = self.architecture.settings().clip;
            let norm = match clip > 0.0 {
                true => {
                    let clip = gradients.clip(clip);
                    let expected = step.clip_coefficient.unwrap_or(1.0);
                    self.report.number(
                        format_args!("{what}: clip coefficient"),
                        clip.factor,
                        expected,
                        tolerance * expected,
                    );
                    clip.norm
                }
                false => gradients.norm(|_| true),
            };
            let expected = step.grad_norm_before_clip;
            self.report.number(format_args!("{what}: gradient norm"), norm, expected, tolerance * expected);
            self.each_gradient(&what, state, &gradients, step, tolerance);
            chosen = Some(gradients);
        }
        self.running(state, &format!("step {s}"), &step.running);
        self.update(state, s, chosen.expect("two evaluators ran"));
        Ok(())
    }

    /// One step of the textbook's optimizer, with which ours agrees up to single precision.
    fn update(&mut self, state: &mut TrainState<AnyModel>, s: usize, gradients: Gradients) {
        let model = state.model.clone();
        self.optimizer.start();
        state.model = changed(state.model.clone(), &state.groups, |position, old| {
            self.optimizer.update(position, old, &gradients)
        });
        let ours = state.optimizer.step(model, gradients, &state.groups, 1.0);
        let (ours, textbook) = (values(&ours, &state.groups), values(&state.model, &state.groups));
        for (name, ours) in ours {
            let textbook = doubles_of(&textbook[&name]);
            let what = format!("step {s}: {name} by our optimizer, distance");
            let difference: Vec<f64> = ours.iter().zip(&textbook).map(|(a, b)| f64::from(*a) - b).collect();
            self.report.number(what, norm(&difference), 0.0, 1e-5 * norm(&textbook));
        }
    }

    /// Every term for itself, with batch statistics and no buffer moved.
    fn rows(
        &mut self,
        state: &TrainState<AnyModel>,
        s: usize,
        step: &Step,
        inputs: &Inputs,
        batch: &Batch,
        at: Position,
    ) -> Result<(), String> {
        let names = state.model.modalities();
        let mut joint = method::strategy("joint", 0.0)?.build(names).map_err(|e| e.to_string())?;
        let terms: Vec<LossTerm> = self.terms.iter().map(|(_, term)| *term).collect();
        let phase = Phase::of(terms).needing(Need::EncoderTerms);
        let context = StepContext {
            model: &state.model,
            groups: &state.groups,
            inputs,
            task: self.task.as_ref(),
            at,
            peers: &Alone,
        };
        let mut scratch = Buffers::default();
        let (_, record) = PerRow
            .evaluate(context, &phase, joint.as_mut(), &mut ForwardContext::train(&mut scratch))
            .map_err(|e| e.to_string())?;
        for (name, term) in self.terms.clone() {
            let what = format!("step {s} {name}");
            match step.losses.get(&name) {
                Some(expected) => self.report.number(
                    format_args!("{what}: loss"),
                    record.losses[&term],
                    *expected,
                    Tolerance::loss(step.float32_drift) * expected.abs(),
                ),
                None => self.report.holds(format_args!("{what}: the file lacks the loss"), false),
            }
            if let Some(scores) = &step.scores {
                let got = doubles(record.outputs[&term].scores.clone());
                let expected = scores.get(&name).unwrap_or(&Value::Null);
                let what = format!("{what}: scores");
                self.architecture.compare_scores(&mut self.report, &what, &got, expected, Tolerance::SCORES);
                self.architecture.compare_more(&mut self.report, &name, &got, &step.more, batch);
            }
            if let Some(expected) = step.row_norms.as_ref().and_then(|norms| norms.get(&name)) {
                let tolerance = step.float32_grad_drift.map_or(Tolerance::FLIP, Tolerance::gradient);
                self.norms(&what, state, &record.terms[&term], expected, tolerance);
            }
        }
        Ok(())
    }

    fn gradients<E: Evaluator<AnyModel>>(
        &self,
        state: &mut TrainState<AnyModel>,
        evaluator: &E,
        buffers: &mut Buffers,
        inputs: &Inputs,
        at: Position,
    ) -> Result<(Gradients, StepRecord), String> {
        let phase = state.strategy.phases(at, state.model.modalities()).remove(0);
        let context = StepContext {
            model: &state.model,
            groups: &state.groups,
            inputs,
            task: self.task.as_ref(),
            at,
            peers: &Alone,
        };
        evaluator
            .evaluate(context, &phase, state.strategy.as_mut(), &mut ForwardContext::train(buffers))
            .map_err(|e| e.to_string())
    }
}

fn doubles_of(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// The values of a tensor in double precision.
pub(super) fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().expect("just converted")
}

/// Euclidean norm.
pub(super) fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
