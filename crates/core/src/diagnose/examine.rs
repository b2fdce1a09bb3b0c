//! Looking inside a model between two epochs.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;
use counterpoint_batch::{Batch, BatchSource, SourceError, Targets};

use super::{
    Diagnosis, Diagnostics, Measure, Suppression, effective_rank, mean_cosine, mean_norm_at_features,
};
use crate::feature::Features;
use crate::grad::{AtBoundary, Boundary};
use crate::host::host;
use crate::input::Inputs;
use crate::layer::{Buffers, ForwardContext};
use crate::modality::{Modalities, Modality};
use crate::model::Model;
use crate::step::LossTerm;
use crate::task::Task;
use crate::{Error, ErrorKind};

/// A model under examination. Nothing here changes it: encoders run without a
/// graph, batch norm reads its running statistics.
pub(crate) struct Examination<'a, M> {
    pub diagnostics: &'a Diagnostics,
    pub model: &'a M,
    pub buffers: &'a Buffers,
    pub task: &'a dyn Task,
    pub device: &'a Device,
    /// Weights of the terms that trained each encoder in the last epoch.
    pub mixture: &'a BTreeMap<(LossTerm, Modality), f64>,
}

/// Numbers of all examined samples for one modality.
#[derive(Default)]
struct Collected {
    /// Gradient of each sample's own loss at the features, of the fused and the
    /// unimodal loss and of the mixture that trains the encoder.
    fused: Vec<f32>,
    unimodal: Vec<f32>,
    trained: Option<Vec<f32>>,
    /// What the task keeps of the scores of the modality alone.
    reduced: Vec<f32>,
    /// The scores themselves, if suppression is measured.
    scores: Vec<f32>,
    features: Vec<f32>,
}

impl<M: Model> Examination<'_, M> {
    /// Gradients at the features, suppression and rank over samples of `source`
    /// that have all modalities.
    pub fn boundary(&self, source: &dyn BatchSource, result: &mut Diagnosis) -> Result<(), Error> {
        let wants = |measure| self.diagnostics.config.wants(measure);
        if !(wants(Measure::Gradients) || wants(Measure::Suppression) || wants(Measure::Rank)) {
            return Ok(());
        }
        let names = self.model.modalities();
        let still = Module::valid(self.model);
        let boundary = Boundary::of(self.model, self.buffers);
        let mut all: Vec<Collected> = names.iter().map(|_| Collected::default()).collect();
        let (mut fused_scores, mut targets, mut samples) = (Vec::new(), Targets::Classes(Vec::new()), 0);
        for batch in source.sampled(self.count(source)) {
            let inputs = Inputs::new(readable(batch)?, self.device);
            let complete = inputs.serving(names.all());
            if complete.is_empty() {
                continue;
            }
            let encoded = encode(&still, &inputs, self.buffers);
            let features = inputs.pick(&encoded, names.all(), &complete);
            let here = inputs.targets_of(&complete);
            let run = |term: LossTerm, features: &Features| boundary.run(term, features, &here, self.task);
            let fused = run(LossTerm::Fused, &features);
            let suppressed = self.measures_suppression(&here);
            for (m, collected) in names.iter().zip(&mut all) {
                let mut unimodal: Features = vec![None; names.len()];
                unimodal[m.0].clone_from(&features[m.0]);
                let unimodal = run(LossTerm::Unimodal(m), &unimodal);
                collected.reduced.extend(self.task.reduce(unimodal.scores.clone(), &here));
                if suppressed {
                    collected.scores.extend(host(unimodal.scores.clone()));
                }
                collected.add(self.mixture, m, &fused, unimodal, complete.len());
            }
            if suppressed {
                fused_scores.extend(host(fused.scores));
            }
            samples += complete.len();
            targets.append(here);
        }
        if samples == 0 {
            return Ok(());
        }
        for (m, collected) in names.iter().zip(&all) {
            collected.measure(self, names.name(m), samples, &fused_scores, &targets, result);
        }
        Ok(())
    }

    /// It is defined for additive heads that choose one class, and of more than one modality.
    fn measures_suppression(&self, targets: &Targets) -> bool {
        matches!(targets, Targets::Classes(_))
            && self.diagnostics.config.wants(Measure::Suppression)
            && self.diagnostics.additive
            && self.model.modalities().len() > 1
    }

    /// How many samples of a source are examined.
    pub fn count(&self, source: &dyn BatchSource) -> usize {
        match self.diagnostics.config.samples {
            0 => source.samples(),
            count => count,
        }
    }
}

