//! A unimodal score is no better than a guess.

use super::{Caution, percent, points, validation_samples};
use crate::record::{Epoch, Start};
use crate::text::shorten;

/// Half of training is over, and a unimodal score is still at chance.
///
/// AugmentKeys is `1 / classes` in balanced accuracy, over the classes that occur in
/// the validation split: any constant guess has exactly that, however unequal
/// they are. The mean over the second half of the epochs must not exceed it by
/// more than two standard errors, nor by more than a quarter of what is to be
/// learned: on a few samples the error alone would reach up to all right.
#[derive(Clone, Debug, PartialEq)]
pub struct ModalityAtChance {
    /// Name of the modality.
    pub modality: String,
    /// Mean balanced accuracy over the second half of the epochs.
    pub accuracy: f64,
    /// How the modality alone was read, such as `zero-fill`.
    pub convention: String,
    /// What a constant guess reaches.
    pub chance: f64,
    /// By how much chance alone may exceed that on these samples.
    pub margin: f64,
    /// The last epoch looked at.
    pub epoch: usize,
}

impl ModalityAtChance {
    /// Looks for it in the epochs so far; not before half of the planned
    /// epochs, and three, are done.
    pub fn find(start: &Start, epochs: &[Epoch], modality: &str) -> Option<Self> {
        let samples = validation_samples(start);
        // Records of earlier versions do not say which classes occur.
        let classes = start.occurring.get("val").map_or(start.classes.len(), |&count| count as usize);
        let last = epochs.last()?;
        if samples == 0.0 || classes < 2 || last.epoch < 3 || 2 * last.epoch < start.epochs {
            return None;
        }
        let late = &epochs[epochs.len() / 2..];
        let read = |e: &Epoch| start.unimodal.values(&e.val, modality)?.get("balanced_accuracy").copied();
        let values: Vec<f64> = late.iter().map(read).collect::<Option<_>>()?;
        let accuracy = values.iter().sum::<f64>() / values.len() as f64;
        let chance = 1.0 / classes as f64;
        let error = (chance * (1.0 - chance) / samples).sqrt();
        let margin = (2.0 * error).min((1.0 - chance) / 4.0);
        (accuracy <= chance + margin).then(|| Self {
            modality: modality.to_owned(),
            accuracy,
            chance,
            margin,
            convention: start.unimodal.name(&last.val, modality).to_owned(),
            epoch: last.epoch,
        })
    }
}

impl Caution for ModalityAtChance {
    const KIND: &'static str = "modality_at_chance";

    fn message(&self) -> String {
        format!(
            "unimodal {} ({}) stays near chance: {} balanced accuracy on validation where a constant guess has {} \
             and chance may add {}",
            shorten(&self.modality, 60),
            shorten(&self.convention, 30),
            percent(self.accuracy),
            percent(self.chance),
            points(self.margin)
        )
    }

    fn remedy(&self) -> String {
        let name = shorten(&self.modality, 60);
        format!(
            "check that {name} matches its labels (train it with strategy `unimodal`); if it learns there, use a \
             strategy with unimodal losses, such as `dgl`; if not, check its preparation or leave it out"
        )
    }

    fn epoch(&self) -> Option<usize> {
        Some(self.epoch)
    }
}
