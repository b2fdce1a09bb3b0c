//! Training ended while the score was still rising.

use super::Caution;
use crate::record::{Epoch, Start};

/// The best epoch on validation is the last that was planned.
#[derive(Clone, Debug, PartialEq)]
pub struct BestEpochLast {
    /// The fused score there that selects epochs, as people read it.
    pub score: Option<String>,
    /// The epoch.
    pub epoch: usize,
}

impl BestEpochLast {
    /// Looks for it once all planned epochs, at least two, are done.
    pub fn find(start: &Start, epochs: &[Epoch]) -> Option<Self> {
        let last = epochs.last()?;
        let metric = start.selecting();
        let score = last.val.get("fused").and_then(|row| row.get(&metric.name));
        let score = score.map(|value| format!("{} {}", metric.title(), metric.written(*value)));
        let over = start.epochs >= 2 && last.epoch >= start.epochs;
        (over && last.best).then_some(Self { score, epoch: last.epoch })
    }
}

impl Caution for BestEpochLast {
    const KIND: &'static str = "best_epoch_last";

    fn message(&self) -> String {
        let there = self.score.as_ref().map(|score| format!(" ({score})")).unwrap_or_default();
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
