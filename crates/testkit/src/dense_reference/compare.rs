//! One file: steps, final parameters, evaluation.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::grad::{Cut, Evaluator, Gradients, Ledger, Need, PerRow, Phase, Row, Scene};
use counterpoint::input::Inputs;
use counterpoint::layer::{BufferKey, Buffers, Pass};
use counterpoint::modality::{Modalities, Present};
use counterpoint::model::Model;
use counterpoint::strategy::Moment;
use counterpoint::task::Task;
use counterpoint::train::Learner;
use counterpoint_batch::Batch;
use serde_json::Value;

use super::Architecture;
use super::schema::{File, Step, Summary, Tolerance};
use super::textbook::Textbook;
use crate::method;
use crate::parameters::{changed, values};
use crate::report::Report;

/// One file against one architecture.
struct Comparison<'a, A: Architecture> {
    architecture: &'a A,
    task: Box<dyn Task>,
    device: Device,
    rows: Vec<(String, Row)>,
    optimizer: Textbook,
    report: Report,
}

pub(super) fn run<A: Architecture>(architecture: &A, text: &str) -> Result<Report, String> {
    let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let settings = architecture.settings();
    if file.steps.len() != settings.steps {
        return Err(format!("case.steps = {}, but the file has {}", settings.steps, file.steps.len()));
    }
    let device = Device::flex();
    let model = architecture.model(&device)?;
    let names: &Modalities = model.modalities();
    let strategy = method::strategy(&settings.method, settings.alpha)?;
    let strategy = strategy.build(names).map_err(|e| e.to_string())?;
    let solos = names.iter().map(|m| (names.name(m).to_owned(), Row::Solo(m)));
    let rows = std::iter::once(("full".to_owned(), Row::Full)).chain(solos).collect();
    let mut learner = Learner::new(model, settings.optimizer()?, strategy);
    learner.model = changed(learner.model, &learner.groups, |position, old| {
        let p = &learner.groups.parameters()[position];
        let values = architecture.parameter(&architecture.name(&p.name), &p.shape);
        Tensor::from_data(TensorData::new(values, old.dims()), &device)
    });

    let task = architecture.task();
    let optimizer = Textbook::new(settings.optimizer()?, &learner.groups);
    let mut comparison =
        Comparison { architecture, task, device, rows, optimizer, report: Report::default() };
    comparison.sizes(&learner, &file);
    for (s, step) in file.steps.iter().enumerate() {
        comparison.step(&mut learner, s, step)?;
    }
    comparison.last(&learner, &file);
    comparison.evaluation(&learner, &file)?;
    Ok(comparison.report)
}

