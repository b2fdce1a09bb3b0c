//! What scores should have been, and the loss of what they are.

use counterpoint_batch::Targets;

/// The targets of some samples, with the loss that belongs to their kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// One class of several: cross-entropy.
    Classes {
        /// Of every sample.
        classes: Vec<usize>,
        /// How many classes there are.
        count: usize,
    },
    /// Any of several labels: the mean of their binary cross-entropies.
    Labels {
        /// `[samples, width]`.
        flags: Vec<bool>,
        /// How many labels there are.
        width: usize,
    },
    /// A number: half the squared error, in units of the numbers' variance.
    Values {
        /// Of every sample.
        values: Vec<f64>,
        /// Their variance; 1 if they do not vary.
        variance: f64,
    },
}

/// The loss of a sample by its scores: value and derivatives, of which the second is
/// `diag(diagonal) - rank_one rank_one^T`.
pub(super) struct Local {
    pub value: f64,
    pub gradient: Vec<f64>,
    pub diagonal: Vec<f64>,
    pub rank_one: Vec<f64>,
}

impl Truth {
    /// The truth in targets, for scores of that many numbers; `None` of label maps.
    pub fn of(targets: &Targets, width: usize) -> Option<Self> {
        match targets {
            Targets::Classes(classes) => Some(Self::Classes { classes: classes.clone(), count: width }),
            Targets::Labels { flags, width } => Some(Self::Labels { flags: flags.clone(), width: *width }),
            Targets::Values(values) => {
                let values: Vec<f64> = values.iter().map(|&y| y.into()).collect();
                let mean = mean(&values);
                let variance =
                    values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64;
                Some(Self::Values { values, variance: if variance > 0.0 { variance } else { 1.0 } })
            }
            _ => None,
        }
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        match self {
            Self::Classes { classes, .. } => classes.len(),
            Self::Labels { flags, width } => flags.len() / (*width).max(1),
            Self::Values { values, .. } => values.len(),
        }
    }

    /// Numbers of a sample's scores.
    pub fn width(&self) -> usize {
        match self {
            Self::Classes { count, .. } => *count,
            Self::Labels { width, .. } => *width,
            Self::Values { .. } => 1,
        }
    }

    /// One label out of several, with the others left out; the whole where there are none.
    #[must_use]
    pub fn label(&self, label: usize) -> Self {
        match self {
            Self::Labels { flags, width } => {
                Self::Labels { flags: flags.iter().skip(label).step_by(*width).copied().collect(), width: 1 }
            }
            other => other.clone(),
        }
    }

    /// The mean loss of a guess that knows the frequencies (of numbers: the mean) of
    /// `train` and nothing of the sample. What never occurs there counts as half a sample.
    pub fn of_prior(&self, train: &Self) -> f64 {
        let share = |count: f64, of: usize| (count.max(0.5) / of.max(1) as f64).min(1.0);
        match (self, train) {
            (Self::Classes { classes, count }, Self::Classes { classes: known, .. }) => {
                let mut counts = vec![0.0; *count];
                known.iter().for_each(|&class| counts[class] += 1.0);
                let loss = |&class: &usize| -share(counts[class], known.len()).ln();
                mean(&classes.iter().map(loss).collect::<Vec<_>>())
            }
            (Self::Labels { flags, width }, Self::Labels { flags: known, .. }) => {
                let samples = known.len() / (*width).max(1);
                let count = |label: usize, on: bool| {
                    known.iter().skip(label).step_by(*width).filter(|flag| **flag == on).count() as f64
                };
                let losses: Vec<[f64; 2]> = (0..*width)
                    .map(|label| [false, true].map(|on| -share(count(label, on), samples).ln()))
                    .collect();
                let loss = |(at, &on): (usize, &bool)| losses[at % width][usize::from(on)];
                mean(&flags.iter().enumerate().map(loss).collect::<Vec<_>>())
            }
            (Self::Values { values, variance }, Self::Values { values: known, .. }) => {
                let guess = mean(known);
                mean(&values.iter().map(|y| (y - guess).powi(2) / (2.0 * variance)).collect::<Vec<_>>())
            }
            _ => f64::NAN,
        }
    }

