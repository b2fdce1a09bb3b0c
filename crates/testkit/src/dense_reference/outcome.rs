//! What the steps left: parameters, statistics, and scores in evaluation.

use std::collections::BTreeMap;

use counterpoint::input::Inputs;
use counterpoint::layer::{BufferKey, Buffers, ForwardContext};
use counterpoint::modality::Present;
use counterpoint::model::{AnyModel, Model};
use counterpoint::step::LossTerm;
use counterpoint::train::TrainState;
use serde_json::Value;

use super::Architecture;
use super::compare::{Comparison, doubles, norm};
use super::schema::{File, Tolerance};
use crate::parameters::changed;

impl<A: Architecture> Comparison<'_, A> {
    /// Parameters and statistics after the last step.
    pub(super) fn last(&mut self, state: &TrainState<AnyModel>, file: &File) {
        let tolerance = Tolerance::loss(file.final_float32_drift);
        let silent: Vec<&String> = file.steps.iter().flat_map(|step| &step.no_gradient).collect();
        let mut values = BTreeMap::new();
        let _ = changed(state.model.clone(), &state.groups, |position, value| {
            let p = &state.groups.parameters()[position];
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
        let buffers = self.buffers(state);
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
    pub(super) fn evaluation(&mut self, state: &TrainState<AnyModel>, file: &File) -> Result<(), String> {
        let names = state.model.modalities();
        let batch = self.architecture.batch("eval");
        let inputs = Inputs::new(batch.clone(), &self.device);
        let all: Vec<usize> = (0..inputs.samples()).collect();
        let tolerance = Tolerance::gradient(file.eval_float32_drift);
        let frozen = state.frozen();
        for (name, term) in self.terms.clone() {
            let Some(entry) = file.eval.get(&name).and_then(Value::as_object) else {
                return Err(format!("eval lacks the term `{name}`"));
            };
            // A model without batch norm has one way to evaluate.
            let ways: Vec<(&str, &Value)> = match entry.contains_key("loss") {
                true => vec![("", &file.eval[&name])],
                false => entry.iter().map(|(way, value)| (way.as_str(), value)).collect(),
            };
            for (way, expected) in ways {
                let own = way == "own_buffer";
                if own && !moved(&state.buffers, term, names.len()) {
                    continue; // never trained: the file's numbers are of untouched statistics
                }
                let buffers = if own { state.buffers.clone() } else { of_all(&state.buffers, names.all()) };
                let asked = [(term, all.clone())];
                let scored = frozen.forward(&asked, &inputs, &mut ForwardContext::eval(&buffers)).remove(0);
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

/// Whether some layer has statistics of exactly the term's modalities.
fn moved(buffers: &Buffers, term: LossTerm, modalities: usize) -> bool {
    let own = BufferKey::Subset(term.present(modalities));
    buffers.iter().any(|(_, key, _)| key == own)
}

/// The statistics without those of single modalities, so that every term reads the common ones.
fn of_all(buffers: &Buffers, all: Present) -> Buffers {
    let mut common = Buffers::default();
    for (id, key, running) in buffers.iter() {
        if matches!(key, BufferKey::Single) || key == BufferKey::Subset(all) {
            common.set(id, key, running.clone());
        }
    }
    common
}
