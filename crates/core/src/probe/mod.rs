//! Linear probe: what a linear model can read from frozen features.
//!
//! A head that a method trains says as much about the head as about the
//! features. The probe is the same for every method, so it compares encoders:
//!
//! 1. Features of one modality over the train split, in evaluation mode and
//!    without augmentation, of the samples that have it.
//! 2. Every feature minus its mean, divided by its standard deviation, both of
//!    the train split; a feature that does not vary there is left out.
//! 3. `min over W, b of mean loss(W x + b, y) + penalty / 2 ||W||^2`: softmax
//!    cross-entropy for classes, the mean of binary cross-entropies for labels,
//!    half the squared error of the standardised number for regression (ridge).
//! 4. The penalty is the one of [`Probe::PENALTIES`] whose probe is best on the
//!    validation split by the metric that selects epochs; of equals, or where
//!    that is not defined, the one with the lowest mean loss.
//!
//! Solved in double precision until no entry of the gradient exceeds
//! [`Probe::TOLERANCE`]. The problem is convex and nothing is random: equal
//! features give equal bits. No other split has a say in any number of it.
//!
//! Sources: Alain and Bengio 2016 (arXiv 1610.01644) for the idea; as a measure
//! of unimodal encoders as in ReconBoost (Hua et al., ICML 2024).

mod objective;

use counterpoint_batch::Targets;

use crate::Error;
use crate::math::lbfgs::minimize;
use crate::strategy::Measured;
use crate::task::{Task, TaskKind};

use objective::{Loss, Objective, Truth};

/// A fitted probe of one modality.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The penalty that validation chose.
    pub penalty: f64,
    /// Mean and 1 / standard deviation of each feature; 0 for one that does not vary.
    standard: Vec<(f64, f64)>,
    /// `[outputs, width + 1]`, the bias last.
    weights: Vec<f64>,
    /// Mean and standard deviation of a number to predict; (0, 1) for classes.
    target: (f64, f64),
}

impl Probe {
    /// The penalties that validation chooses from, the strongest first.
    pub const PENALTIES: [f64; 6] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
    /// Largest entry of the gradient at the solution.
    pub const TOLERANCE: f64 = 1e-6;
    /// How many scores are held at a time.
    const HELD: usize = 1 << 20;

    /// Fits a probe to features of the train split and chooses its penalty on
    /// those of the validation split.
    ///
    /// # Errors
    /// If the task is segmentation, or a split has no sample.
    pub fn fit(train: &Measured, validation: &Measured, task: &dyn Task) -> Result<Self, Error> {
        let loss = Loss::of(task)?;
        for (split, measured) in [("train", train), ("validation", validation)] {
            if measured.targets.is_empty() {
                return Err(Error::config(format!(
                    "a linear probe needs samples, the {split} split has none"
                )));
            }
        }
        let standard = standard(train);
        let target = match &train.targets {
            Targets::Values(values) => spread(values.iter().map(|&v| v.into())),
            _ => (0.0, 1.0),
        };
        let outputs = task.outputs();
        let of = |measured: &Measured| {
            let x = standardised(&standard, &measured.values);
            let y = Truth::of(&measured.targets, target);
            Objective { x, y, width: standard.len(), outputs, loss }
        };
        let (fitted, judged) = (of(train), of(validation));
        let mut weights = vec![0.0; outputs * (standard.len() + 1)];
        let metric = task.metrics().primary();
        let mut best: Option<(f64, f64, Self)> = None;
        for penalty in Self::PENALTIES {
            // From one penalty to the next the solution moves little.
            let run = |at: &[f64], gradient: &mut [f64]| fitted.penalised(at, penalty, gradient);
            weights = minimize(weights, Self::TOLERANCE, run).at;
            let probe = Self { penalty, standard: standard.clone(), weights: weights.clone(), target };
            let loss = judged.value(&weights);
            if !loss.is_finite() {
                continue;
            }
            let reduced = probe.reduce(&validation.values, &validation.targets, task);
            let score = task.score(&reduced, &validation.targets);
            let better = best.as_ref().is_none_or(|&(known, least, _)| {
                metric.improves(score, known) || !metric.improves(known, score) && loss < least
            });
            if better {
                best = Some((score, loss, probe));
            }
        }
        let none =
            || Error::config("no linear probe has a finite loss on validation: are the features finite?");
        best.map(|(_, _, probe)| probe).ok_or_else(none)
    }

    /// Whether a task has a probe at all.
    ///
    /// # Errors
    /// If not; the message says why.
    pub fn check(task: &dyn Task) -> Result<(), Error> {
        Loss::of(task).map(drop)
    }

    /// What the task keeps of the scores of features, as of those of a model;
    /// few samples' scores are held at a time.
    pub fn reduce(&self, features: &[f32], targets: &Targets, task: &dyn Task) -> Vec<f32> {
        let (width, at_once) = (self.standard.len(), (Self::HELD / task.outputs().max(1)).max(1));
        let parts = features.chunks(at_once * width).enumerate();
        let reduce = |(part, features): (usize, &[f32])| {
            let first = part * at_once;
            let of: Vec<usize> = (first..first + features.len() / width).collect();
            task.reduce_on_host(self.scores(features), &targets.pick(&of))
        };
        parts.flat_map(reduce).collect()
    }

    /// Scores of features, row-major `[samples, width]` to `[samples, outputs]`,
    /// as the task's heads give them.
    ///
    /// # Panics
    /// If the width is not that of the features it was fitted to.
    pub fn scores(&self, features: &[f32]) -> Vec<f32> {
        let width = self.standard.len();
        assert_eq!(features.len() % width, 0, "features of a different width");
        let x = standardised(&self.standard, features);
        let (mean, deviation) = self.target;
        let rows = x.chunks_exact(width);
        let scores = rows.flat_map(|x| self.weights.chunks_exact(width + 1).map(|w| objective::affine(w, x)));
        scores.map(|score| (mean + deviation * score) as f32).collect()
    }
}

/// Mean and 1 / standard deviation of each feature, 0 for one that does not vary.
fn standard(measured: &Measured) -> Vec<(f64, f64)> {
    let column = |j: usize| measured.values.iter().skip(j).step_by(measured.width).map(|&v| f64::from(v));
    let of = |j: usize| {
        let (mean, deviation) = spread(column(j));
        let size = column(j).fold(0.0, |most: f64, v| most.max(v.abs()));
        // Below single precision's step a spread is rounding.
        (mean, if deviation > 1e-7 * size { 1.0 / deviation } else { 0.0 })
    };
    (0..measured.width).map(of).collect()
}

/// Mean and standard deviation; deviation 1 where nothing varies.
fn spread(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
}

fn standardised(standard: &[(f64, f64)], features: &[f32]) -> Vec<f64> {
    let rows = features.chunks_exact(standard.len());
    let row = |x: &[f32]| -> Vec<f64> {
        x.iter().zip(standard).map(|(&x, (mean, scale))| (f64::from(x) - mean) * scale).collect()
    };
    rows.flat_map(row).collect()
}

#[cfg(test)]
mod tests;
