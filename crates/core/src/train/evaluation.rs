//! Scores of a whole split.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint_batch::{BatchSource, Targets};

use super::gather::gather;
use crate::host::host;
use crate::input::Inputs;
use crate::layer::{Buffers, ForwardContext};
use crate::modality::{Modalities, Modality, Present};
use crate::model::{Model, Scored};
use crate::peers::{Alone, Peers};
use crate::probe::Probe;
use crate::step::{LossTerm, TermOutput};
use crate::strategy::{Measured, Native, UnimodalQuery};
use crate::task::Task;
use crate::{Error, ErrorKind};

/// Samples, and what the task keeps of the scores of each, row-major.
pub type Reduced = (Vec<usize>, Vec<f32>);

/// Scores of every sample of a split, for the fused model and for every
/// modality alone.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Sample names, in the order of the split.
    pub ids: Vec<String>,
    /// What should have been predicted.
    pub targets: Targets,
    /// What each sample has.
    pub present: Vec<Present>,
    /// For each term the samples it scored, and what the task keeps of their
    /// scores. The fused term scores every sample with whatever it has.
    pub reduced: BTreeMap<LossTerm, Reduced>,
    /// The fused term without a readout, where one takes its place among `reduced`.
    pub plain: Option<Reduced>,
    /// Each single modality as the method itself reads it; empty if that is not
    /// asked for, or the method has no convention of its own.
    pub native: BTreeMap<Modality, Reduced>,
    /// Each single modality as a linear probe reads its features; an evaluation
    /// by itself has none, see [`Self::read_by`].
    pub probe: BTreeMap<Modality, Reduced>,
    /// The same as `kept` for further sets of modalities that were asked for.
    pub subsets: BTreeMap<Present, Reduced>,
    /// For each modality the samples that have it, and their features row-major.
    pub features: BTreeMap<Modality, (Vec<usize>, Vec<f32>)>,
}

/// Whoever makes one prediction of a sample's inputs.
pub trait Predictor {
    /// The scores of every sample; `None` for one of which it has nothing to say.
    fn predict(&self, inputs: &Inputs) -> Vec<Option<Vec<f32>>>;
}

/// What an evaluation gives besides the usual terms.
#[derive(Clone, Copy, Default)]
pub struct Besides<'a> {
    /// Scores of these sets of modalities, on the samples that have them.
    pub subsets: &'a [Present],
    /// Each single modality as the method itself reads it.
    pub native: Option<&'a dyn Native>,
    /// What takes the place of the fused scores, where it has something to say.
    pub readout: Option<&'a dyn Predictor>,
    /// Who scores the same split: each a share of it, and all know the scores of all.
    pub peers: Option<&'a dyn Peers>,
}

