//! One class out of several.

use std::collections::BTreeMap;

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use counterpoint_batch::Targets;

use super::calibration::expected_calibration_error;
use super::counts::{ClassCounts, mean, ratio};
use super::precision::average_precision;
use super::summary::{COLUMNS, argmax, log_sum_exp, summary};
use super::{Metric, MetricFn, Metrics, Task, TaskKind};
use crate::Error;
use crate::host::host;
use crate::math::probability::log_softmax as log_probabilities;

/// What the metrics are computed from.
struct Answers<'a> {
    classes: &'a [usize],
    /// The class that each sample was taken for.
    predicted: Vec<usize>,
    /// The log-probability of that class.
    surest: Vec<f64>,
    /// The loss of each sample.
    losses: Vec<f64>,
    counts: ClassCounts,
    /// All scores, and the logarithms by which a row of them becomes
    /// log-probabilities; nothing where only summaries are reduced.
    scores: &'a [f32],
    norms: Vec<f64>,
    width: usize,
}

/// How a metric is computed.
type Value = fn(&Answers<'_>) -> f64;

const METRICS: &[MetricFn<Value>] = &[
    Metric::share("accuracy", "accuracy").of_right_answers().by(|a| a.counts.accuracy()),
    Metric::share("balanced_accuracy", "balanced accuracy").by(|a| a.counts.mean_recall()),
    Metric::share("macro_f1", "macro F1").by(|a| a.counts.macro_f1()),
    Metric::share("weighted_f1", "weighted F1").by(|a| a.counts.weighted_f1()),
    Metric::share("map", "mAP").by(|a| a.mean_average_precision()),
    Metric::error("cross_entropy", "cross-entropy").in_unit("nats").by(|a| a.cross_entropy()),
    Metric::share("ece", "expected calibration error").lower().by(|a| expected_calibration_error(a.surest())),
];

/// Without `map`, which needs the scores of all classes of all samples.
const METRICS_OF_MANY: &[MetricFn<Value>] =
    &[METRICS[0], METRICS[1], METRICS[2], METRICS[3], METRICS[5], METRICS[6]];

impl Answers<'_> {
    fn cross_entropy(&self) -> f64 {
        ratio(self.losses.iter().sum(), self.classes.len() as f64)
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
        let right = self.predicted.iter().zip(self.classes).map(|(said, class)| said == class);
        self.surest.iter().map(|log_p| log_p.exp()).zip(right)
    }
}

/// Classification with cross-entropy on logits.
///
/// `balanced_accuracy` is the mean recall over the classes that occur,
/// `macro_f1` the mean F1 over those that occur or are predicted, `weighted_f1` the
/// mean weighted by how often each occurs. `map` is the mean over the classes
/// that occur of the average precision of one class against the rest, samples
/// ranked by the softmax probability of the class. All as scikit-learn has
/// them; `map` leaves classes without a sample out, which there are an error.
/// `ece` is the expected calibration error of the predicted class in 15 bins.
/// Above [`Self::MOST_SCORES`] classes only a summary of each sample's scores
/// is reduced, and there is no `map`.
#[derive(Clone, Copy, Debug)]
pub struct Classification {
    classes: usize,
    selects: usize,
}

impl Classification {
    /// Up to this many classes an evaluation keeps all scores of a sample.
    pub const MOST_SCORES: usize = 1000;

