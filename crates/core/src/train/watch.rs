//! The trainer's side of the diagnostics: when they look, and at what.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::{Besides, Evaluation, TrainState, Trainer, evaluate};
use crate::Error;
use crate::device::is_host;
use crate::diagnose::{
    Diagnosis, EncoderGradient, Examination, Level, Measure, absence, constant_guess, mean_magnitude,
};
use crate::host::{Reads, owned};
use crate::modality::{Modalities, Modality, Present};
use crate::model::Model;
use crate::step::{Clip, Gradients, Group, LossTerm, StepRecord};

type Sums = BTreeMap<String, f64>;

impl<M: Model> Trainer<'_, M> {
    /// Scores the validation split: besides the usual terms each modality as the
    /// method reads it, and the sets of modalities that diagnostics ask for.
    pub(super) fn validate(&self, state: &TrainState<M>) -> Result<Evaluation, Error> {
        let subsets = self.diagnostics.config.subsets(state.model.modalities().len());
        let (model, buffers) = (state.frozen(), &state.buffers);
        let besides = Besides {
            subsets: &subsets,
            native: state.strategy.native(),
            peers: Some(self.peers),
            ..Besides::default()
        };
        evaluate(&model, buffers, self.task, self.validation, self.device, besides)
    }

    /// What each encoder receives in a step, after the clip; empty if nobody asks.
    pub(super) fn step_gradients(
        &self,
        gradients: &Gradients,
        record: &StepRecord,
        clip: Option<Clip>,
        state: &TrainState<M>,
    ) -> BTreeMap<Modality, EncoderGradient> {
        if !self.diagnostics.config.wants(Measure::Gradients) {
            return BTreeMap::new();
        }
        let parameters = || state.groups.parameters().iter().enumerate();
        let of_encoder = |m: Modality| parameters().filter(move |(_, p)| p.group == Group::Encoder(m));
        let names = state.model.modalities();
        let received: Vec<(Modality, &Tensor<1>)> = names
            .iter()
            .flat_map(|m| of_encoder(m).filter_map(move |(i, _)| Some((m, gradients.get(i)?))))
            .collect();
        let mut applied: BTreeMap<Modality, f64> = BTreeMap::new();
        for ((m, _), mean) in received.iter().zip(mean_magnitudes(received.iter().map(|(_, tensor)| *tensor)))
        {
            *applied.entry(*m).or_default() += mean;
        }
        let of = |(m, applied): (Modality, f64)| {
            let factor: f64 = record.routing.terms_of(Group::Encoder(m)).map(|(_, weight)| weight).sum();
            (factor != 0.0).then(|| (m, EncoderGradient::of(applied, clip.map_or(1.0, |c| c.factor), factor)))
        };
        applied.into_iter().filter_map(of).collect()
    }

    /// Looks inside after `done` epochs. `sums` are those of the last epoch.
    pub(super) fn examine(
        &self,
        state: &TrainState<M>,
        done: usize,
        sums: &Sums,
        validation: &Evaluation,
    ) -> Result<Diagnosis, Error> {
        let mut result = Diagnosis::default();
        let config = &self.diagnostics.config;
        if config.level == Level::Off {
            return Ok(result);
        }
        let names = state.model.modalities();
        step_means(sums, names, &mut result);
        let examination = Examination {
            diagnostics: self.diagnostics,
            model: &state.model,
            buffers: &state.buffers,
            task: self.task,
            device: self.device,
            mixture: &mean_routing(sums, names),
        };
        examination.boundary(self.train, &mut result)?;
        if done.is_multiple_of(config.noise_every) || done == self.config.epochs {
            examination.noise(self.validation, self.config.seed, &mut result)?;
        }
        let score = |present: Present| validation.score_of_complete(present, names, self.task);
        absence(config, names, constant_guess(&validation.targets), score, &mut result);
        Ok(result)
    }
}

/// The mean magnitude of the entries of each tensor. On a device it is computed there, in single
/// precision, and read at once.
fn mean_magnitudes<'a>(tensors: impl Iterator<Item = &'a Tensor<1>>) -> Vec<f64> {
    let mut reads = Reads::default();
    let mut means = Vec::new();
    for tensor in tensors.cloned() {
        if is_host(&tensor.device()) {
            means.push(mean_magnitude(&owned(tensor)));
        } else {
            reads.add(tensor.abs().mean());
        }
    }
    means.extend(reads.fetch().iter().map(|mean| f64::from(mean[0])));
    means
}

/// Adds a step's encoder gradients, and who sent them, to the epoch's sums.
pub(super) fn tally_gradients(
    sums: &mut Sums,
    gradients: &BTreeMap<Modality, EncoderGradient>,
    record: &StepRecord,
    names: &Modalities,
) {
    for (&m, gradient) in gradients {
        let mut add = |what: &str, value: f64| {
            *sums.entry(format!("encoder/{}/{what}", names.name(m))).or_default() += value;
        };
        add("steps", 1.0);
        add("applied", gradient.applied);
        add("per_factor", gradient.per_factor);
        add("before_clip", gradient.before_clip);
        for (term, weight) in record.routing.terms_of(Group::Encoder(m)) {
            add(&format!("weight/{}", term.label(names)), weight);
        }
    }
}

/// Means over the steps of the epoch in which an encoder received something.
fn step_means(sums: &Sums, names: &Modalities, result: &mut Diagnosis) {
    for name in names.names() {
        let sum = |what: &str| sums.get(&format!("encoder/{name}/{what}"));
        let Some(steps) = sum("steps") else { continue };
        let measures = [
            ("gradient_tensors", "applied"),
            ("gradient_tensors_unweighted", "per_factor"),
            ("gradient_tensors_unclipped", "before_clip"),
        ];
        for (measure, what) in measures {
            result.insert(name, measure, sum(what).map_or(f64::NAN, |value| value / steps));
        }
    }
}

/// The mean weight of every term at each encoder over the epoch's steps.
fn mean_routing(sums: &Sums, names: &Modalities) -> BTreeMap<(LossTerm, Modality), f64> {
    let terms = || {
        let each = names.iter().flat_map(|m| [LossTerm::Unimodal(m), LossTerm::Auxiliary(m)]);
        std::iter::once(LossTerm::Fused).chain(each)
    };
    let mut weights = BTreeMap::new();
    for m in names.iter() {
        let name = names.name(m);
        let Some(steps) = sums.get(&format!("encoder/{name}/steps")) else { continue };
        let known = terms().chain(
            names.all().subsets().filter(|s| s.count() > 1 && *s != names.all()).map(LossTerm::Subset),
        );
        for term in known {
            if let Some(sum) = sums.get(&format!("encoder/{name}/weight/{}", term.label(names))) {
                weights.insert((term, m), sum / steps);
            }
        }
    }
    weights
}
