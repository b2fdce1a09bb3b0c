//! What the terms of a phase gave.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Int, Tensor, TensorData};
use counterpoint_batch::Targets;

use super::{LossTerm, Position};
use crate::feature::Vectors;
use crate::host::host;
use crate::modality::Modality;
use crate::task::Task;

/// Forward result of one term, on the samples that can serve it.
#[derive(Clone, Debug)]
pub struct TermOutput {
    /// `[samples, outputs]`, or `[samples * places, outputs]` of dense prediction.
    pub scores: Tensor<2>,
    /// What fusion saw, `[samples, width]`; `None` for absent modalities.
    pub features: Vectors,
    /// What should have been predicted.
    pub targets: Targets,
    /// Which samples of the batch these are.
    pub samples: Vec<usize>,
}

impl TermOutput {
    /// The same numbers without their graph.
    pub fn constant(&self) -> Self {
        Self {
            scores: self.scores.clone().inner(),
            features: self.features.iter().map(|z| z.clone().map(Tensor::inner)).collect(),
            targets: self.targets.clone(),
            samples: self.samples.clone(),
        }
    }

    /// Scores of some of the term's samples on the host, one vector per sample;
    /// `None` for a sample that the term does not serve.
    pub fn scores_of(&self, samples: &[usize]) -> Vec<Option<Vec<f64>>> {
        let width = self.scores.dims()[1];
        let all = host(self.scores.clone());
        let row = |place: usize| all[place * width..(place + 1) * width].iter().map(|&v| v.into()).collect();
        samples.iter().map(|sample| self.samples.binary_search(sample).ok().map(row)).collect()
    }

    /// Scores of the given samples in their order, all rows of each (dense
    /// prediction has several); `None` if the term does not serve them all.
    pub fn scores_at(&self, samples: &[usize]) -> Option<Tensor<2>> {
        let find = |sample: &usize| self.samples.binary_search(sample).ok();
        let places = samples.iter().map(find).collect::<Option<Vec<usize>>>()?;
        if samples == self.samples {
            return Some(self.scores.clone());
        }
        let each = self.scores.dims()[0] / self.samples.len();
        let rows: Vec<i64> = places
            .into_iter()
            .flat_map(|place| place * each..(place + 1) * each)
            .map(|row| row as i64)
            .collect();
        let count = rows.len();
        let index = Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &self.scores.device());
        Some(self.scores.clone().select(0, index))
    }

    /// The features of one modality that the term has.
    ///
    /// # Panics
    /// If the term does not have it.
    pub fn feature(&self, m: Modality) -> Tensor<2> {
        self.features[m.0].clone().expect("the term has the modality")
    }
}

/// What a strategy sees before it routes: no graph, no model.
#[derive(Debug)]
pub struct StepOutputs<'a> {
    /// Position in training.
    pub at: Position,
    /// Every term and probe that any sample could serve.
    pub outputs: &'a BTreeMap<LossTerm, TermOutput>,
    /// The terms that have a loss.
    pub terms: &'a BTreeSet<LossTerm>,
    /// What to predict.
    pub task: &'a dyn Task,
}

impl StepOutputs<'_> {
    /// Forward result of a term; `None` if no sample of the batch could serve it.
    pub fn output(&self, term: LossTerm) -> Option<&TermOutput> {
        self.outputs.get(&term)
    }
}
