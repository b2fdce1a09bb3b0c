//! From evaluations to files of predictions.

use counterpoint::modality::Modalities;
use counterpoint::train::Evaluation;
use counterpoint_batch::Targets;
use counterpoint_report::predictions::{CheckpointPredictions, Numbers, PredictionFile, Truth};

use crate::scores;

/// What a checkpoint made of every sample of a split.
pub fn checkpoint(evaluation: &Evaluation, epoch: usize, names: &Modalities) -> CheckpointPredictions {
    let spread = |(of, values): &(Vec<usize>, Vec<f32>)| Numbers::spread(evaluation.ids.len(), of, values);
    CheckpointPredictions {
        epoch,
        scores: scores::rows(evaluation, names).map(|(row, reduced)| (row, spread(reduced))).collect(),
        features: (evaluation.features.iter())
            .map(|(m, features)| (names.name(*m).to_owned(), spread(features)))
            .collect(),
    }
}

/// A file without checkpoints so far; `columns` as [`PredictionFile`] has them.
pub fn file(split: &str, evaluation: &Evaluation, classes: &[String], columns: &[&str]) -> PredictionFile {
    PredictionFile {
        split: split.to_owned(),
        ids: evaluation.ids.clone(),
        targets: match &evaluation.targets {
            Targets::Classes(classes) => Truth::Classes(classes.clone()),
            Targets::Values(values) => Truth::Values(values.clone()),
            // Labels and maps are as large as the data themselves.
            _ => Truth::Elsewhere,
        },
        classes: classes.to_vec(),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        checkpoints: [].into(),
    }
}
