//! One real number.

use burn::tensor::{Tensor, TensorData};
use counterpoint_batch::Targets;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::{ClassCounts, ratio};
use super::{Metric, MetricFn, Metrics, Task, TaskKind};
use crate::Error;

/// What the metrics are computed from: score and target of every sample.
struct Answers(Vec<(f64, f64)>);

/// How a metric is computed.
type Value = fn(&Answers) -> f64;

const METRICS: &[MetricFn<Value>] = &[
    Metric::gain("r2", "R²").by(Answers::r2),
    Metric::error("mae", "mean absolute error").by(|a| a.mean(|s, y| (s - y).abs())),
    Metric::error("mse", "mean squared error").by(Answers::mse),
    Metric::gain("correlation", "correlation").by(Answers::correlation),
    Metric::share("sign_accuracy", "sign accuracy").by(|a| a.sign().accuracy()),
    Metric::share("nonzero_accuracy", "nonzero accuracy").by(|a| a.nonzero().accuracy()),
    Metric::share("sign_f1", "sign F1").by(|a| a.sign().weighted_f1()),
    Metric::share("nonzero_f1", "nonzero F1").by(|a| a.nonzero().weighted_f1()),
    Metric::share("accuracy_5", "accuracy of 5 classes").by(|a| a.rounded(2.0)),
    Metric::share("accuracy_7", "accuracy of 7 classes").by(|a| a.rounded(3.0)),
];

impl Answers {
    fn mean(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        ratio(self.0.iter().map(|&(s, y)| of(s, y)).sum(), self.0.len() as f64)
    }

    fn mse(&self) -> f64 {
        self.mean(|s, y| (s - y).powi(2))
    }

    /// Variances of the scores and of the targets. The sum of squares of equal
    /// numbers need not round to 0: their mean may not be exact.
    fn variances(&self) -> [f64; 2] {
        let of = |part: fn(&(f64, f64)) -> f64| {
            let at = self.mean(|s, y| part(&(s, y)));
            let varies = self.0.iter().any(|pair| part(pair) != part(&self.0[0]));
            if varies { self.mean(|s, y| (part(&(s, y)) - at).powi(2)) } else { 0.0 }
        };
        [of(|pair| pair.0), of(|pair| pair.1)]
    }

    fn r2(&self) -> f64 {
        let [_, of_y] = self.variances();
        ratio(of_y - self.mse(), of_y)
    }

    fn correlation(&self) -> f64 {
        let (at_s, at_y) = (self.mean(|s, _| s), self.mean(|_, y| y));
        let [of_s, of_y] = self.variances();
        ratio(self.mean(|s, y| (s - at_s) * (y - at_y)), (of_s * of_y).sqrt())
    }

    fn sign(&self) -> ClassCounts {
        polarity(self.0.iter().map(|&(s, y)| [s >= 0.0, y >= 0.0]))
    }

    fn nonzero(&self) -> ClassCounts {
        polarity(self.0.iter().filter(|(_, y)| *y != 0.0).map(|&(s, y)| [s > 0.0, y > 0.0]))
    }

    /// Share of equal whole numbers after a cut; NaN where a target is beyond the scale of sentiment.
    fn rounded(&self, most: f64) -> f64 {
        let class = |value: f64| value.clamp(-most, most).round_ties_even();
        match self.0.iter().all(|(_, y)| y.abs() <= 3.0) {
            true => self.mean(|s, y| f64::from(u8::from(class(s) == class(y)))),
            false => f64::NAN,
        }
    }
}

/// What a regression minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RegressionLoss {
    /// `(score - target)^2`.
    #[default]
    Squared,
    /// `|score - target|`.
    Absolute,
}

/// Regression of one number.
///
/// `r2 = 1 - sum of squared errors / sum of squared deviations of the
/// targets`: larger is better, 0 is a constant guess at the mean; it ranks as
/// the mean squared error does. `correlation` ignores offset and scale, which
/// matters for a single modality: the shared bias is fitted to the fused
/// output, so a unimodal output may be shifted as a whole. `sign_accuracy` is
/// the share of samples whose score and target agree on being negative, 0
/// counting as positive; `nonzero_accuracy` leaves out targets that are 0 and
/// asks whether both are above 0. These are the two readings of sentiment
/// polarity in use for CMU-MOSI and CMU-MOSEI (Acc-2, "has0" and "non0");
/// `sign_f1` and `nonzero_f1` are the F1 of the same two classes, each weighted
/// by how often it occurs. `accuracy_5` and `accuracy_7` (Acc-5, Acc-7) ask
/// whether score and target round to the same whole number, a half to the even
/// one, after both are cut to -2 to 2 or -3 to 3. Source: MMSA (Yu et al.,
/// AAAI 2021), as CubeMLP uses it.
///
/// What has no answer is NaN: `r2` and `correlation` where nothing varies, the
/// others of no sample, and the last two where a target lies beyond -3 to 3,
/// the scale that they are made for.
#[derive(Clone, Copy, Debug)]
pub struct Regression {
    loss: RegressionLoss,
    selects: usize,
}

impl Default for Regression {
    fn default() -> Self {
        Self::new(RegressionLoss::default())
    }
}

impl Regression {
    /// A task with the given loss.
    pub fn new(loss: RegressionLoss) -> Self {
        Self { loss, selects: 0 }
    }

    /// The same with the best epoch selected by the metric of that name.
    pub(super) fn selected_by(self, name: &str) -> Result<Self, Error> {
        Ok(Self { selects: self.metrics().place(name)?, ..self })
    }
}