impl<A: Architecture> Comparison<'_, A> {
    fn sizes(&mut self, learner: &Learner<A::Model>, file: &File) {
        let parameters = learner.groups.parameters();
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

    fn step(&mut self, learner: &mut Learner<A::Model>, s: usize, step: &Step) -> Result<(), String> {
        let batch = self.architecture.batch(&s.to_string());
        if let Some(labels) = &step.labels {
            self.architecture.compare_labels(&mut self.report, &batch, labels);
        }
        let inputs = Inputs::new(batch.clone(), &self.device);
        let at =
            Moment { epoch: 0, epochs: 1, batch: s, batches: self.architecture.settings().steps, seed: 0 };
        self.rows(learner, s, step, &inputs, &batch, at)?;

        // Both evaluators; the second works on copies and is thrown away.
        let mut buffers = learner.buffers.clone();
        let specified = self.gradients(learner, &PerRow, &mut buffers, &inputs, at)?;
        let mut buffers = learner.buffers.clone();
        let fast = self.gradients(learner, &Cut, &mut buffers, &inputs, at)?;
        learner.buffers = buffers;
        let mut chosen = None;
        for (what, (mut gradients, _)) in [("per row", specified), ("cut", fast)] {
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
            self.each_gradient(&what, learner, &gradients, step, tolerance);
            chosen = Some(gradients);
        }
        self.running(learner, &format!("step {s}"), &step.running);
        self.update(learner, s, chosen.expect("two evaluators ran"));
        Ok(())
    }

    /// One step of the textbook's optimizer, with which ours agrees up to single precision.
    fn update(&mut self, learner: &mut Learner<A::Model>, s: usize, gradients: Gradients) {
        let model = learner.model.clone();
        self.optimizer.start();
        learner.model = changed(learner.model.clone(), &learner.groups, |position, old| {
            self.optimizer.update(position, old, &gradients)
        });
        let ours = learner.optimizer.step(model, gradients, &learner.groups, 1.0);
        let (ours, textbook) = (values(&ours, &learner.groups), values(&learner.model, &learner.groups));
        for (name, ours) in ours {
            let textbook = doubles_of(&textbook[&name]);
            let what = format!("step {s}: {name} by our optimizer, distance");
            let difference: Vec<f64> = ours.iter().zip(&textbook).map(|(a, b)| f64::from(*a) - b).collect();
            self.report.number(what, norm(&difference), 0.0, 1e-6 * norm(&textbook));
        }
    }

    /// Every row for itself, with batch statistics and no buffer moved.
    fn rows(
        &mut self,
        learner: &Learner<A::Model>,
        s: usize,
        step: &Step,
        inputs: &Inputs,
        batch: &Batch,
        at: Moment,
    ) -> Result<(), String> {
        let names = learner.model.modalities();
        let mut joint = method::strategy("joint", 0.0)?.build(names).map_err(|e| e.to_string())?;
        let rows: Vec<Row> = self.rows.iter().map(|(_, row)| *row).collect();
        let phase = Phase::of(rows).needing(Need::EncoderRows);
        let scene =
            Scene { model: &learner.model, groups: &learner.groups, inputs, task: self.task.as_ref(), at };
        let mut scratch = Buffers::default();
        let (_, ledger) = PerRow
            .evaluate(scene, &phase, joint.as_mut(), &mut Pass::train(&mut scratch))
            .map_err(|e| e.to_string())?;
        for (name, row) in self.rows.clone() {
            let what = format!("step {s} {name}");
            match step.losses.get(&name) {
                Some(expected) => self.report.number(
                    format_args!("{what}: loss"),
                    ledger.losses[&row],
                    *expected,
                    Tolerance::loss(step.float32_drift) * expected.abs(),
                ),
                None => self.report.holds(format_args!("{what}: the file lacks the loss"), false),
            }
            if let Some(scores) = &step.scores {
                let got = doubles(ledger.outputs[&row].scores.clone());
                let expected = scores.get(&name).unwrap_or(&Value::Null);
                let what = format!("{what}: scores");
                self.architecture.compare_scores(&mut self.report, &what, &got, expected, Tolerance::SCORES);
                self.architecture.compare_more(&mut self.report, &name, &got, &step.more, batch);
            }
            if let Some(expected) = step.row_norms.as_ref().and_then(|norms| norms.get(&name)) {
                let tolerance = step.float32_grad_drift.map_or(Tolerance::FLIP, Tolerance::gradient);
                self.norms(&what, learner, &ledger.rows[&row], expected, tolerance);
            }
        }
        Ok(())
    }

    /// Norms of a row's gradient by group.
    fn norms(
        &mut self,
        what: &str,
        learner: &Learner<A::Model>,
        gradients: &Gradients,
        expected: &BTreeMap<String, f64>,
        tolerance: f64,
    ) {
        let parameters = learner.groups.parameters();
        let group = |i: usize| {
            let p = &parameters[i];
            self.architecture.group(&self.architecture.name(&p.name), p.group)
        };
        let global = expected.values().map(|n| n * n).sum::<f64>().sqrt();
        let norms: Vec<(&String, f64, f64)> = expected
            .iter()
            .map(|(name, want)| (name, gradients.norm(|i| group(i) == *name), *want))
            .collect();
        for (name, got, want) in norms {
            let scale = want.max(Tolerance::SMALL * global);
            self.report.number(format_args!("{what}: gradient norm of {name}"), got, want, tolerance * scale);
        }
    }

    fn gradients<E: Evaluator<A::Model>>(
        &self,
        learner: &mut Learner<A::Model>,
        evaluator: &E,
        buffers: &mut Buffers,
        inputs: &Inputs,
        at: Moment,
    ) -> Result<(Gradients, Ledger), String> {
        let phase = learner.strategy.phases(at, learner.model.modalities()).remove(0);
        let scene =
            Scene { model: &learner.model, groups: &learner.groups, inputs, task: self.task.as_ref(), at };
        evaluator
            .evaluate(scene, &phase, learner.strategy.as_mut(), &mut Pass::train(buffers))
            .map_err(|e| e.to_string())
    }

    fn each_gradient(
        &mut self,
        what: &str,
        learner: &Learner<A::Model>,
        gradients: &Gradients,
        step: &Step,
        tolerance: f64,
    ) {
        let Some(expected) = &step.grads else { return };
        let global = expected.values().map(|g| g.norm * g.norm).sum::<f64>().sqrt();
        for (position, p) in learner.groups.parameters().iter().enumerate() {
            let name = self.architecture.name(&p.name);
            let got = gradients.get(position).map(|g| doubles(g.clone()));
            match (got, expected.get(&name)) {
                (None, None) => {
                    let silent = step.no_gradient.contains(&name);
                    self.report.holds(format_args!("{what}: {name} is in the file"), silent);
                }
                (Some(got), Some(want)) if want.zero => {
                    let limit = Tolerance::ZERO * global;
                    self.report.number(format_args!("{what}: gradient of {name}"), norm(&got), 0.0, limit);
                }
                (Some(got), Some(want)) => {
                    let limit = tolerance * want.norm.max(Tolerance::SMALL * global);
                    self.summary(&format!("{what}: gradient of {name}"), &got, want, limit);
                }
                (got, _) => self.report.holds(
                    format_args!(
                        "{what}: {name} has a gradient {}",
                        if got.is_some() { "here only" } else { "in the file only" }
                    ),
                    false,
                ),
            }
        }
        let ours: Vec<String> =
            learner.groups.parameters().iter().map(|p| self.architecture.name(&p.name)).collect();
        for name in expected.keys().chain(&step.no_gradient).filter(|name| !ours.contains(name)) {
            self.report.holds(format_args!("{what}: this model has a parameter {name}"), false);
        }
    }

    fn summary(&mut self, what: &str, got: &[f64], expected: &Summary, limit: f64) {
        self.report.number(format_args!("{what}, norm"), norm(got), expected.norm, limit);
        for (i, (got, want)) in got.iter().zip(&expected.first).enumerate() {
            self.report.number(format_args!("{what}[{i}]"), *got, *want, limit);
        }
    }

    /// Every buffer that the file has, and no other.
    fn running(&mut self, learner: &Learner<A::Model>, what: &str, expected: &BTreeMap<String, Summary>) {
        if expected.is_empty() {
            return;
        }
        let ours = self.buffers(learner);
        for (name, got) in &ours {
            match expected.get(name) {
                Some(want) => {
                    let limit = Tolerance::RUNNING * want.norm;
                    self.summary(&format!("{what}: {name}"), got, want, limit);
                }
                None => self.report.holds(format_args!("{what}: the file has {name}"), false),
            }
        }
        // What no row moved stays at mean 0 and variance 1.
        for (name, want) in expected.iter().filter(|(name, _)| !ours.contains_key(*name)) {
            let still = if name.contains(".running_mean@") { 0.0 } else { 1.0 };
            self.report
                .holds(format_args!("{what}: {name} was moved"), want.first.iter().all(|v| *v == still));
        }
    }

    /// Running statistics by the names of the files.
    fn buffers(&self, learner: &Learner<A::Model>) -> BTreeMap<String, Vec<f64>> {
        let names = learner.model.modalities();
        let mut all = BTreeMap::new();
        for (id, key, running) in learner.buffers.iter() {
            let Some(position) = learner.groups.position(id) else { continue };
            let weight = self.architecture.name(&learner.groups.parameters()[position].name);
            let layer = weight.trim_end_matches(".weight");
            let buffer = match key {
                BufferKey::Single => "single",
                BufferKey::Subset(present) if present == names.all() => "full",
                BufferKey::Subset(present) => present.single().map_or("subset", |m| names.name(m)),
            };
            all.insert(format!("{layer}.running_mean@{buffer}"), doubles(running.mean.clone()));
            all.insert(format!("{layer}.running_var@{buffer}"), doubles(running.variance.clone()));
        }
        all
    }

    /// Parameters and statistics after the last step.
    fn last(&mut self, learner: &Learner<A::Model>, file: &File) {
        let tolerance = Tolerance::loss(file.final_float32_drift);
        let silent: Vec<&String> = file.steps.iter().flat_map(|step| &step.no_gradient).collect();
        let mut values = BTreeMap::new();
        let _ = changed(learner.model.clone(), &learner.groups, |position, value| {
            let p = &learner.groups.parameters()[position];
            let numbers = doubles(value.clone());
            values.insert(self.architecture.name(&p.name), (p.shape.clone(), numbers));
            value
        });
        for (name, (shape, got)) in &values {
            if silent.contains(&name) {
                let first = self.architecture.parameter(name, shape);
                let still = first == *got;
                self.report.holds(format_args!("{name} never moved"), still);
            }
            match file.r#final.get(name) {
                Some(want) => self.summary(&format!("final {name}"), got, want, tolerance * want.norm),
                None => self.report.holds(format_args!("the file has final {name}"), false),
            }
        }
        let buffers = self.buffers(learner);
        for (name, want) in &file.final_running {
            match buffers.get(name) {
                Some(got) => {
                    self.report.number(
                        format_args!("final {name}"),
                        norm(got),
                        *want,
                        Tolerance::RUNNING * want,
                    );
                }
                None if name.contains(".running_mean@") => {
                    self.report.number(format_args!("final {name}, which was not moved"), 0.0, *want, 1e-12);
                }
                // The root of the number of channels, which only the first step's entry tells.
                None => self
                    .report
                    .holds(format_args!("final {name} is of a layer that was not moved"), *want > 0.0),
            }
        }
        let known = buffers.keys().all(|name| file.final_running.contains_key(name));
        self.report.holds("no running statistics beyond the file's", file.final_running.is_empty() || known);
    }

    /// Rows in evaluation, with their own statistics and with those of all modalities.
    fn evaluation(&mut self, learner: &Learner<A::Model>, file: &File) -> Result<(), String> {
        let names = learner.model.modalities();
        let batch = self.architecture.batch("eval");
        let inputs = Inputs::new(batch.clone(), &self.device);
        let all: Vec<usize> = (0..inputs.samples()).collect();
        let tolerance = Tolerance::gradient(file.eval_float32_drift);
        let frozen = learner.frozen();
        for (name, row) in self.rows.clone() {
            let Some(entry) = file.eval.get(&name).and_then(Value::as_object) else {
                return Err(format!("eval lacks the row `{name}`"));
            };
            // A model without batch norm has one way to evaluate.
            let ways: Vec<(&str, &Value)> = match entry.contains_key("loss") {
                true => vec![("", &file.eval[&name])],
                false => entry.iter().map(|(way, value)| (way.as_str(), value)).collect(),
            };
            for (way, expected) in ways {
                let own = way == "own_buffer";
                if own && !moved(&learner.buffers, row, names.len()) {
                    continue; // never trained: the file's numbers are of untouched statistics
                }
                let buffers =
                    if own { learner.buffers.clone() } else { of_all(&learner.buffers, names.all()) };
                let asked = [(row, all.clone())];
                let scored = frozen.forward(&asked, &inputs, &mut Pass::eval(&buffers)).remove(0);
                let what = format!("eval {name} {way}");
                let loss = doubles(self.task.loss(scored.scores.clone(), &batch.targets))[0];
                let want = expected["loss"].as_f64().unwrap_or(f64::NAN);
                self.report.number(format_args!("{what}: loss"), loss, want, tolerance * want.abs());
                let got = doubles(scored.scores);
                let architecture = self.architecture;
                let of = &mut self.report;
                architecture.compare_scores(
                    of,
                    &format!("{what}: scores"),
                    &got,
                    &expected["scores"],
                    tolerance,
                );
                let entry: BTreeMap<String, Value> =
                    serde_json::from_value(expected.clone()).map_err(|e| e.to_string())?;
                architecture.compare_more(of, &name, &got, &entry, &batch);
            }
        }
        Ok(())
    }
}

/// Whether some layer has statistics of exactly the row's modalities.
fn moved(buffers: &Buffers, row: Row, modalities: usize) -> bool {
    let own = BufferKey::Subset(row.present(modalities));
    buffers.iter().any(|(_, key, _)| key == own)
}

/// The statistics without those of single modalities, so that every row reads the common ones.
fn of_all(buffers: &Buffers, all: Present) -> Buffers {
    let mut common = Buffers::default();
    for (id, key, running) in buffers.iter() {
        if matches!(key, BufferKey::Single) || key == BufferKey::Subset(all) {
            common.set(id, key, running.clone());
        }
    }
    common
}

fn doubles_of(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_into_vec().expect("just converted")
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
