//! What a strategy may measure and change between epochs.

use counterpoint_batch::Targets;

use crate::Error;
use crate::modality::{Modalities, Modality};
use crate::step::{Group, LossTerm};

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What training sees, here without augmentation.
    Train,
    /// What is held out to watch training.
    Validation,
}

impl Split {
    /// Name for random keys and messages: `train`, `validation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }
}

/// Numbers of every sample of a split that has what was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Numbers for each sample.
    pub width: usize,
    /// Row-major `[samples, width]`.
    pub values: Vec<f32>,
    /// What should have been predicted, in the same order.
    pub targets: Targets,
}

/// Mean losses at one point of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitLoss {
    /// On the train split.
    pub train: f64,
    /// On the validation split.
    pub validation: f64,
}

/// Mean losses before and after a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossCurve {
    /// Before.
    pub start: SplitLoss,
    /// After.
    pub end: SplitLoss,
}

/// The measurements and the one change that a strategy may ask for between
/// epochs. It never gets the model, the optimizer or a loader, and everything
/// here follows from the state of training and the seed, so that a resumed run
/// measures the same.
pub trait EpochTools {
    /// The modalities, in order.
    fn modalities(&self) -> &Modalities;

    /// Features of one modality over a split, in evaluation mode.
    ///
    /// # Errors
    /// If a batch cannot be read.
    fn features(&mut self, split: Split, m: Modality) -> Result<Measured, Error>;

    /// What the samples of a split ask to be predicted; nothing is computed.
    ///
    /// # Errors
    /// If they cannot be read.
    fn targets(&mut self, split: Split) -> Result<Targets, Error>;

    /// Scores of one term over a split, in evaluation mode.
    ///
    /// # Errors
    /// If a batch cannot be read.
    fn scores(&mut self, split: Split, term: LossTerm) -> Result<Measured, Error>;

    /// Trains a throw-away copy on the sum of the given terms alone, everything
    /// listening, and gives the mean loss of the terms before and after. The
    /// copy sees what training sees in the next `epochs` epochs: their order,
    /// their augmentation and, epoch for epoch, their learning rate.
    ///
    /// # Errors
    /// If a batch cannot be read, or training is asked to stop; a strategy
    /// must pass that on and will be asked again when training continues.
    fn trial(&mut self, terms: &[LossTerm], epochs: usize) -> Result<LossCurve, Error>;

    /// `theta <- amount * theta_initial + (1 - amount) * theta` for a group.
    /// Running statistics and the optimizer are left alone; amount 0 changes no bit.
    ///
    /// # Errors
    /// If the strategy did not ask for initial weights.
    fn pull_to_init(&mut self, group: Group, amount: f64) -> Result<(), Error>;

    /// Replaces the running statistics of batch norm by the mean over the
    /// batches of the next epoch, which the model sees as it is now; no
    /// parameter moves. Statistics that those batches do not reach stay.
    ///
    /// # Errors
    /// If a batch cannot be read.
    fn rebuild_statistics(&mut self) -> Result<(), Error>;
}
