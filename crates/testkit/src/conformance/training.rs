//! Whole small runs through the real training loop.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use counterpoint::Error;
use counterpoint::grad::Cut;
use counterpoint::model::Model;
use counterpoint::peers::Alone;
use counterpoint::task::Task;
use counterpoint::train::{
    Observer, Outcome, Progress, ScheduleConfig, StepReport, TrainConfig, TrainState, Trainer,
};
use counterpoint_batch::BatchSource;

/// A run over one data set that also serves as validation.
pub struct Run<'a> {
    /// Passes.
    pub epochs: usize,
    /// Optimizer steps after which to stop; all if `None`.
    pub stop_after: Option<usize>,
    /// Where checkpoints go; nowhere if `None`.
    pub folder: Option<&'a Path>,
    /// What to predict.
    pub task: &'a dyn Task,
    /// The data.
    pub data: &'a dyn BatchSource,
}

/// Trains from `progress` on.
///
/// # Errors
/// What the trainer says.
pub fn run<M: Model>(
    what: &Run<'_>,
    state: &mut TrainState<M>,
    progress: Progress,
) -> Result<Outcome, Error> {
    struct Stopper<'a> {
        left: Option<usize>,
        stop: &'a AtomicBool,
    }
    impl Observer for Stopper<'_> {
        fn step(&mut self, _: &StepReport<'_>) {
            if let Some(left) = &mut self.left {
                // A batch may take several steps; the trainer stops after the last of them.
                *left = left.saturating_sub(1);
                self.stop.store(*left == 0, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }
    let stop = AtomicBool::new(false);
    let config = TrainConfig {
        epochs: what.epochs,
        seed: 11,
        clip: None,
        schedule: ScheduleConfig::default(),
        checkpoint_steps: 0,
    };
    let trainer = Trainer {
        config: &config,
        evaluator: &Cut,
        task: what.task,
        train: what.data,
        validation: what.data,
        folder: what.folder,
        stop: &stop,
        device: &crate::device::device(),
        diagnostics: &counterpoint::diagnose::Diagnostics::off(),
        peers: &Alone,
    };
    trainer.run(state, progress, &mut Stopper { left: what.stop_after, stop: &stop })
}
