//! One class out of several.

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use counterpoint_batch::Targets;

use super::{Metric, Metrics, Task, TaskKind};
use crate::host::host;
use crate::math::probability::log_softmax as log_probabilities;

const METRICS: &[Metric] = &[
    Metric::share("accuracy"),
    Metric::share("balanced_accuracy"),
    Metric::share("macro_f1"),
    Metric::error("cross_entropy"),
];

/// Classification with cross-entropy on logits.
#[derive(Clone, Copy, Debug)]
pub struct Classification {
    classes: usize,
    metrics: Metrics,
}

impl Classification {
    /// A task of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, metrics: Metrics::new(METRICS) }
    }

    /// The same with the best epoch selected by another metric.
    pub(super) fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }
}

/// The class indices of targets that must be classes.
fn classes_of(targets: &Targets) -> &[usize] {
    targets.classes().unwrap_or_else(|| super::mismatch(TaskKind::Classification, targets))
}

impl Task for Classification {
    fn kind(&self) -> TaskKind {
        TaskKind::Classification
    }

    fn outputs(&self) -> usize {
        self.classes
    }

    fn losses(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let classes: Vec<i64> = classes_of(targets).iter().map(|&c| c as i64).collect();
        let index = Tensor::<2, Int>::from_data(
            TensorData::new(classes.clone(), [classes.len(), 1]),
            &scores.device(),
        );
        log_softmax(scores, 1).gather(1, index).reshape([classes.len()]).neg()
    }

    fn metrics(&self) -> Metrics {
        self.metrics
    }

    fn judge(&self, scores: &[f32], targets: &Targets) -> Vec<f64> {
        let classes = classes_of(targets);
        let mut hits = vec![0.0; self.classes];
        let mut said = vec![0.0; self.classes];
        let mut truly = vec![0.0; self.classes];
        let mut loss = 0.0;
        for (row, &class) in scores.chunks_exact(self.classes).zip(classes) {
            let best = argmax(row);
            said[best] += 1.0;
            truly[class] += 1.0;
            hits[class] += f64::from(u8::from(best == class));
            loss += cross_entropy(row, class);
        }
        let count = classes.len() as f64;
        // Classes that neither occur nor are said say nothing about the model.
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let recall = (0..self.classes).filter(|&k| truly[k] > 0.0).map(|k| hits[k] / truly[k]).collect();
        let f1 = (0..self.classes)
            .filter(|&k| truly[k] + said[k] > 0.0)
            .map(|k| 2.0 * hits[k] / (truly[k] + said[k]))
            .collect();
        vec![hits.iter().sum::<f64>() / count, mean(recall), mean(f1), loss / count]
    }

    fn running(&self) -> Option<Metric> {
        Some(METRICS[0])
    }

    fn confidence(&self, scores: Tensor<2>, targets: &Targets) -> Option<f64> {
        Some(mean_at_truth(&scores, targets, f64::exp))
    }

    /// Probabilities below 1e-8 count as 1e-8.
    fn surprise(&self, scores: Tensor<2>, targets: &Targets) -> f64 {
        -mean_at_truth(&scores, targets, |log_p| log_p.max(1e-8_f64.ln()))
    }
}

/// Mean over samples of a function of the true class's log-probability.
fn mean_at_truth(scores: &Tensor<2>, targets: &Targets, of: impl Fn(f64) -> f64) -> f64 {
    let classes = classes_of(targets);
    let [samples, width] = scores.dims();
    let all: Vec<f64> = host(scores.clone()).into_iter().map(f64::from).collect();
    let rows = all.chunks_exact(width).zip(classes);
    rows.map(|(row, &class)| of(log_probabilities(row)[class])).sum::<f64>() / samples as f64
}

/// The first index of the largest value.
pub(crate) fn argmax(row: &[f32]) -> usize {
    row.iter().enumerate().fold(0, |best, (i, &v)| if v > row[best] { i } else { best })
}

fn cross_entropy(row: &[f32], class: usize) -> f64 {
    let top = row.iter().fold(f64::NEG_INFINITY, |top, &v| top.max(f64::from(v)));
    let sum: f64 = row.iter().map(|&v| (f64::from(v) - top).exp()).sum();
    top + sum.ln() - f64::from(row[class])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_four_samples_by_hand() {
        // Classes 0, 0, 1, 2 (class 3 never occurs); said 0, 1, 1, 1.
        let scores = [[2.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]];
        let metrics =
            Classification::new(4).judge(scores.as_flattened(), &Targets::Classes(vec![0, 0, 1, 2]));
        assert!((metrics[0] - 0.5).abs() < 1e-12);
        assert!((metrics[1] - (0.5 + 1.0 + 0.0) / 3.0).abs() < 1e-12);
        assert!((metrics[2] - (2.0 / 3.0 + 0.5 + 0.0) / 3.0).abs() < 1e-12);
        let by_hand = ((2f64.exp() + 3.0).ln() - 2.0
            + (1f64.exp() + 3.0).ln()
            + ((3f64.exp() + 3.0).ln() - 3.0)
            + (1f64.exp() + 3.0).ln())
            / 4.0;
        assert!((metrics[3] - by_hand).abs() < 1e-6);
    }
}
