//! What training tells whoever watches it.

use std::collections::BTreeMap;

use super::{Evaluation, ReadoutReport};
use crate::Error;
use crate::diagnose::{Diagnosis, EncoderGradient};
use crate::modality::Modality;
use crate::step::Position;
use crate::step::{Clip, LossTerm, StepRecord};

/// What one optimizer step did.
#[derive(Debug)]
pub struct StepReport<'a> {
    /// Position.
    pub at: Position,
    /// Samples in the batch.
    pub samples: usize,
    /// Losses and norms.
    pub record: &'a StepRecord,
    /// What the clip did, if there is one.
    pub clip: Option<Clip>,
    /// What each encoder received, if diagnostics want gradients.
    pub gradients: &'a BTreeMap<Modality, EncoderGradient>,
}

/// What one epoch did.
#[derive(Debug)]
pub struct EpochReport<'a> {
    /// Epoch, counted from 0.
    pub epoch: usize,
    /// Learning rate.
    pub lr: f64,
    /// Wall time of the training part that this process ran, in seconds.
    pub seconds: f64,
    /// How much of it training stood still until a batch was there, in seconds.
    pub waiting: f64,
    /// Samples trained on.
    pub samples: usize,
    /// Of each term mean train loss and, if the task has one, its running metric.
    pub train: BTreeMap<LossTerm, (f64, Option<f64>)>,
    /// How many samples each term's losses used, those of several steps added up.
    pub term_samples: BTreeMap<LossTerm, usize>,
    /// Share of steps that the clip shortened, and the mean norm before it.
    pub clip: Option<(f64, f64)>,
    /// Encoder passes of a batch, one forward and one backward through every
    /// encoder being 1; what a model does after the first meeting is not counted.
    pub passes: Option<f64>,
    /// The validation split.
    pub validation: &'a Evaluation,
    /// Whether it is the best so far.
    pub best: bool,
    /// The readout after this epoch, if there is one.
    pub readout: Option<ReadoutReport>,
    /// What diagnostics found; empty if they are off.
    pub diagnosis: &'a Diagnosis,
    /// What the strategy says of its steps, as the mean of those that had it, by
    /// modality (`fused`: the whole model) and name; see [`Strategy::stats`](crate::strategy::Strategy::stats).
    pub stats: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Watches training. Called in the training thread.
pub trait Observer {
    /// Before the first epoch of a new run, if diagnostics look inside.
    ///
    /// # Errors
    /// If it could not be recorded; training does not start.
    fn untrained(&mut self, _validation: &Evaluation, _diagnosis: &Diagnosis) -> Result<(), Error> {
        Ok(())
    }

    /// After each optimizer step.
    fn step(&mut self, _report: &StepReport<'_>) {}

    /// After each epoch, before its checkpoint is written.
    ///
    /// # Errors
    /// If the epoch could not be recorded; training stops.
    fn epoch(&mut self, _report: &EpochReport<'_>) -> Result<(), Error> {
        Ok(())
    }
}