/// Runs a model over a split, every sample once, with running statistics.
///
/// # Errors
/// If a batch cannot be read.
pub fn evaluate<M: Model>(
    model: &M,
    buffers: &Buffers,
    task: &dyn Task,
    source: &dyn BatchSource,
    device: &Device,
    besides: Besides<'_>,
) -> Result<Evaluation, Error> {
    let names = model.modalities();
    let mut result = Evaluation::default();
    let mut read: Vec<Option<Vec<f32>>> = Vec::new();
    let peers = besides.peers.unwrap_or(&Alone);
    let (share, mut sizes) = (source.share(peers.rank(), peers.size()), Vec::new());
    for batch in share.epoch(0, 0) {
        let batch = batch.map_err(|e| Error::new(ErrorKind::Data, "cannot read a batch").because(e))?;
        let before = result.ids.len();
        sizes.push(batch.len());
        result.ids.extend(batch.ids.iter().cloned());
        let inputs = Inputs::new(batch, device);
        result.present.extend(inputs.present());
        read.extend(besides.readout.into_iter().flat_map(|readout| readout.predict(&inputs)));
        let all: Vec<usize> = (0..inputs.samples()).collect();
        result.targets.append(inputs.targets_of(&all));
        let mut terms = terms_of(names, &inputs);
        let usual = terms.len();
        terms.extend(besides.subsets.iter().map(|s| (LossTerm::Subset(*s), inputs.serving(*s))));
        terms.retain(|(_, samples)| !samples.is_empty());
        let asked = terms.len();
        let readings = besides.native.map(|native| readings(native, names, &inputs, &mut terms));
        let scored = model.forward(&terms, &inputs, &mut ForwardContext::eval(buffers));
        for reading in readings.iter().flatten() {
            let outputs = reading.outputs(&terms, &scored, &inputs);
            let scores = besides.native.and_then(|native| native.scores(reading.unimodal, &outputs));
            let Some(scores) = scores else { continue };
            let (of, reduced) = result.native.entry(reading.unimodal.modality).or_default();
            of.extend(reading.samples.iter().map(|i| before + i));
            reduced.extend(task.reduce(scores, &inputs.targets_of(&reading.samples)));
        }
        let of_terms = terms.into_iter().zip(scored).take(asked);
        for (place, ((term, samples), mut scored)) in of_terms.enumerate() {
            let values = task.reduce(scored.scores, &inputs.targets_of(&samples));
            let samples = samples.into_iter().map(|i| before + i);
            if let LossTerm::Unimodal(m) = term
                && let Some(z) = scored.features[m.0].take()
            {
                let (of, features) = result.features.entry(m).or_default();
                of.extend(samples.clone());
                features.extend(host(z));
            }
            let (of, reduced) = match term {
                LossTerm::Subset(present) if place >= usual => result.subsets.entry(present).or_default(),
                // A pattern of what samples have is part of the fused term.
                LossTerm::Subset(_) => result.reduced.entry(LossTerm::Fused).or_default(),
                _ => result.reduced.entry(term).or_default(),
            };
            of.extend(samples);
            reduced.extend(values);
        }
    }
    if read.iter().any(Option::is_some)
        && let Some(fused) = result.reduced.get_mut(&LossTerm::Fused)
    {
        result.plain = Some(fused.clone());
        let width = task.reduced_width();
        for (sample, scores) in fused.0.iter().zip(fused.1.chunks_exact_mut(width)) {
            if let Some(read) = &read[*sample] {
                scores.copy_from_slice(read);
            }
        }
    }
    Ok(if peers.size() == 1 { result } else { gather(peers, &result, &sizes) })
}

/// One modality of the samples that have the same, read by the method's own convention.
struct Reading {
    unimodal: UnimodalQuery,
    samples: Vec<usize>,
    /// Where among all terms those are that it is made of.
    places: Vec<usize>,
}

impl Reading {
    fn outputs(
        &self,
        terms: &[(LossTerm, Vec<usize>)],
        scored: &[Scored],
        inputs: &Inputs,
    ) -> BTreeMap<LossTerm, TermOutput> {
        let targets = inputs.targets_of(&self.samples);
        let output = |&place: &usize| {
            let Scored { scores, features } = scored[place].clone();
            let (samples, targets) = (self.samples.clone(), targets.clone());
            (terms[place].0, TermOutput { scores, features, targets, samples })
        };
        self.places.iter().map(output).collect()
    }
}

/// What a convention needs for every set of modalities that samples have; terms
/// that are not run anyway are added.
fn readings(
    native: &dyn Native,
    names: &Modalities,
    inputs: &Inputs,
    terms: &mut Vec<(LossTerm, Vec<usize>)>,
) -> Vec<Reading> {
    let mut all = Vec::new();
    for (present, samples) in inputs.patterns() {
        for modality in present.iter() {
            let unimodal = UnimodalQuery { modality, present, modalities: names.len() };
            let mut place = |term: LossTerm| {
                let same = |(other, of): &(LossTerm, Vec<usize>)| *other == term && *of == samples;
                terms.iter().position(same).unwrap_or_else(|| {
                    terms.push((term, samples.clone()));
                    terms.len() - 1
                })
            };
            let places = native.terms(unimodal).into_iter().map(&mut place).collect();
            all.push(Reading { unimodal, samples: samples.clone(), places });
        }
    }
    all
}

/// Each single modality on the samples that have it, and each pattern of
/// present modalities on the samples that show it.
fn terms_of(names: &Modalities, inputs: &Inputs) -> Vec<(LossTerm, Vec<usize>)> {
    let mut terms: Vec<(LossTerm, Vec<usize>)> =
        names.iter().map(|m| (LossTerm::Unimodal(m), inputs.serving(Present::only(m)))).collect();
    terms.extend(inputs.patterns().into_iter().map(|(present, samples)| {
        (if present == names.all() { LossTerm::Fused } else { LossTerm::Subset(present) }, samples)
    }));
    terms.retain(|(_, samples)| !samples.is_empty());
    terms
}

