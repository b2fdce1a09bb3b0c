//! The rows of a readout, kept during training, and what they predict together.
//!
//! A row is the fused model or a single modality as it was after some epoch: its
//! parameters and statistics, and its scores on the samples that weights are fitted
//! to. After every epoch a row that became better takes the place of the one before,
//! and the weights are fitted anew, so that every checkpoint has a readout.

mod file;

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint_batch::{BatchSource, Targets};

use super::evaluation::{Besides, Evaluation, Predictor, Reduced, evaluate};
use crate::Error;
use crate::host::host;
use crate::input::Inputs;
use crate::layer::{Buffers, ForwardContext};
use crate::modality::{Modalities, Present};
use crate::model::Model;
use crate::peers::Peers;
use crate::readout::{Labels, ReadoutConfig, Rows, Truth, temperature, weights};
use crate::step::{Group, LossTerm};
use crate::task::Task;

/// A readout with its rows.
pub struct Readout<M> {
    config: ReadoutConfig,
    /// A part of the train split; the validation split without.
    held_out: Option<Box<dyn BatchSource>>,
    /// By term.
    pub(super) rows: BTreeMap<LossTerm, KeptRow>,
    /// By epoch, what the rows of it are computed with.
    pub(super) snapshots: BTreeMap<usize, Snapshot<M>>,
}

/// One row of a readout.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRow {
    /// Epochs that were finished when it was kept.
    pub epoch: usize,
    /// The factor that its scores are calibrated by.
    pub temperature: f64,
    /// Its calibrated loss, by which it was kept.
    pub loss: f64,
    /// Its weight, or one for each label.
    pub weights: Vec<f64>,
    /// Its scores of the samples that weights are fitted to; none where it is only read.
    pub(super) fitted: Reduced,
    /// Its scores of the validation split, if those are others.
    pub(super) validation: Option<Reduced>,
}

/// A model as it was after an epoch.
#[derive(Clone)]
pub(super) struct Snapshot<M> {
    /// Without gradients; what no row of the epoch needs may be anything.
    pub model: M,
    pub buffers: Buffers,
}

/// A readout as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutReport {
    /// What it is fitted to: `val`, or `train` for samples held out of it.
    pub fitted_on: &'static str,
    /// The rows, those of weight 0 too.
    pub rows: BTreeMap<LossTerm, KeptRow>,
    /// Its metrics on the validation split, by name.
    pub validation: BTreeMap<&'static str, f64>,
}

impl KeptRow {
    /// Whether it takes part in the prediction.
    pub fn counts(&self) -> bool {
        self.weights.iter().any(|w| *w > 0.0)
    }

    /// Its weight, for several labels the mean of them.
    pub fn weight(&self) -> f64 {
        crate::math::probability::mean(&self.weights)
    }
}

/// Whether a row is computed with the parameters of a group.
pub(super) fn needs(term: LossTerm, group: Group) -> bool {
    match (term, group) {
        (_, Group::UnimodalHead(_)) => false,
        (LossTerm::Unimodal(m), Group::Encoder(encoder)) => m == encoder,
        _ => true,
    }
}

impl<M: Model> Readout<M> {
    /// A readout of no row so far; `held_out` is what it is fitted to if that is not
    /// the validation split.
    pub fn new(config: ReadoutConfig, held_out: Option<Box<dyn BatchSource>>) -> Self {
        Self { config, held_out, rows: BTreeMap::new(), snapshots: BTreeMap::new() }
    }

    /// Fits to a part of the train split from now on, and not to the validation split.
    pub fn fit_to(&mut self, held_out: Box<dyn BatchSource>) {
        self.held_out = Some(held_out);
    }

    /// The rows that were kept, by term.
    pub fn rows(&self) -> &BTreeMap<LossTerm, KeptRow> {
        &self.rows
    }

    /// Keeps the rows that are better after an epoch, and fits the weights.
    pub(super) fn update(
        &mut self,
        epoch: usize,
        (model, buffers): (M, &Buffers),
        task: &dyn Task,
        validation: &Evaluation,
        device: &Device,
        peers: &dyn Peers,
    ) -> Result<ReadoutReport, Error> {
        let held_out = match &self.held_out {
            Some(source) => {
                let besides = Besides { peers: Some(peers), ..Besides::default() };
                Some(evaluate(&model, buffers, task, source.as_ref(), device, besides)?)
            }
            None => None,
        };
        let judged = held_out.as_ref().unwrap_or(validation);
        let (width, names) = (task.outputs(), model.modalities().clone());
        let ReadoutConfig::Cone { rows, .. } = self.config;
        for term in terms(&names) {
            let Some(reduced) = judged.reduced.get(&term) else { continue };
            let Some(truth) = Truth::of(&judged.targets.pick(&reduced.0), width) else { continue };
            let scores: Vec<f64> = reduced.1.iter().map(|&s| s.into()).collect();
            let (temperature, loss) = temperature(&truth, &scores);
            let better = rows == Rows::Last || self.rows.get(&term).is_none_or(|kept| loss < kept.loss);
            if !(better && loss.is_finite()) {
                continue;
            }
            let other = held_out.is_some().then(|| validation.reduced.get(&term).cloned()).flatten();
            let (weights, fitted) = (Vec::new(), reduced.clone());
            self.rows.insert(term, KeptRow { epoch, temperature, loss, weights, fitted, validation: other });
        }
        if self.rows.values().any(|row| row.epoch == epoch) {
            self.snapshots.insert(epoch, Snapshot { model, buffers: buffers.clone() });
        }
        self.snapshots.retain(|epoch, _| self.rows.values().any(|row| row.epoch == *epoch));
        self.fit(&judged.targets, width);
        let (samples, scores) = self.on_validation(validation, width);
        let values = task.evaluate(&scores, &validation.targets.pick(&samples));
        Ok(ReadoutReport {
            fitted_on: if held_out.is_some() { "train" } else { "val" },
            rows: self.rows.clone(),
            validation: task.metrics().names().zip(values).collect(),
        })
    }

