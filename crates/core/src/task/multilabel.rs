//! Any number of labels out of several.

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Tensor, TensorData};
use counterpoint_batch::Targets;

use super::counts::{mean, ratio};
use super::precision::average_precision;
use super::{Metric, MetricFn, Metrics, Task, TaskKind};
use crate::Error;

/// What the metrics are computed from.
struct Answers<'a> {
    scores: &'a [f32],
    flags: &'a [bool],
    labels: usize,
}

/// How a metric is computed.
type Value = fn(&Answers<'_>) -> f64;

const METRICS: &[MetricFn<Value>] = &[
    Metric::share("map", "mAP").by(|a| a.mean_average_precision()),
    Metric::share("micro_f1", "micro F1").by(|a| a.micro_f1()),
];

impl Answers<'_> {
    fn mean_average_precision(&self) -> f64 {
        mean((0..self.labels).map(|label| {
            let of = |values: usize| (0..values).map(move |sample| sample * self.labels + label);
            let samples = self.flags.len() / self.labels.max(1);
            let positive = of(samples).filter(|&at| self.flags[at]).map(|at| f64::from(self.scores[at]));
            average_precision(positive.collect(), of(samples).map(|at| f64::from(self.scores[at])))
        }))
    }

    fn micro_f1(&self) -> f64 {
        let (mut hits, mut marked) = (0.0, 0.0);
        for (&score, &flag) in self.scores.iter().zip(self.flags) {
            let said = score > 0.0;
            hits += f64::from(u8::from(said && flag));
            marked += f64::from(u8::from(said)) + f64::from(u8::from(flag));
        }
        ratio(2.0 * hits, marked)
    }
}

/// Multilabel classification with binary cross-entropy on logits, the mean
/// over labels.
///
/// `map` is the mean average precision over labels with a positive sample:
/// for each label the mean, over its positive samples, of the precision among
/// all samples that score at least as high. `micro_f1` counts hits and misses
/// of all labels together at probability one half. Neither is defined (NaN)
/// where no label applies; `micro_f1` is 0 where some were said nevertheless.
#[derive(Clone, Copy, Debug)]
pub struct Multilabel {
    labels: usize,
    selects: usize,
}

impl Multilabel {
    /// A task with this many labels.
    pub fn new(labels: usize) -> Self {
        Self { labels, selects: 0 }
    }

    /// The same with the best epoch selected by the metric of that name.
    pub(super) fn selected_by(self, name: &str) -> Result<Self, Error> {
        Ok(Self { selects: self.metrics().place(name)?, ..self })
    }
}

/// The flags of targets that must be label sets.
fn flags_of(targets: &Targets) -> &[bool] {
    match targets {
        Targets::Labels { flags, .. } => flags,
        _ => super::mismatch(TaskKind::Multilabel, targets),
    }
}

impl Task for Multilabel {
    fn kind(&self) -> TaskKind {
        TaskKind::Multilabel
    }

    fn outputs(&self) -> usize {
        self.labels
    }

    fn losses(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let samples = targets.len();
        let signs: Vec<f32> = flags_of(targets).iter().map(|&on| if on { 1.0 } else { -1.0 }).collect();
        let signs = Tensor::<2>::from_data(TensorData::new(signs, [samples, self.labels]), &scores.device());
        // -log sigmoid(s) where the label applies, -log sigmoid(-s) where not.
        log_sigmoid(scores * signs).neg().mean_dim(1).reshape([samples])
    }

    fn metrics(&self) -> Metrics {
        Metrics::of(METRICS, self.selects)
    }

    fn evaluate(&self, reduced: &[f32], targets: &Targets) -> Vec<f64> {
        let answers = Answers { scores: reduced, flags: flags_of(targets), labels: self.labels };
        METRICS.iter().map(|metric| (metric.value)(&answers)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use burn::tensor::Device;

    fn targets(flags: &[bool], width: usize) -> Targets {
        Targets::Labels { width, flags: flags.to_vec() }
    }

    #[test]
    fn metrics_by_hand() {
        // Label 0 by score: + - +, so (1 + 2/3) / 2; label 1 never applies and does not count.
        let (scores, flags) = ([3.0, -1.0, 2.0, 1.0, -1.0, -2.0], [true, false, false, false, true, false]);
        let metrics = Multilabel::new(2).evaluate(&scores, &targets(&flags, 2));
        assert!((metrics[0] - 5.0 / 6.0).abs() < 1e-12, "{metrics:?}");
        // Said 3 labels, one of them rightly, of 2 that apply.
        assert!((metrics[1] - 2.0 / 5.0).abs() < 1e-12, "{metrics:?}");
    }

    #[test]
    fn without_a_label_that_applies_nothing_is_defined() {
        let quiet = Multilabel::new(1).evaluate(&[-1.0], &targets(&[false], 1));
        assert!(quiet.iter().all(|value| value.is_nan()), "{quiet:?}");
        let wrong = Multilabel::new(1).evaluate(&[1.0], &targets(&[false], 1));
        assert!(wrong[0].is_nan() && wrong[1] == 0.0, "{wrong:?}");
    }

    #[test]
    fn the_loss_is_the_binary_cross_entropy_and_stays_finite() {
        let device = Device::flex();
        let scores = Tensor::from_data(TensorData::new(vec![0.5_f32, -200.0, 1.0, 200.0], [2, 2]), &device);
        let losses = host(Multilabel::new(2).losses(scores, &targets(&[true, true, false, true], 2)));
        let soft = |s: f64| (1.0 + s.exp()).ln();
        let by_hand = [(soft(-0.5) + 200.0) / 2.0, soft(1.0) / 2.0];
        assert!(losses.iter().zip(by_hand).all(|(l, h)| (f64::from(*l) - h).abs() < 1e-5), "{losses:?}");
    }
}
