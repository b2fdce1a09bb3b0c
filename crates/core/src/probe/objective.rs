//! What a probe minimises.

use counterpoint_batch::Targets;

use super::TaskKind;
use crate::Error;
use crate::task::Task;

/// Which loss fits a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// `-log softmax(z)[y]`.
    Softmax,
    /// The mean over labels of `log(1 + exp(-+z))`.
    Logistic,
    /// `(z - y)^2 / 2`.
    Squared,
}

impl Loss {
    pub fn of(task: &dyn Task) -> Result<Self, Error> {
        match task.kind() {
            TaskKind::Classification => Ok(Self::Softmax),
            TaskKind::Multilabel => Ok(Self::Logistic),
            TaskKind::Regression => Ok(Self::Squared),
            TaskKind::Segmentation => Err(Error::config(
                "a linear probe reads one vector per sample and gives one answer: it is not defined for segmentation",
            )),
        }
    }
}

/// What should be predicted.
pub(super) enum Truth {
    /// The class of each sample: 1 for it, 0 for the others.
    Classes(Vec<usize>),
    /// `[samples, outputs]`: 1 for a label that applies, else 0; or the standardised number.
    Numbers(Vec<f64>),
}

impl Truth {
    pub fn of(targets: &Targets, (mean, deviation): (f64, f64)) -> Self {
        match targets {
            Targets::Classes(classes) => Self::Classes(classes.clone()),
            Targets::Labels { flags, .. } => {
                Self::Numbers(flags.iter().map(|&on| f64::from(u8::from(on))).collect())
            }
            Targets::Values(values) => {
                Self::Numbers(values.iter().map(|&v| (f64::from(v) - mean) / deviation).collect())
            }
            _ => Self::Numbers(Vec::new()),
        }
    }

    /// The numbers of one sample.
    fn read(&self, sample: usize, into: &mut [f64]) {
        match self {
            Self::Classes(classes) => {
                into.fill(0.0);
                into[classes[sample]] = 1.0;
            }
            Self::Numbers(numbers) => {
                into.copy_from_slice(&numbers[sample * into.len()..(sample + 1) * into.len()]);
            }
        }
    }

    fn samples(&self, outputs: usize) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers(numbers) => numbers.len() / outputs,
        }
    }
}

/// Mean loss of a linear model over samples.
pub(super) struct Objective {
    /// `[samples, width]`, standardised.
    pub x: Vec<f64>,
    pub y: Truth,
    pub width: usize,
    pub outputs: usize,
    pub loss: Loss,
}

/// `w x + b` with the bias after the weights.
pub(super) fn affine(w: &[f64], x: &[f64]) -> f64 {
    let (bias, w) = w.split_last().expect("a bias is always there");
    bias + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()
}

impl Objective {
    /// The mean loss plus `penalty / 2 ||W||^2` without the biases, and its gradient.
    pub fn penalised(&self, weights: &[f64], penalty: f64, gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut value = self.over(weights, |x, slopes| {
            for (slope, row) in slopes.iter().zip(gradient.chunks_exact_mut(self.width + 1)) {
                row.iter_mut().zip(x).for_each(|(g, x)| *g += slope * x);
                row[self.width] += slope;
            }
        });
        for (w, g) in weights.chunks_exact(self.width + 1).zip(gradient.chunks_exact_mut(self.width + 1)) {
            for (w, g) in w[..self.width].iter().zip(g) {
                value += 0.5 * penalty * w * w;
                *g += penalty * w;
            }
        }
        value
    }

    /// The mean loss.
    pub fn value(&self, weights: &[f64]) -> f64 {
        self.over(weights, |_, _| {})
    }

    /// The mean loss; `see` gets each sample with the slopes of the mean at its scores.
    fn over(&self, weights: &[f64], mut see: impl FnMut(&[f64], &[f64])) -> f64 {
        let count = self.y.samples(self.outputs);
        let samples = count as f64;
        let (mut total, mut slopes, mut y) = (0.0, vec![0.0; self.outputs], vec![0.0; self.outputs]);
        for (x, sample) in self.x.chunks_exact(self.width).zip(0..count) {
            self.y.read(sample, &mut y);
            for (z, w) in slopes.iter_mut().zip(weights.chunks_exact(self.width + 1)) {
                *z = affine(w, x);
            }
            total += self.loss.replace(&mut slopes, &y);
            slopes.iter_mut().for_each(|slope| *slope /= samples);
            see(x, &slopes);
        }
        total / samples
    }
}

impl Loss {
    /// The loss of one sample; its scores become its slopes.
    fn replace(self, z: &mut [f64], y: &[f64]) -> f64 {
        match self {
            Self::Softmax => {
                let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = z.iter().map(|z| (z - top).exp()).sum();
                let log = top + sum.ln();
                let mut loss = 0.0;
                for (z, y) in z.iter_mut().zip(y) {
                    loss += y * (log - *z);
                    *z = (*z - log).exp() - y;
                }
                loss
            }
            Self::Logistic => {
                let count = z.len() as f64;
                let mut loss = 0.0;
                for (z, y) in z.iter_mut().zip(y) {
                    // log(1 + e^z) - y z, without overflow.
                    loss += (z.max(0.0) + (-z.abs()).exp().ln_1p() - y * *z) / count;
                    *z = (1.0 / (1.0 + (-*z).exp()) - y) / count;
                }
                loss
            }
            Self::Squared => {
                let mut loss = 0.0;
                for (z, y) in z.iter_mut().zip(y) {
                    *z -= y;
                    loss += 0.5 * *z * *z;
                }
                loss
            }
        }
    }
}
