//! Which runs were scored on the same samples.

use super::{RunSummary, footing::data_hash, overview::ScoreSource};

/// Of every pair a number that it shares with the pairs scored on the same samples.
///
/// What tells is the names of the samples where predictions are there, and the
/// hash of all splits where not. Runs that say neither count as one fold.
pub(super) fn folds(pairs: &[(&RunSummary, &RunSummary)], source: &ScoreSource) -> Vec<usize> {
    let ids: Option<Vec<&[String]>> =
        pairs.iter().map(|(a, b)| source.samples(a).or(source.samples(b))).collect();
    match ids {
        Some(ids) => numbered(&ids),
        None => numbered(&pairs.iter().map(|(run, _)| data_hash(run)).collect::<Vec<_>>()),
    }
}

/// The place at which each value comes first.
fn numbered<T: PartialEq>(values: &[T]) -> Vec<usize> {
    values.iter().map(|value| values.iter().position(|other| other == value).unwrap_or(0)).collect()
}
