//! What a model is asked to predict, and how predictions are judged.

mod classification;
mod regression;

pub use classification::Classification;
pub use regression::{Regression, RegressionLoss};

use burn::tensor::Tensor;
use counterpoint_batch::Targets;

/// A loss and its scores. Heads give `[samples, outputs]` for every task.
pub trait Task: Send + Sync {
    /// Width of the head: classes, or numbers to regress.
    fn outputs(&self) -> usize;

    /// Mean loss over the samples.
    ///
    /// # Shapes
    /// `scores` is `[samples, outputs]` with one target a sample; the result is `[1]`.
    fn loss(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        self.losses(scores, targets).mean()
    }

    /// The loss of every sample, `[samples]`.
    fn losses(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1>;

    /// Names of the metrics, the one that selects a model first. That one is
    /// better when it is larger.
    fn metrics(&self) -> &'static [&'static str];

    /// The metrics of all samples of a split together; the same order.
    ///
    /// `scores` is row-major `[samples, outputs]`.
    fn judge(&self, scores: &[f32], targets: &Targets) -> Vec<f64>;

    /// Whether targets are class indices.
    fn is_classification(&self) -> bool;
}
