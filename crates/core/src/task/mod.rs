//! What a model is asked to predict, and how predictions are judged.

mod classification;
mod config;
mod metric;
mod multilabel;
mod regression;
mod segmentation;

pub use classification::Classification;
pub use config::{TaskConfig, TaskKind};
pub use metric::{Metric, Metrics};
pub use multilabel::Multilabel;
pub use regression::{Regression, RegressionLoss};
pub use segmentation::{ClassWeights, Confusion, Segmentation, median_frequency};

use std::fmt::Debug;

use burn::tensor::Tensor;
use counterpoint_batch::Targets;

use crate::host::{host, scalar};

/// A loss and its scores. Models give `[samples, outputs]`, or for dense
/// prediction `[samples * places, outputs]` with the places of one sample
/// together; a strategy need not know which.
pub trait Task: Debug + Send + Sync {
    /// Which task it is.
    fn kind(&self) -> TaskKind;

    /// Width of the head: classes, labels, or numbers to regress.
    fn outputs(&self) -> usize;

    /// The loss of a batch, `[1]`; by default the mean over its samples.
    fn loss(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        self.losses(scores, targets).mean()
    }

    /// The loss of every sample by itself, `[samples]`.
    fn losses(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1>;

    /// Names and directions of the metrics.
    fn metrics(&self) -> Metrics;

    /// What an evaluation keeps of every sample, so many numbers for each.
    fn kept(&self) -> usize {
        self.outputs()
    }

    /// Scores boiled down to what [`Task::judge`] needs, `[samples, kept]`
    /// row-major; by default the scores themselves.
    fn keep(&self, scores: Tensor<2>, _targets: &Targets) -> Vec<f32> {
        host(scores)
    }

    /// The metrics of all samples of a split together, in the order of
    /// [`Task::metrics`], from what was kept of each.
    fn judge(&self, kept: &[f32], targets: &Targets) -> Vec<f64>;

    /// The metric that selects a model, from what was kept of each sample.
    fn score(&self, kept: &[f32], targets: &Targets) -> f64 {
        let metrics = self.metrics();
        let selects = metrics.names().position(|name| name == metrics.primary().name);
        self.judge(kept, targets)[selects.unwrap_or(0)]
    }

    /// Which metric is worth following over the batches of an epoch.
    fn running(&self) -> Option<Metric> {
        None
    }

    /// Mean probability of the truth, for strategies that ask how sure a
    /// modality is; `None` if the task has no probability.
    fn confidence(&self, _scores: Tensor<2>, _targets: &Targets) -> Option<f64> {
        None
    }

    /// How far scores are from the truth, for strategies that compare
    /// modalities; by default the loss.
    fn surprise(&self, scores: Tensor<2>, targets: &Targets) -> f64 {
        scalar(self.loss(scores, targets))
    }
}

/// A task met targets that the command never pairs it with.
fn mismatch(task: TaskKind, targets: &Targets) -> ! {
    panic!("a {} task met {}: data and task are paired at start-up", task.name(), targets.describe())
}
