//! One class out of several.

use std::collections::BTreeMap;

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use counterpoint_batch::Targets;

use super::calibration::expected_calibration_error;
use super::counts::{ClassCounts, mean, ratio};
use super::precision::average_precision;
use super::{Judge, Metric, Metrics, Task, TaskKind};
use crate::Error;
use crate::host::host;
use crate::math::probability::log_softmax as log_probabilities;

/// What the metrics are computed from.
struct Answers<'a> {
    classes: &'a [usize],
    scores: &'a [f32],
    width: usize,
    /// The logarithms by which a row's scores become log-probabilities.
    norms: Vec<f64>,
    counts: ClassCounts,
}

/// How a metric is computed.
type Value = fn(&Answers<'_>) -> f64;

const METRICS: &[Judge<Value>] = &[
    Metric::share("accuracy", "accuracy").of_right_answers().by(|a| a.counts.accuracy()),
    Metric::share("balanced_accuracy", "balanced accuracy").by(|a| a.counts.mean_recall()),
    Metric::share("macro_f1", "macro F1").by(|a| a.counts.macro_f1()),
    Metric::share("weighted_f1", "weighted F1").by(|a| a.counts.weighted_f1()),
    Metric::share("map", "mAP").by(|a| a.mean_average_precision()),
    Metric::error("cross_entropy", "cross-entropy").in_unit("nats").by(|a| a.cross_entropy()),
    Metric::share("ece", "expected calibration error").lower().by(|a| expected_calibration_error(a.surest())),
];

impl<'a> Answers<'a> {
    fn rows(&self) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        self.scores.chunks_exact(self.width)
    }

    fn cross_entropy(&self) -> f64 {
        let losses = self.rows().zip(&self.norms).zip(self.classes);
        let sum = losses.map(|((row, norm), &k)| norm - f64::from(row[k])).sum();
        ratio(sum, self.classes.len() as f64)
    }

    /// Over the classes that occur.
    fn mean_average_precision(&self) -> f64 {
        let mut samples: Vec<Vec<usize>> = vec![Vec::new(); self.width];
        self.classes.iter().enumerate().for_each(|(sample, &class)| samples[class].push(sample));
        let of = |sample: usize, class: usize| {
            f64::from(self.scores[sample * self.width + class]) - self.norms[sample]
        };
        mean(samples.iter().enumerate().map(|(class, own)| {
            let positive = own.iter().map(|&sample| of(sample, class)).collect();
            average_precision(positive, (0..self.classes.len()).map(|sample| of(sample, class)))
        }))
    }

    /// Of every sample the probability of the predicted class, and whether it is right.
    fn surest(&self) -> impl Iterator<Item = (f64, bool)> {
        self.rows().zip(&self.norms).zip(self.classes).map(|((row, norm), &class)| {
            let said = argmax(row);
            ((f64::from(row[said]) - norm).exp(), said == class)
        })
    }
}

/// Classification with cross-entropy on logits.
///
/// `balanced_accuracy` is the mean recall over the classes that occur,
/// `macro_f1` the mean F1 over those that occur or are said, `weighted_f1` the
/// mean weighted by how often each occurs. `map` is the mean over the classes
/// that occur of the average precision of one class against the rest, samples
/// ranked by the softmax probability of the class. All as scikit-learn has
/// them; `map` leaves classes without a sample out, which there are an error.
/// `ece` is the expected calibration error of the predicted class in 15 bins.
#[derive(Clone, Copy, Debug)]
pub struct Classification {
    classes: usize,
    selects: usize,
}

