//! Right or wrong, sample by sample.

use std::collections::BTreeMap;

/// Right or wrong for every test sample of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// Checkpoint that predicted: `last` or `best`.
    pub checkpoint: String,
    /// Names of the samples; two runs are compared sample by sample only when
    /// these agree.
    pub ids: Vec<String>,
    /// Right or wrong by row of scores, in the order of `ids`.
    pub correct: BTreeMap<String, Vec<bool>>,
}