impl Collected {
    fn add(
        &mut self,
        mixture: &BTreeMap<(LossTerm, Modality), f64>,
        m: Modality,
        fused: &AtBoundary,
        mut unimodal: AtBoundary,
        samples: usize,
    ) {
        // A mean loss gives every sample one part in `samples` of its own gradient.
        let own = |gradient: Option<&Vec<f32>>| -> Vec<f32> {
            gradient.into_iter().flatten().map(|g| g * samples as f32).collect()
        };
        let (of_fused, of_unimodal) =
            (own(fused.gradients[m.0].as_ref()), own(unimodal.gradients[m.0].as_ref()));
        let trained = mixed(mixture, m, &of_fused, &of_unimodal);
        self.trained = match (self.trained.take(), trained) {
            (None, trained) if self.fused.is_empty() => trained,
            (Some(mut all), Some(more)) => {
                all.extend(more);
                Some(all)
            }
            _ => None,
        };
        self.fused.extend(of_fused);
        self.unimodal.extend(of_unimodal);
        self.features.extend(unimodal.features[m.0].take().into_iter().flatten());
    }

    fn measure<M: Model>(
        &self,
        examination: &Examination<'_, M>,
        name: &str,
        samples: usize,
        fused: &[f32],
        targets: &Targets,
        result: &mut Diagnosis,
    ) {
        let (config, task) = (&examination.diagnostics.config, examination.task);
        let metric = task.metrics().primary().name;
        result.insert(name, format!("train_{metric}"), task.score(&self.reduced, targets));
        if config.wants(Measure::Gradients) && !self.fused.is_empty() {
            // These are the samples' own gradients, so their mean is over `samples`.
            let mean = |gradient: &[f32]| mean_norm_at_features(gradient, samples) / samples as f64;
            result.insert(name, "gradient_fused", mean(&self.fused));
            result.insert(name, "gradient_unimodal", mean(&self.unimodal));
            if let Some(trained) = &self.trained {
                result.insert(name, "gradient_trained", mean(trained));
            }
            result.insert(
                name,
                "cosine",
                mean_cosine(&self.fused, &self.unimodal, self.fused.len() / samples),
            );
        }
        if config.wants(Measure::Rank) && !self.features.is_empty() {
            result.insert(
                name,
                "effective_rank",
                effective_rank(&self.features, self.features.len() / samples),
            );
        }
        if let Targets::Classes(classes) = targets
            && examination.measures_suppression(targets)
        {
            let own: Vec<f64> = self.scores.iter().map(|&v| v.into()).collect();
            // fused = own + others, and the constant that both hold cancels.
            let others: Vec<f64> =
                fused.iter().zip(&own).map(|(&fused, own)| f64::from(fused) - own).collect();
            let s = Suppression::of(&own, &[&others], classes);
            result.insert(name, "suppression_effective", s.effective);
            result.insert(name, "suppression_mean", s.mean);
            result.insert(name, "suppression_median", s.median);
            result.insert(name, "suppression_share", s.above_one);
        }
    }
}

/// `sum over terms of W[term, encoder m] * gradient(term)`; `None` if a term other
/// than the fused and the unimodal one trains the encoder, or none does.
fn mixed(
    mixture: &BTreeMap<(LossTerm, Modality), f64>,
    m: Modality,
    fused: &[f32],
    unimodal: &[f32],
) -> Option<Vec<f32>> {
    let weights: Vec<(LossTerm, f64)> =
        mixture.iter().filter(|((_, of), _)| *of == m).map(|((term, _), weight)| (*term, *weight)).collect();
    if weights.is_empty() || fused.len() != unimodal.len() {
        return None;
    }
    let mut sum = vec![0.0; fused.len()];
    for (term, weight) in weights {
        let gradient = match term {
            LossTerm::Fused => fused,
            LossTerm::Unimodal(of) if of == m => unimodal,
            _ => return None,
        };
        sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += weight as f32 * g);
    }
    Some(sum)
}

/// The features of every modality that is there, without a graph.
pub(super) fn encode<M: Model>(still: &M, inputs: &Inputs, buffers: &Buffers) -> Features {
    let names: &Modalities = still.modalities();
    names.iter().map(|m| Some(still.encode(m, inputs.get(m)?, &mut ForwardContext::eval(buffers)))).collect()
}

pub(super) fn readable(batch: Result<Batch, SourceError>) -> Result<Batch, Error> {
    batch.map_err(|e| Error::new(ErrorKind::Data, "cannot read a batch").because(e))
}