impl Classification {
    /// A task of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, selects: 0 }
    }

    /// The same with the best epoch selected by the metric of that name.
    pub(super) fn selected_by(self, name: &str) -> Result<Self, Error> {
        Ok(Self { selects: self.metrics().place(name)?, ..self })
    }

    fn counts(&self, scores: &[f32], classes: &[usize]) -> ClassCounts {
        let mut counts = ClassCounts::new(self.classes);
        for (row, &class) in scores.chunks_exact(self.classes).zip(classes) {
            counts.add(class, argmax(row), 1.0);
        }
        counts
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
        Metrics::of(METRICS, self.selects)
    }

    fn judge(&self, scores: &[f32], targets: &Targets) -> Vec<f64> {
        let (classes, width) = (classes_of(targets), self.classes);
        let norms = scores.chunks_exact(width).map(log_sum_exp).collect();
        let counts = self.counts(scores, classes);
        let answers = Answers { classes, scores, width, norms, counts };
        METRICS.iter().map(|judge| (judge.value)(&answers)).collect()
    }

    fn confusion(&self, scores: &[f32], targets: &Targets) -> BTreeMap<[usize; 2], u64> {
        let mut pairs = BTreeMap::new();
        for (row, &class) in scores.chunks_exact(self.classes).zip(classes_of(targets)) {
            *pairs.entry([class, argmax(row)]).or_default() += 1;
        }
        pairs
    }

    fn running(&self) -> Option<Metric> {
        Some(METRICS[0].metric)
    }

    fn follow(&self, scores: &[f32], targets: &Targets) -> f64 {
        self.counts(scores, classes_of(targets)).accuracy()
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

fn log_sum_exp(row: &[f32]) -> f64 {
    let top = row.iter().fold(f64::NEG_INFINITY, |top, &v| top.max(f64::from(v)));
    let sum: f64 = row.iter().map(|&v| (f64::from(v) - top).exp()).sum();
    top + sum.ln()
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
        assert!((metrics[5] - by_hand).abs() < 1e-6);
    }

    /// By numpy 2.4 and scikit-learn 1.9 on the softmax `p` of the scores and their arg-max `h`:
    ///
    /// ```python
    /// balanced_accuracy_score(y, h); f1_score(y, h, average="macro"); f1_score(y, h, average="weighted")
    /// np.mean([average_precision_score(y == k, p[:, k]) for k in range(3)])  # class 3 never occurs
    /// bins = np.clip(np.ceil(15 * p.max(1)), 1, 15)
    /// sum(abs((p.max(1) - (h == y))[bins == b].sum()) for b in set(bins)) / 8
    /// ```
    #[test]
    fn metrics_agree_with_scikit_learn() {
        let scores: [[f32; 4]; 8] = [
            [0.9, 0.6, -0.5, -2.3],
            [0.0, -2.0, 0.1, 2.2],
            [-1.0, -0.3, 1.0, 0.2],
            [0.2, -1.9, 0.8, 0.9],
            [-2.7, -0.9, -2.9, -3.1],
            [-3.7, -0.5, -1.6, 0.0],
            [0.3, 0.5, -5.0, -1.6],
            [0.8, 0.2, -3.1, -1.5],
        ];
        let targets = Targets::Classes(vec![0, 0, 1, 2, 2, 2, 1, 0]);
        let metrics = Classification::new(4).judge(scores.as_flattened(), &targets);
        let expected =
            [0.375, 0.3888888888889, 0.325, 0.425, 0.5833333333333, 1.472185028359, 0.4489544344316];
        for (is, should) in metrics.iter().zip(expected) {
            assert!((is - should).abs() < 1e-9, "{metrics:?}");
        }
    }

    #[test]
    fn a_split_of_nothing_defines_nothing_and_pairs_are_counted() {
        let task = Classification::new(3);
        let none = task.judge(&[], &Targets::Classes(vec![]));
        assert!(none.len() == METRICS.len() && none.iter().all(|value| value.is_nan()), "{none:?}");
        let scores = [1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 1.0];
        let pairs = task.confusion(&scores, &Targets::Classes(vec![0, 0, 2]));
        assert_eq!(pairs, [([0, 0], 1), ([0, 2], 1), ([2, 2], 1)].into());
    }
}
