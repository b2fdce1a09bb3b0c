//! Shift and scale of a prepared array.

use serde::{Deserialize, Serialize};

/// Mean of the ImageNet training pictures, red to blue, in 0..=1.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of the same.
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// How values are shifted and scaled at the very end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Normalise {
    /// As they are.
    None,
    /// Each array by its own mean and standard deviation (+ 1e-9).
    Clip,
    /// `(x - mean) / std`, fitted on the training split.
    Scalar {
        /// Mean of all values.
        mean: f32,
        /// Standard deviation of all values, above 0.
        std: f32,
    },
    /// `(x - mean) / std` with one pair per channel, the first axis.
    Channels {
        /// Mean of each channel.
        mean: Vec<f32>,
        /// Standard deviation of each channel, above 0.
        std: Vec<f32>,
    },
}

impl Normalise {
    /// The customary figures for networks trained on ImageNet.
    pub fn imagenet() -> Self {
        Self::Channels { mean: IMAGENET_MEAN.to_vec(), std: IMAGENET_STD.to_vec() }
    }

    /// Applies to the values of one array with the channel as first axis.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        let shift =
            |values: &mut [f32], mean: f32, std: f32| values.iter_mut().for_each(|v| *v = (*v - mean) / std);
        match self {
            Self::None => {}
            Self::Clip => {
                let mut moments = Moments::default();
                moments.add(values);
                let (mean, std) = moments.mean_std();
                shift(values, mean as f32, (std + 1e-9) as f32);
            }
            Self::Scalar { mean, std } => shift(values, *mean, *std),
            Self::Channels { mean, std } => {
                let plane = (values.len() / mean.len().max(1)).max(1);
                for (plane, (mean, std)) in values.chunks_exact_mut(plane).zip(mean.iter().zip(std)) {
                    shift(plane, *mean, *std);
                }
            }
        }
    }

    /// Whether it can be applied to so many channels without dividing by zero.
    pub(crate) fn fits(&self, channels: usize) -> bool {
        let scale = |s: &f32| *s > 0.0 && s.is_finite();
        match self {
            Self::None | Self::Clip => true,
            Self::Scalar { mean, std } => mean.is_finite() && scale(std),
            Self::Channels { mean, std } => {
                mean.len() == channels && std.len() == channels && std.iter().all(scale)
            }
        }
    }
}

/// Running sums for mean and standard deviation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Takes in all values.
    pub fn add(&mut self, values: &[f32]) {
        self.count += values.len() as f64;
        for &value in values {
            self.sum += f64::from(value);
            self.squares += f64::from(value) * f64::from(value);
        }
    }

    /// Takes in what another one has seen.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Mean and population standard deviation; (0, 0) of nothing.
    pub fn mean_std(&self) -> (f64, f64) {
        let count = self.count.max(1.0);
        let mean = self.sum / count;
        (mean, (self.squares / count - mean * mean).max(0.0).sqrt())
    }

    /// The scalar normalisation; a constant input is only shifted.
    pub fn scalar(&self) -> Normalise {
        let (mean, std) = self.mean_std();
        Normalise::Scalar { mean: mean as f32, std: if std > 1e-6 { std as f32 } else { 1.0 } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_population() {
        let mut half = Moments::default();
        half.add(&[1.0, 2.0]);
        let mut all = Moments::default();
        all.add(&[3.0, 4.0]);
        all.merge(&half);
        assert_eq!(all.mean_std(), (2.5, 1.25f64.sqrt()));
        assert_eq!(Moments::default().mean_std(), (0.0, 0.0));
    }

    #[test]
    fn each_rule_shifts_and_scales() {
        let mut values = [1.0, 3.0, 10.0, 30.0];
        Normalise::Channels { mean: vec![1.0, 10.0], std: vec![2.0, 20.0] }.apply(&mut values);
        assert_eq!(values, [0.0, 1.0, 0.0, 1.0]);
        let mut values = [2.0, 4.0];
        Normalise::Clip.apply(&mut values);
        assert_eq!(values, [-1.0, 1.0]);
        let mut constant = Moments::default();
        constant.add(&[7.0; 3]);
        assert_eq!(constant.scalar(), Normalise::Scalar { mean: 7.0, std: 1.0 });
    }

    #[test]
    fn damaged_figures_do_not_fit() {
        assert!(!Normalise::Scalar { mean: 0.0, std: 0.0 }.fits(1));
        assert!(!Normalise::imagenet().fits(1));
        assert!(Normalise::imagenet().fits(3));
    }
}
