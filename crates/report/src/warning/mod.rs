//! Warnings that help: what was seen, and what to do about it.
//!
//! Each kind is a type of its own that is found in plain records, so the
//! progress of a run, its report and a comparison of runs say the same. None
//! fires on noise alone: every threshold is a standard error of the validation
//! split or an interval over runs.
//!
//! - in one run: [`ModalityAtChance`], [`ModalityMemorised`], [`BestEpochLast`],
//!   [`NoBestEpoch`]; [`of_run`] looks for all of them.
//! - between runs: [`GapUnresolved`], [`GainIsLearningRate`].

mod at_chance;
mod best_last;
mod gap;
mod learning_rate;
mod memorised;
mod no_best;

pub use at_chance::ModalityAtChance;
pub use best_last::BestEpochLast;
pub use gap::GapUnresolved;
pub use learning_rate::GainIsLearningRate;
pub use memorised::ModalityMemorised;
pub use no_best::NoBestEpoch;

use crate::record::{Epoch, Start, Warning};

/// One kind of warning.
pub trait Caution {
    /// Stable name of the kind.
    const KIND: &'static str;

    /// What was seen, in words.
    fn message(&self) -> String;

    /// What to do about it, in words.
    fn remedy(&self) -> String;

    /// Epoch it was seen in; `None` for several runs.
    fn epoch(&self) -> Option<usize> {
        None
    }

    /// The warning as records hold it.
    fn record(&self) -> Warning {
        Warning {
            kind: Self::KIND.to_owned(),
            message: self.message(),
            remedy: self.remedy(),
            epoch: self.epoch(),
        }
    }
}

/// All warnings that the epochs of a run give so far, each from the first
/// epoch that shows it: after another epoch the result starts with the same.
///
/// `start` tells modalities, classes, planned epochs and validation samples.
pub fn of_run(start: &Start, epochs: &[Epoch]) -> Vec<Warning> {
    let mut found: Vec<(usize, Warning)> = Vec::new();
    for modality in &start.modalities {
        let first = |find: &dyn Fn(&[Epoch]) -> Option<Warning>| {
            (1..=epochs.len()).find_map(|count| Some((count, find(&epochs[..count])?)))
        };
        found.extend(first(&|seen| Some(ModalityAtChance::find(start, seen, modality)?.record())));
        found.extend(first(&|seen| Some(ModalityMemorised::find(start, seen, modality)?.record())));
    }
    found.extend(NoBestEpoch::find(start, epochs).map(|none| (epochs.len(), none.record())));
    found.extend(BestEpochLast::find(start, epochs).map(|last| (epochs.len(), last.record())));
    // By the epoch that shows them; those of one epoch keep the order above.
    found.sort_by_key(|(count, _)| *count);
    found.into_iter().map(|(_, warning)| warning).collect()
}

/// Validation samples of a run; 0 if the record does not say.
fn validation_samples(start: &Start) -> f64 {
    start.samples.get("val").copied().unwrap_or(0) as f64
}

/// A share as percent for people.
fn percent(share: f64) -> String {
    format!("{} %", crate::text::decimal(100.0 * share, 1))
}

/// A difference of shares in points for people.
fn points(gap: f64) -> String {
    format!("{} points", crate::text::decimal(100.0 * gap, 1))
}
