//! Where training stands.

/// Position in training, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Epoch.
    pub epoch: usize,
    /// Epochs in the whole run.
    pub epochs: usize,
    /// Batch within the epoch.
    pub batch: usize,
    /// Batches in an epoch.
    pub batches: usize,
    /// Seed of the run, for strategies that draw random numbers.
    pub seed: u64,
}

impl Position {
    /// Number of the batch since the start of the run.
    pub fn iteration(self) -> usize {
        self.epoch * self.batches + self.batch
    }
}