/// The numbers of targets that must be numbers.
fn values_of(targets: &Targets) -> &[f32] {
    match targets {
        Targets::Values(values) => values,
        _ => super::mismatch(TaskKind::Regression, targets),
    }
}

/// Counts of positive and not, from score and target of each sample.
fn polarity(pairs: impl Iterator<Item = [bool; 2]>) -> ClassCounts {
    let mut counts = ClassCounts::new(2);
    pairs.for_each(|[said, truth]| counts.add(usize::from(truth), usize::from(said), 1.0));
    counts
}

impl Task for Regression {
    fn kind(&self) -> TaskKind {
        TaskKind::Regression
    }

    fn outputs(&self) -> usize {
        1
    }

    fn losses(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let values = values_of(targets);
        let data = TensorData::new(values.to_vec(), [values.len()]);
        let targets = Tensor::from_data(data, &scores.device());
        let errors = scores.reshape([values.len()]) - targets;
        match self.loss {
            RegressionLoss::Squared => errors.clone() * errors,
            RegressionLoss::Absolute => errors.abs(),
        }
    }

    fn metrics(&self) -> Metrics {
        Metrics::of(METRICS, self.selects)
    }

    fn evaluate(&self, scores: &[f32], targets: &Targets) -> Vec<f64> {
        let pairs = scores.iter().zip(values_of(targets)).map(|(s, y)| (f64::from(*s), f64::from(*y)));
        let answers = Answers(pairs.collect());
        METRICS.iter().map(|metric| (metric.value)(&answers)).collect()
    }

    fn running(&self) -> Option<Metric> {
        Some(METRICS[1].metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_four_samples_by_hand() {
        // Errors 1, -1, 0, 2; squared deviations: targets 5, scores 14, together 7.
        let metrics =
            Regression::default().evaluate(&[2.0, 1.0, 3.0, 6.0], &Targets::Values(vec![1.0, 2.0, 3.0, 4.0]));
        let by_hand = [1.0 - 6.0 / 5.0, 1.0, 1.5, 7.0 / (14.0_f64 * 5.0).sqrt(), 1.0, 1.0];
        for (is, should) in metrics.iter().zip(by_hand) {
            assert!((is - should).abs() < 1e-12, "{metrics:?}");
        }
    }

    #[test]
    fn without_variation_there_is_nothing_to_explain_and_nothing_to_go_along_with() {
        // 0.1 as f32 has no exact mean of three.
        let metrics = Regression::default().evaluate(&[0.5, 1.0, 2.0], &Targets::Values(vec![0.1; 3]));
        assert!(metrics[0].is_nan() && metrics[3].is_nan() && metrics[1] > 0.0, "{metrics:?}");
        let flat = Regression::default().evaluate(&[0.1; 3], &Targets::Values(vec![0.5, 1.0, 2.0]));
        assert!(flat[0] < 0.0 && flat[3].is_nan(), "{flat:?}");
        let none = Regression::default().evaluate(&[], &Targets::Values(vec![]));
        assert!(none.iter().all(|value| value.is_nan()), "{none:?}");
    }

    /// By numpy 2.4 and scikit-learn 1.9, with the definitions of MMSA:
    ///
    /// ```python
    /// s, y = map(np.array, ([2.6, -0.4, 0.5, -2.5, 0.0, 1.5, -3.4, 2.2], [3.0, 0.0, 0.4, -1.6, 1.0, 1.6, -3.0, 2.9]))
    /// f1_score(y >= 0, s >= 0, average="weighted"); k = y != 0; f1_score(y[k] > 0, s[k] > 0, average="weighted")
    /// for m in 2, 3: (np.round(np.clip(s, -m, m)) == np.round(np.clip(y, -m, m))).mean()
    /// ```
    #[test]
    fn sentiment_metrics_agree_with_numpy_and_scikit_learn() {
        let scores = [2.6, -0.4, 0.5, -2.5, 0.0, 1.5, -3.4, 2.2];
        let targets = [3.0, 0.0, 0.4, -1.6, 1.0, 1.6, -3.0, 2.9];
        let metrics = Regression::default().evaluate(&scores, &Targets::Values(targets.to_vec()));
        let expected = [0.8818181818182, 0.8634920634921, 0.875, 0.75];
        for (is, should) in metrics[6..].iter().zip(expected) {
            assert!((is - should).abs() < 1e-12, "{metrics:?}");
        }
        // Degrees are not sentiment.
        let warm = Regression::default().evaluate(&[21.0, 3.0], &Targets::Values(vec![21.0, 3.5]));
        assert!(warm[8].is_nan() && warm[9].is_nan());
    }

    #[test]
    fn zero_is_positive_or_left_out() {
        // Signs of scores + - 0 +, of targets + 0 - 0: equal with 0 as positive in samples 1 and 4;
        // among samples 1 and 3 both above 0 or both not in both of them.
        let metrics = Regression::default()
            .evaluate(&[1.0, -1.0, 0.0, 2.0], &Targets::Values(vec![2.0, 0.0, -1.0, 0.0]));
        assert_eq!(metrics[4..6], [0.5, 1.0]);
        let none = Regression::default().evaluate(&[1.0], &Targets::Values(vec![0.0]));
        assert!(none[4] == 1.0 && none[5].is_nan() && none[7].is_nan(), "{none:?}");
    }
}