impl Evaluation {
    /// The features of each modality with the targets of the samples that have it.
    pub fn measured(&self) -> BTreeMap<Modality, Measured> {
        let measured = |(m, (of, values)): (&Modality, &(Vec<usize>, Vec<f32>))| {
            let (width, targets) = (values.len() / of.len().max(1), self.targets.pick(of));
            (*m, Measured { width, values: values.clone(), targets })
        };
        self.features.iter().map(measured).collect()
    }

    /// Adds what linear probes make of the features.
    pub fn read_by(&mut self, probes: &BTreeMap<Modality, Probe>, task: &dyn Task) {
        let scores = |(m, probe): (&Modality, &Probe)| {
            let (of, features) = self.features.get(m)?;
            Some((*m, (of.clone(), probe.reduce(features, &self.targets.pick(of), task))))
        };
        self.probe = probes.iter().filter_map(scores).collect();
    }

    /// The selecting metric with only some modalities shown, on the samples
    /// that have all; NaN if that was not scored.
    pub fn score_of_complete(&self, shown: Present, names: &Modalities, task: &dyn Task) -> f64 {
        let scored = match LossTerm::showing(shown, names.len()) {
            LossTerm::Subset(present) => self.subsets.get(&present),
            term => self.reduced.get(&term),
        };
        let Some((samples, scores)) = scored else { return f64::NAN };
        let complete = |&&sample: &&usize| self.present[sample] == names.all();
        if samples.iter().filter(complete).count() == samples.len() {
            return task.score(scores, &self.targets.pick(samples));
        }
        let width = scores.len() / samples.len();
        let (mut reduced, mut values) = (Vec::new(), Vec::new());
        for (sample, row) in samples.iter().zip(scores.chunks_exact(width)).filter(|(s, _)| complete(s)) {
            reduced.push(*sample);
            values.extend(row);
        }
        if reduced.is_empty() { f64::NAN } else { task.score(&values, &self.targets.pick(&reduced)) }
    }

    /// The metric that selects a model, of the fused output; NaN where it is not defined.
    pub fn score(&self, task: &dyn Task) -> f64 {
        let fused = self.reduced.get(&LossTerm::Fused);
        fused.map_or(f64::NAN, |(samples, reduced)| task.score(reduced, &self.targets.pick(samples)))
    }

    /// The task's metrics of each term, by name; NaN for one that is not defined on its samples.
    pub fn metrics(&self, task: &dyn Task) -> BTreeMap<LossTerm, BTreeMap<&'static str, f64>> {
        self.reduced.iter().map(|(term, reduced)| (*term, self.metrics_of(reduced, task))).collect()
    }

    /// The task's metrics of some samples of this evaluation, by name.
    pub fn metrics_of(&self, (samples, reduced): &Reduced, task: &dyn Task) -> BTreeMap<&'static str, f64> {
        task.metrics().names().zip(task.evaluate(reduced, &self.targets.pick(samples))).collect()
    }

    /// The task's metrics of the fused term by what the samples have; empty if
    /// no sample lacks anything.
    pub fn by_presence(&self, task: &dyn Task) -> BTreeMap<Present, (usize, BTreeMap<&'static str, f64>)> {
        let mut parts: BTreeMap<Present, Reduced> = BTreeMap::new();
        if let Some((samples, reduced)) = self.reduced.get(&LossTerm::Fused) {
            for (&sample, row) in samples.iter().zip(reduced.chunks_exact(task.reduced_width())) {
                let (of, values) = parts.entry(self.present[sample]).or_default();
                of.push(sample);
                values.extend(row);
            }
        }
        if parts.len() < 2 {
            return BTreeMap::new();
        }
        let evaluate = |(present, (samples, reduced)): (Present, Reduced)| {
            let values = task.evaluate(&reduced, &self.targets.pick(&samples));
            (present, (samples.len(), task.metrics().names().zip(values).collect()))
        };
        parts.into_iter().map(evaluate).collect()
    }
}
