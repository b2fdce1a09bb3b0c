//! The section `[train]`.

use counterpoint::engine::Precision;
use counterpoint::train::{ScheduleConfig, TrainConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;

/// Nobody trains longer, and counts of steps stay within 64 bits.
const EPOCHS: usize = 1_000_000;

/// More threads than any machine has cores would only take memory.
const THREADS: usize = 1024;

/// How long training is, and what it writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Passes over the train split.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Limit of the gradient's norm over all parameters; 0 = off.
    #[schemars(range(min = 0))]
    pub clip: f64,
    /// Whether the validation split is trained on, too; its scores and the best epoch then say nothing.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = false))]
    pub with_val: bool,
    /// Steps between checkpoints, besides the one after each epoch; 0 = none.
    pub checkpoint_steps: usize,
    /// Whether an event file for TensorBoard is written into the run folder.
    pub tensorboard: bool,
    /// Where to compute: `cpu`, `cuda:0`, `vulkan`, .., or `auto`.
    pub device: String,
    /// What convolutions, linear layers, attention and GRUs multiply.
    pub precision: Precision,
    /// Whose samples batch norm takes its statistics from, where several ranks train one model.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "local"))]
    pub batch_norm: Statistics,
    /// Threads that compute; 0 = one per core, or what `RAYON_NUM_THREADS` says. Results do not depend on it.
    #[schemars(range(max = 1024))]
    pub threads: usize,
}

/// Whose samples statistics are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Statistics {
    /// Those of each rank, as PyTorch's `DistributedDataParallel` has it by itself.
    #[default]
    Local,
    /// Those of all ranks, as PyTorch's `SyncBatchNorm` and as one process: ranks wait for each other at every layer.
    Synchronised,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 10,
            seed: 0,
            clip: 0.0,
            with_val: false,
            checkpoint_steps: 0,
            tensorboard: true,
            device: "cpu".into(),
            precision: Precision::F32,
            batch_norm: Statistics::Local,
            threads: 0,
        }
    }
}

impl Training {
    /// The core's settings.
    pub fn settings(&self, schedule: &ScheduleConfig) -> TrainConfig {
        TrainConfig {
            epochs: self.epochs,
            seed: self.seed,
            clip: (self.clip > 0.0).then_some(self.clip),
            schedule: schedule.clone(),
            checkpoint_steps: self.checkpoint_steps,
        }
    }

    /// # Errors
    /// What cannot be: the message names key, value and what was expected.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.epochs == 0 {
            return Err("train.epochs = 0: expected at least 1".into());
        }
        if self.epochs > EPOCHS {
            return Err(format!("train.epochs = {}: expected at most {EPOCHS}", self.epochs));
        }
        if self.threads > THREADS {
            return Err(format!(
                "train.threads = {}: expected at most {THREADS} (0 = one per core)",
                self.threads
            ));
        }
        if !(self.clip.is_finite() && self.clip >= 0.0) {
            return Err(format!("train.clip = {}: expected a number of at least 0 (0 = off)", self.clip));
        }
        Ok(())
    }
}
