//! One real number.

use burn::tensor::{Tensor, TensorData};
use counterpoint_batch::Targets;
use serde::{Deserialize, Serialize};

use super::{Metric, Metrics, Task, TaskKind};

const METRICS: &[Metric] = &[
    Metric::gain("r2"),
    Metric::error("mae"),
    Metric::error("mse"),
    Metric::gain("correlation"),
    Metric::share("sign_accuracy"),
    Metric::share("nonzero_accuracy"),
];

/// What a regression minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
/// matters for one modality alone: the shared bias is fitted to the fused
/// output, so a unimodal output may be shifted as a whole. `sign_accuracy` is
/// the share of samples whose score and target agree on being negative, 0
/// counting as positive; `nonzero_accuracy` leaves out targets that are 0 and
/// asks whether both are above 0. These are the two readings of sentiment
/// polarity in use for CMU-MOSI; where no target is left it is 0.
#[derive(Clone, Copy, Debug)]
pub struct Regression {
    loss: RegressionLoss,
    metrics: Metrics,
}

impl Default for Regression {
    fn default() -> Self {
        Self::new(RegressionLoss::default())
    }
}

impl Regression {
    /// A task with the given loss.
    pub fn new(loss: RegressionLoss) -> Self {
        Self { loss, metrics: Metrics::new(METRICS) }
    }

    /// The same with the best epoch selected by another metric.
    pub(super) fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }
}

/// The numbers of targets that must be numbers.
fn values_of(targets: &Targets) -> &[f32] {
    match targets {
        Targets::Values(values) => values,
        _ => super::mismatch(TaskKind::Regression, targets),
    }
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
        self.metrics
    }

    fn judge(&self, scores: &[f32], targets: &Targets) -> Vec<f64> {
        let pairs: Vec<(f64, f64)> =
            scores.iter().zip(values_of(targets)).map(|(s, y)| (f64::from(*s), f64::from(*y))).collect();
        let mean = |of: &dyn Fn(f64, f64) -> f64| {
            pairs.iter().map(|&(s, y)| of(s, y)).sum::<f64>() / pairs.len() as f64
        };
        let (at_s, at_y) = (mean(&|s, _| s), mean(&|_, y| y));
        let mse = mean(&|s, y| (s - y).powi(2));
        let (of_s, of_y) = (mean(&|s, _| (s - at_s).powi(2)), mean(&|_, y| (y - at_y).powi(2)));
        let together = mean(&|s, y| (s - at_s) * (y - at_y));
        // Where nothing varies there is nothing to explain and nothing to go along with.
        let over = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
        let agree = |pairs: &mut dyn Iterator<Item = bool>| {
            let (hits, all) =
                pairs.fold((0.0, 0.0), |(hits, all), hit| (hits + f64::from(u8::from(hit)), all + 1.0));
            over(hits, all)
        };
        vec![
            over(of_y - mse, of_y),
            mean(&|s, y| (s - y).abs()),
            mse,
            over(together, (of_s * of_y).sqrt()),
            agree(&mut pairs.iter().map(|&(s, y)| (s >= 0.0) == (y >= 0.0))),
            agree(&mut pairs.iter().filter(|(_, y)| *y != 0.0).map(|&(s, y)| (s > 0.0) == (y > 0.0))),
        ]
    }

    fn running(&self) -> Option<Metric> {
        Some(METRICS[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_four_samples_by_hand() {
        // Errors 1, -1, 0, 2; squared deviations: targets 5, scores 14, together 7.
        let metrics =
            Regression::default().judge(&[2.0, 1.0, 3.0, 6.0], &Targets::Values(vec![1.0, 2.0, 3.0, 4.0]));
        let by_hand = [1.0 - 6.0 / 5.0, 1.0, 1.5, 7.0 / (14.0_f64 * 5.0).sqrt(), 1.0, 1.0];
        for (is, should) in metrics.iter().zip(by_hand) {
            assert!((is - should).abs() < 1e-12, "{metrics:?}");
        }
    }

    #[test]
    fn constant_targets_and_scores_give_finite_metrics() {
        let metrics = Regression::default().judge(&[1.0, 1.0], &Targets::Values(vec![2.0, 2.0]));
        assert_eq!(metrics, [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn zero_is_positive_or_left_out() {
        // Signs of scores + - 0 +, of targets + 0 - 0: equal with 0 as positive in samples 1 and 4;
        // among samples 1 and 3 both above 0 or both not in both of them.
        let metrics =
            Regression::default().judge(&[1.0, -1.0, 0.0, 2.0], &Targets::Values(vec![2.0, 0.0, -1.0, 0.0]));
        assert_eq!(metrics[4..], [0.5, 1.0]);
        let none = Regression::default().judge(&[1.0], &Targets::Values(vec![0.0]));
        assert_eq!(none[4..], [1.0, 0.0]);
    }
}