    /// The weights that make the loss of the rows' sum smallest.
    fn fit(&mut self, targets: &Targets, width: usize) {
        let Some(truth) = Truth::of(targets, width) else { return };
        let ReadoutConfig::Cone { ridge, labels, .. } = self.config;
        let spread = |row: &KeptRow| {
            let mut all = vec![0.0; truth.samples() * width];
            for (&sample, scores) in row.fitted.0.iter().zip(row.fitted.1.chunks_exact(width)) {
                all[sample * width..][..width].iter_mut().zip(scores).for_each(|(to, &s)| *to = s.into());
            }
            all
        };
        let rows: Vec<Vec<f64>> = self.rows.values().map(spread).collect();
        let each = labels == Labels::Each && matches!(truth, Truth::Labels { .. });
        let found: Vec<Vec<f64>> = match each {
            false => vec![weights(&truth, &rows, ridge).weights],
            true => (0..width)
                .map(|label| {
                    let of = |row: &Vec<f64>| row.iter().skip(label).step_by(width).copied().collect();
                    weights(&truth.label(label), &rows.iter().map(of).collect::<Vec<_>>(), ridge).weights
                })
                .collect(),
        };
        for (place, row) in self.rows.values_mut().enumerate() {
            row.weights = found.iter().map(|weights| weights[place]).collect();
        }
    }

    /// What the kept rows make of the validation split; the fused scores of this
    /// epoch where no row has a say.
    fn on_validation(&self, validation: &Evaluation, width: usize) -> Reduced {
        let (samples, plain) = validation.reduced.get(&LossTerm::Fused).cloned().unwrap_or_default();
        let mut sums = Sums::new(validation.ids.len(), width);
        for row in self.rows.values().filter(|row| row.counts()) {
            let (of, scores) = row.validation.as_ref().unwrap_or(&row.fitted);
            sums.add(&row.weights, of, scores);
        }
        let all = sums.finish();
        let mut scores = Vec::with_capacity(plain.len());
        for (&sample, plain) in samples.iter().zip(plain.chunks_exact(width)) {
            scores.extend_from_slice(all[sample].as_deref().unwrap_or(plain));
        }
        (samples, scores)
    }
}

impl<M: Model> Predictor for Readout<M> {
    fn predict(&self, inputs: &Inputs) -> Vec<Option<Vec<f32>>> {
        let mut sums: Option<Sums> = None;
        for (epoch, snapshot) in &self.snapshots {
            let names = snapshot.model.modalities();
            let of_epoch = self.rows.iter().filter(|(_, row)| row.epoch == *epoch && row.counts());
            let mut parts = Vec::new();
            for (term, row) in of_epoch {
                parts.extend(served(*term, inputs, names).into_iter().map(|part| (part, &row.weights)));
            }
            let (terms, weights): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            if terms.is_empty() {
                continue;
            }
            let scored = snapshot.model.forward(&terms, inputs, &mut ForwardContext::eval(&snapshot.buffers));
            for (((_, samples), weights), scored) in terms.iter().zip(weights).zip(scored) {
                let width = scored.scores.dims()[1];
                let sums = sums.get_or_insert_with(|| Sums::new(inputs.samples(), width));
                sums.add(weights, samples, &host(scored.scores));
            }
        }
        sums.map_or_else(|| vec![None; inputs.samples()], Sums::finish)
    }
}

/// The rows that a model has: of one modality the fused scores are that modality's.
fn terms(names: &Modalities) -> Vec<LossTerm> {
    let unimodal = names.iter().map(LossTerm::Unimodal).filter(|_| names.len() > 1);
    std::iter::once(LossTerm::Fused).chain(unimodal).collect()
}

/// The samples that a row has scores of; fused ones are of whatever a sample has.
fn served(term: LossTerm, inputs: &Inputs, names: &Modalities) -> Vec<(LossTerm, Vec<usize>)> {
    let showing = |present: Present| match present == names.all() {
        true => LossTerm::Fused,
        false => LossTerm::Subset(present),
    };
    match term {
        LossTerm::Fused => inputs.patterns().into_iter().map(|(p, samples)| (showing(p), samples)).collect(),
        term => {
            let samples = inputs.serving(term.present(names.len()));
            if samples.is_empty() { Vec::new() } else { vec![(term, samples)] }
        }
    }
}

/// Weighted scores that are added up, by sample.
struct Sums {
    width: usize,
    values: Vec<f64>,
    served: Vec<bool>,
}

impl Sums {
    fn new(samples: usize, width: usize) -> Self {
        Self { width, values: vec![0.0; samples * width], served: vec![false; samples] }
    }

    fn add(&mut self, weights: &[f64], samples: &[usize], scores: &[f32]) {
        for (&sample, scores) in samples.iter().zip(scores.chunks_exact(self.width)) {
            self.served[sample] = true;
            let to = self.values[sample * self.width..][..self.width].iter_mut();
            to.zip(scores).zip(weights.iter().cycle()).for_each(|((to, &s), w)| *to += w * f64::from(s));
        }
    }

    fn finish(self) -> Vec<Option<Vec<f32>>> {
        let rows = self.values.chunks_exact(self.width).zip(&self.served);
        rows.map(|(row, served)| served.then(|| row.iter().map(|&s| s as f32).collect())).collect()
    }
}
