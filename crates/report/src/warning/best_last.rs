//! Training ended while it still got better.

use super::{Caution, percent};
use crate::record::{Epoch, Start};

/// The best epoch on validation is the last that was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct BestEpochLast {
    /// The fused accuracy there, if the task has one.
    pub accuracy: Option<f64>,
    /// The epoch.
    pub epoch: usize,
}

impl BestEpochLast {
    /// Looks for it once all planned epochs, at least two, are done.
    pub fn find(start: &Start, epochs: &[Epoch]) -> Option<Self> {
        let last = epochs.last()?;
        let accuracy = last.val.get("full").and_then(|row| row.get("accuracy")).copied();
        let over = start.epochs >= 2 && last.epoch >= start.epochs;
        (over && last.best).then_some(Self { accuracy, epoch: last.epoch })
    }
}

impl Caution for BestEpochLast {
    const KIND: &'static str = "best_epoch_last";

    fn message(&self) -> String {
        let there = self.accuracy.map(|a| format!(" ({})", percent(a))).unwrap_or_default();
        format!(
            "the best epoch on validation is the last, {}{there}: the model may not have finished learning",
            self.epoch
        )
    }

    fn remedy(&self) -> String {
        "train for more epochs (`train.epochs`), and give every method it is compared with the same".into()
    }

    fn epoch(&self) -> Option<usize> {
        Some(self.epoch)
    }
}
