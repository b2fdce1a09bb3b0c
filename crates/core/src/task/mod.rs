//! What a model predicts, and how predictions are evaluated.

mod calibration;
mod classification;
mod config;
mod counts;
mod metric;
mod multilabel;
mod precision;
mod regression;
mod segmentation;
mod summary;

pub use classification::Classification;
pub use config::{TaskConfig, TaskKind};
pub use metric::{Metric, MetricFn, Metrics};
pub use multilabel::Multilabel;
pub use regression::{Regression, RegressionLoss};
pub use segmentation::{ClassWeights, Confusion, Segmentation, median_frequency};

use std::collections::BTreeMap;
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

    /// How the loss is a sum over samples, where that is worth knowing: where scores are many, so that ranks
    /// which share a batch do better not to tell each other all of them.
    fn additive(&self) -> Option<&dyn Additive> {
        None
    }

    /// What the metrics are, and which of them selects the best epoch.
    fn metrics(&self) -> Metrics;

    /// What an evaluation keeps of every sample, the same number of values each.
    fn reduced_width(&self) -> usize {
        self.outputs()
    }

    /// Names of the numbers that are reduced; empty where they are one score for each output.
    fn columns(&self) -> &'static [&'static str] {
        &[]
    }

    /// What [`Task::reduce_on_host`] needs of the scores of this many samples, still on
    /// the device; by default all.
    fn reduce_on_device(&self, scores: Tensor<2>, _samples: usize) -> Tensor<2> {
        scores
    }

    /// The values of [`Task::reduce_on_device`] boiled down to what [`Task::evaluate`] needs,
    /// `[samples, reduced]` row-major; by default as they are.
    fn reduce_on_host(&self, asked: Vec<f32>, _targets: &Targets) -> Vec<f32> {
        asked
    }

    /// Scores boiled down to what [`Task::evaluate`] needs, `[samples, reduced]` row-major.
    fn reduce(&self, scores: Tensor<2>, targets: &Targets) -> Vec<f32> {
        self.reduce_on_host(host(self.reduce_on_device(scores, targets.len())), targets)
    }

    /// The metrics of all samples of a split together, in the order of
    /// [`Task::metrics`], from the reduced scores of each; NaN for a metric that is
    /// not defined on them, such as the mean over classes of no sample.
    fn evaluate(&self, reduced: &[f32], targets: &Targets) -> Vec<f64>;

    /// The metric that selects a model, from the reduced scores of each sample.
    fn score(&self, reduced: &[f32], targets: &Targets) -> f64 {
        let metrics = self.metrics();
        let selects = metrics.names().position(|name| name == metrics.primary().name);
        self.evaluate(reduced, targets)[selects.unwrap_or(0)]
    }

    /// How often samples (or pixels) of each class were taken for each class,
    /// `[true, predicted]`, as far as it happened; empty without classes that
    /// exclude each other.
    fn confusion(&self, _kept: &[f32], _targets: &Targets) -> BTreeMap<[usize; 2], u64> {
        BTreeMap::new()
    }

    /// Intersection over union of every class, NaN for one without true pixels;
    /// `None` where classes are not areas.
    fn class_iou(&self, _kept: &[f32]) -> Option<Vec<f64>> {
        None
    }

    /// Which metric is worth following over the batches of an epoch.
    fn running(&self) -> Option<Metric> {
        None
    }

    /// The value of [`Task::running`] from the reduced scores of the samples of a
    /// batch; NaN where it is not defined or there is none.
    fn follow(&self, reduced: &[f32], targets: &Targets) -> f64 {
        let followed =
            self.running().and_then(|metric| self.metrics().names().position(|name| name == metric.name));
        followed.map_or(f64::NAN, |place| self.evaluate(reduced, targets)[place])
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

/// A loss that is a sum over the samples of a batch, once the targets of all are known.
pub trait Additive {
    /// What some samples add to the loss of a batch with the targets `all`, `[1]`.
    fn share(&self, scores: Tensor<2>, own: &Targets, all: &Targets) -> Tensor<1>;
}

/// A task met targets that the command never pairs it with.
fn mismatch(task: TaskKind, targets: &Targets) -> ! {
    panic!("a {} task met {}: data and task are paired at start-up", task.name(), targets.describe())
}