    /// How far scores are spread: root mean square, of classes from the mean of a
    /// sample, which a softmax does not see.
    pub(super) fn spread(&self, row: &[f64]) -> f64 {
        let width = self.width().max(1);
        let square = |sample: &[f64]| -> f64 {
            let middle = if matches!(self, Self::Classes { .. }) { mean(sample) } else { 0.0 };
            sample.iter().map(|z| (z - middle).powi(2)).sum()
        };
        let sum: f64 = row.chunks_exact(width).map(square).sum();
        let spread = (sum / row.len().max(1) as f64).sqrt();
        // Equal numbers that differ by rounding have no spread.
        let most = row.iter().fold(0.0, |most: f64, z| most.max(z.abs()));
        if spread > 1e-12 * most { spread } else { 0.0 }
    }

    /// Whether the loss has a minimum whatever the scores are.
    pub(super) fn is_bounded(&self) -> bool {
        matches!(self, Self::Values { .. })
    }

    /// The loss of a sample, with its derivatives.
    pub(super) fn slopes(&self, sample: usize, scores: &[f64]) -> Local {
        match self {
            Self::Classes { classes, .. } => {
                let class = classes[sample];
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut p: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
                let sum: f64 = p.iter().sum();
                p.iter_mut().for_each(|p| *p /= sum);
                let mut gradient = p.clone();
                gradient[class] -= 1.0;
                Local { value: top + sum.ln() - scores[class], gradient, diagonal: p.clone(), rank_one: p }
            }
            Self::Labels { flags, width } => {
                let each = 1.0 / *width as f64;
                let flags = &flags[sample * width..(sample + 1) * width];
                let p: Vec<f64> = scores.iter().map(|s| 1.0 / (1.0 + (-s).exp())).collect();
                let signed = scores.iter().zip(flags).map(|(s, &on)| if on { -s } else { *s });
                let value = signed.map(|s| s.max(0.0) + (-s.abs()).exp().ln_1p()).sum::<f64>() * each;
                let gradient =
                    p.iter().zip(flags).map(|(p, &on)| (p - f64::from(u8::from(on))) * each).collect();
                let diagonal = p.iter().map(|p| p * (1.0 - p) * each).collect();
                Local { value, gradient, diagonal, rank_one: vec![0.0; *width] }
            }
            Self::Values { values, variance } => {
                let error = scores[0] - values[sample];
                Local {
                    value: error * error / (2.0 * variance),
                    gradient: vec![error / variance],
                    diagonal: vec![1.0 / variance],
                    rank_one: vec![0.0],
                }
            }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    crate::math::probability::mean(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_at_the_prior_by_hand() {
        let classes = |classes: &[usize]| Truth::Classes { classes: classes.to_vec(), count: 3 };
        let train = classes(&[0, 0, 0, 1]);
        assert!((train.of_prior(&train) + (0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln())).abs() < 1e-12);
        // A class that training lacks counts as half a sample of four.
        assert!((classes(&[2]).of_prior(&train) + 0.125_f64.ln()).abs() < 1e-12);
        let values = |values: &[f32]| Truth::of(&Targets::Values(values.to_vec()), 1).unwrap();
        let train = values(&[1.0, 3.0]);
        assert_eq!((train.of_prior(&train), values(&[0.0, 4.0]).of_prior(&train)), (0.5, 0.5));
        assert_eq!(values(&[2.0, 4.0]).of_prior(&train), 1.0);
        let labels = |flags: &[bool]| Truth::Labels { flags: flags.to_vec(), width: 2 };
        let train = labels(&[true, false, true, true]);
        // The first label always applies: half a sample of two says otherwise.
        let always = -(1.0_f64).ln();
        let half = -(0.5_f64).ln();
        assert!((labels(&[true, true]).of_prior(&train) - (always + half) / 2.0).abs() < 1e-12);
        assert!((labels(&[false, true]).of_prior(&train) - (-(0.25_f64).ln() + half) / 2.0).abs() < 1e-12);
    }
}
