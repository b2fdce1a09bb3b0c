//! A training run as it is recorded and as people see it.

mod bar;
mod board;
mod dashboard;
pub mod preparing;
pub mod reading;
mod recorder;

pub use bar::Bar;
pub use dashboard::Dashboard;
pub use recorder::{RecordedRun, Recorder};

use counterpoint::modality::Modalities;
use counterpoint::train::StepReport;
use counterpoint_report::record::{Epoch, Metric, UnimodalReading, Warning};

/// Shows training while it runs.
pub trait Display {
    /// After each optimizer step.
    fn step(&mut self, report: &StepReport<'_>, names: &Modalities);

    /// After each epoch; epoch 0 is the untrained model.
    fn epoch(&mut self, epoch: &Epoch);

    /// When something deserves a second look.
    fn warn(&mut self, warning: &Warning);

    /// Something about the run that is neither good nor bad.
    fn note(&mut self, note: &str);

    /// Takes the display off the screen.
    fn close(&mut self);
}

/// What a display knows of a run from the start.
#[derive(Clone, Debug, Default)]
pub struct RunHeader {
    /// Name of the run.
    pub name: String,
    /// Epochs in all.
    pub epochs: usize,
    /// Batches in all.
    pub batches: usize,
    /// Batches already done.
    pub done: usize,
    /// The rows that are shown: `fused` and the modalities.
    pub rows: Vec<String>,
    /// How a single modality is read.
    pub unimodal: UnimodalReading,
    /// The score that selects a model.
    pub metric: Metric,
}

impl RunHeader {
    /// The head that reads each single modality, where the method trains one for it.
    fn read_by(&self) -> Option<&str> {
        self.unimodal.native_trained.then_some(self.unimodal.native.as_str())
    }
}
