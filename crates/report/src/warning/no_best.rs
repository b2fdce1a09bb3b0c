//! No epoch can be called the best.

use super::Caution;
use crate::record::{Epoch, Start};
use crate::text::shorten;

/// The metric that selects an epoch was not defined on validation in any of
/// them, such as r2 of targets that are all equal.
#[derive(Clone, Debug, PartialEq)]
pub struct NoBestEpoch {
    /// Name of the metric.
    pub metric: String,
    /// The last epoch.
    pub epoch: usize,
}

impl NoBestEpoch {
    /// Looks for it once all planned epochs are done.
    pub fn find(start: &Start, epochs: &[Epoch]) -> Option<Self> {
        let last = epochs.last()?;
        let value = |epoch: &Epoch| epoch.val.get("fused")?.get(&start.metric).copied();
        let over = start.epochs > 0 && last.epoch >= start.epochs;
        let none = epochs.iter().all(|epoch| !epoch.best && value(epoch).is_some_and(f64::is_nan));
        (over && none).then(|| Self { metric: start.metric.clone(), epoch: last.epoch })
    }
}

impl Caution for NoBestEpoch {
    const KIND: &'static str = "no_best_epoch";

    fn message(&self) -> String {
        format!(
            "{} of the fused output is not defined on the validation split in any epoch, so none is the best and only \
             the checkpoint `last` is kept",
            shorten(&self.metric, 60)
        )
    }

    fn remedy(&self) -> String {
        "give the validation split samples on which it is defined (targets that differ, pixels with a class), or let \
         another metric select (`task.select`)"
            .into()
    }

    fn epoch(&self) -> Option<usize> {
        Some(self.epoch)
    }
}
