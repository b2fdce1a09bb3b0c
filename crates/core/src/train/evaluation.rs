//! Scores of a whole split.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint_batch::{BatchSource, Targets};

use crate::grad::Row;
use crate::host::host;
use crate::input::Inputs;
use crate::layer::{Buffers, Pass};
use crate::modality::{Modalities, Modality, Present};
use crate::model::Model;
use crate::task::Task;
use crate::{Error, ErrorKind};

/// Scores of every sample of a split, for the fused model and for every
/// modality alone.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Sample names, in the order of the split.
    pub ids: Vec<String>,
    /// What should have been predicted.
    pub targets: Targets,
    /// What each sample has.
    pub present: Vec<Present>,
    /// For each row the samples it scored, and what the task keeps of their
    /// scores, row-major. The full row scores every sample with whatever it has.
    pub kept: BTreeMap<Row, (Vec<usize>, Vec<f32>)>,
    /// The same for further sets of modalities that were asked for.
    pub subsets: BTreeMap<Present, (Vec<usize>, Vec<f32>)>,
    /// For each modality the samples that have it, and their features row-major.
    pub features: BTreeMap<Modality, (Vec<usize>, Vec<f32>)>,
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
) -> Result<Evaluation, Error> {
    evaluate_subsets(model, buffers, task, source, device, &[])
}

/// As [`evaluate`], with the scores of further sets of modalities on the
/// samples that have them.
///
/// # Errors
/// If a batch cannot be read.
pub fn evaluate_subsets<M: Model>(
    model: &M,
    buffers: &Buffers,
    task: &dyn Task,
    source: &dyn BatchSource,
    device: &Device,
    subsets: &[Present],
) -> Result<Evaluation, Error> {
    let names = model.modalities();
    let mut result = Evaluation {
        ids: Vec::new(),
        targets: Targets::Classes(Vec::new()),
        present: Vec::new(),
        kept: BTreeMap::new(),
        subsets: BTreeMap::new(),
        features: BTreeMap::new(),
    };
    for batch in source.epoch(0, 0) {
        let batch = batch.map_err(|e| Error::new(ErrorKind::Data, "cannot read a batch").because(e))?;
        let before = result.ids.len();
        result.ids.extend(batch.ids.iter().cloned());
        let inputs = Inputs::new(batch, device);
        result.present.extend(inputs.present());
        let all: Vec<usize> = (0..inputs.samples()).collect();
        result.targets.append(inputs.targets_of(&all));
        let mut rows = rows_of(names, &inputs);
        let usual = rows.len();
        rows.extend(subsets.iter().map(|s| (Row::Subset(*s), inputs.serving(*s))));
        rows.retain(|(_, samples)| !samples.is_empty());
        let scored = model.forward(&rows, &inputs, &mut Pass::eval(buffers));
        for (place, ((row, samples), mut scored)) in rows.into_iter().zip(scored).enumerate() {
            let values = task.keep(scored.scores, &inputs.targets_of(&samples));
            let samples = samples.into_iter().map(|i| before + i);
            if let Row::Solo(m) = row
                && let Some(z) = scored.features[m.0].take()
            {
                let (of, features) = result.features.entry(m).or_default();
                of.extend(samples.clone());
                features.extend(host(z));
            }
            let (of, kept) = match row {
                Row::Subset(present) if place >= usual => result.subsets.entry(present).or_default(),
                // A pattern of what samples have is part of the full row.
                Row::Subset(_) => result.kept.entry(Row::Full).or_default(),
                _ => result.kept.entry(row).or_default(),
            };
            of.extend(samples);
            kept.extend(values);
        }
    }
    Ok(result)
}

/// Each modality alone on the samples that have it, and each pattern of
/// present modalities on the samples that show it.
fn rows_of(names: &Modalities, inputs: &Inputs) -> Vec<(Row, Vec<usize>)> {
    let mut rows: Vec<(Row, Vec<usize>)> =
        names.iter().map(|m| (Row::Solo(m), inputs.serving(Present::only(m)))).collect();
    rows.extend(inputs.patterns().into_iter().map(|(present, samples)| {
        (if present == names.all() { Row::Full } else { Row::Subset(present) }, samples)
    }));
    rows.retain(|(_, samples)| !samples.is_empty());
    rows
}

impl Evaluation {
    /// The selecting metric with only some modalities shown, on the samples
    /// that have all; NaN if that was not scored.
    pub fn score_of_complete(&self, shown: Present, names: &Modalities, task: &dyn Task) -> f64 {
        let scored = match Row::showing(shown, names.len()) {
            Row::Subset(present) => self.subsets.get(&present),
            row => self.kept.get(&row),
        };
        let Some((samples, scores)) = scored else { return f64::NAN };
        let complete = |&&sample: &&usize| self.present[sample] == names.all();
        if samples.iter().filter(complete).count() == samples.len() {
            return task.score(scores, &self.targets.pick(samples));
        }
        let width = scores.len() / samples.len();
        let (mut kept, mut values) = (Vec::new(), Vec::new());
        for (sample, row) in samples.iter().zip(scores.chunks_exact(width)).filter(|(s, _)| complete(s)) {
            kept.push(*sample);
            values.extend(row);
        }
        if kept.is_empty() { f64::NAN } else { task.score(&values, &self.targets.pick(&kept)) }
    }

    /// The metric that selects a model, of the fused output; NaN where it is not defined.
    pub fn score(&self, task: &dyn Task) -> f64 {
        let fused = self.kept.get(&Row::Full);
        fused.map_or(f64::NAN, |(samples, kept)| task.score(kept, &self.targets.pick(samples)))
    }

    /// The task's metrics of each row, by name; NaN for one that is not defined on its samples.
    pub fn metrics(&self, task: &dyn Task) -> BTreeMap<Row, BTreeMap<&'static str, f64>> {
        let judge = |(row, (samples, kept)): (&Row, &(Vec<usize>, Vec<f32>))| {
            let values = task.judge(kept, &self.targets.pick(samples));
            (*row, task.metrics().names().zip(values).collect())
        };
        self.kept.iter().map(judge).collect()
    }

    /// The task's metrics of the full row by what the samples have; empty if
    /// no sample lacks anything.
    pub fn by_presence(&self, task: &dyn Task) -> BTreeMap<Present, (usize, BTreeMap<&'static str, f64>)> {
        let mut parts: BTreeMap<Present, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
        if let Some((samples, kept)) = self.kept.get(&Row::Full) {
            for (&sample, row) in samples.iter().zip(kept.chunks_exact(task.kept())) {
                let (of, values) = parts.entry(self.present[sample]).or_default();
                of.push(sample);
                values.extend(row);
            }
        }
        if parts.len() < 2 {
            return BTreeMap::new();
        }
        let judge = |(present, (samples, kept)): (Present, (Vec<usize>, Vec<f32>))| {
            let values = task.judge(&kept, &self.targets.pick(&samples));
            (present, (samples.len(), task.metrics().names().zip(values).collect()))
        };
        parts.into_iter().map(judge).collect()
    }
}