    /// A task with `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, selects: 0 }
    }

    /// The same with the best epoch selected by the metric of that name.
    pub(super) fn selected_by(self, name: &str) -> Result<Self, Error> {
        Ok(Self { selects: self.metrics().place(name)?, ..self })
    }

    /// Whether only a summary of scores is reduced.
    fn summarises(&self) -> bool {
        self.classes > Self::MOST_SCORES
    }

    fn list(&self) -> &'static [MetricFn<Value>] {
        if self.summarises() { METRICS_OF_MANY } else { METRICS }
    }

    /// The class that each sample was taken for.
    fn predicted<'a>(&self, reduced: &'a [f32]) -> impl Iterator<Item = usize> + use<'a> {
        let summarises = self.summarises();
        reduced
            .chunks_exact(self.reduced_width())
            .map(move |row| if summarises { row[0] as usize } else { argmax(row) })
    }

    fn counts(&self, predicted: impl IntoIterator<Item = usize>, classes: &[usize]) -> ClassCounts {
        let mut counts = ClassCounts::new(self.classes);
        for (predicted, &class) in predicted.into_iter().zip(classes) {
            counts.add(class, predicted, 1.0);
        }
        counts
    }

    fn answers<'a>(&self, reduced: &'a [f32], classes: &'a [usize]) -> Answers<'a> {
        let rows = || reduced.chunks_exact(self.reduced_width());
        let predicted: Vec<usize> = self.predicted(reduced).collect();
        let (counts, width) = (self.counts(predicted.iter().copied(), classes), self.classes);
        if self.summarises() {
            let surest = rows().map(|row| row[1].into()).collect();
            let losses = rows().map(|row| -f64::from(row[2])).collect();
            return Answers {
                classes,
                predicted,
                surest,
                losses,
                counts,
                scores: &[],
                norms: Vec::new(),
                width,
            };
        }
        let norms: Vec<f64> = rows().map(log_sum_exp).collect();
        let log_p = |((row, norm), &class): ((&[f32], &f64), &usize)| f64::from(row[class]) - norm;
        let surest = rows().zip(&norms).zip(&predicted).map(log_p).collect();
        let losses = rows().zip(&norms).zip(classes).map(|of| -log_p(of)).collect();
        Answers { classes, predicted, surest, losses, counts, scores: reduced, norms, width }
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
        Metrics::of(self.list(), self.selects)
    }

    fn reduced_width(&self) -> usize {
        if self.summarises() { COLUMNS.len() } else { self.classes }
    }

    fn columns(&self) -> &'static [&'static str] {
        if self.summarises() { &COLUMNS } else { &[] }
    }

    fn reduce_on_host(&self, scores: Vec<f32>, targets: &Targets) -> Vec<f32> {
        if !self.summarises() {
            return scores;
        }
        let rows = scores.chunks_exact(self.classes).zip(classes_of(targets));
        rows.flat_map(|(row, &class)| summary(row, class)).collect()
    }

    fn evaluate(&self, reduced: &[f32], targets: &Targets) -> Vec<f64> {
        let answers = self.answers(reduced, classes_of(targets));
        self.list().iter().map(|metric| (metric.value)(&answers)).collect()
    }

    fn confusion(&self, reduced: &[f32], targets: &Targets) -> BTreeMap<[usize; 2], u64> {
        let mut pairs = BTreeMap::new();
        for (predicted, &class) in self.predicted(reduced).zip(classes_of(targets)) {
            *pairs.entry([class, predicted]).or_default() += 1;
        }
        pairs
    }

    fn running(&self) -> Option<Metric> {
        Some(METRICS[0].metric)
    }

    fn follow(&self, reduced: &[f32], targets: &Targets) -> f64 {
        self.counts(self.predicted(reduced), classes_of(targets)).accuracy()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_four_samples_by_hand() {
        // Classes 0, 0, 1, 2 (class 3 never occurs); said 0, 1, 1, 1.
        let scores = [[2.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]];
        let metrics =
            Classification::new(4).evaluate(scores.as_flattened(), &Targets::Classes(vec![0, 0, 1, 2]));
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
        let metrics = Classification::new(4).evaluate(scores.as_flattened(), &targets);
        let expected =
            [0.375, 0.3888888888889, 0.325, 0.425, 0.5833333333333, 1.472185028359, 0.4489544344316];
        for (is, should) in metrics.iter().zip(expected) {
            assert!((is - should).abs() < 1e-9, "{metrics:?}");
        }
    }

    #[test]
    fn a_split_of_nothing_defines_nothing_and_pairs_are_counted() {
        let task = Classification::new(3);
        let none = task.evaluate(&[], &Targets::Classes(vec![]));
        assert!(none.len() == METRICS.len() && none.iter().all(|value| value.is_nan()), "{none:?}");
        let scores = [1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 1.0];
        let pairs = task.confusion(&scores, &Targets::Classes(vec![0, 0, 2]));
        assert_eq!(pairs, [([0, 0], 1), ([0, 2], 1), ([2, 2], 1)].into());
    }

    /// Of very many classes a few numbers of a sample are reduced and every metric but `map` is the same.
    #[test]
    fn many_classes_keep_a_summary_from_which_the_metrics_follow() {
        let (few, many) = (Classification::new(4), Classification::new(Classification::MOST_SCORES + 1));
        let four = [[2.0, 0.5, -1.0, 0.0], [0.0, 1.0, 0.0, 0.3], [0.5, 3.0, 0.1, -2.0], [0.0, 1.0, 0.0, 0.0]];
        // Classes beyond the fourth have no probability.
        let wide = four.iter().flat_map(|row| {
            let more = std::iter::repeat_n(-1e4, many.classes - 4);
            row.iter().copied().chain(more).collect::<Vec<f32>>()
        });
        let targets = Targets::Classes(vec![0, 0, 1, 2]);
        let reduced = many.reduce_on_host(wide.collect(), &targets);
        assert_eq!(reduced.len(), 4 * many.reduced_width());
        assert!(many.reduced_width() <= 8, "{} numbers of a sample", many.reduced_width());
        assert_eq!(many.columns().len(), many.reduced_width());
        let (wanted, found) =
            (few.evaluate(four.as_flattened(), &targets), many.evaluate(&reduced, &targets));
        let all = few.metrics();
        let named = all.names().zip(wanted).filter(|(name, _)| *name != "map");
        assert!(many.metrics().names().eq(few.metrics().names().filter(|name| *name != "map")));
        for ((name, wanted), found) in named.zip(found) {
            assert!((wanted - found).abs() < 1e-6, "{name}: {wanted} {found}");
        }
        assert_eq!(many.confusion(&reduced, &targets), few.confusion(four.as_flattened(), &targets));
        assert_eq!(few.reduce_on_host(four.concat(), &targets), four.concat());
    }
}
