//! Shift and scale of a prepared array.

use counterpoint_kernels::{Loops, vectorised};
use serde::{Deserialize, Serialize};

use crate::moments::Moments;

/// Mean of the ImageNet training pictures, red to blue, in 0..=1.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of the same.
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

struct Shift<'a> {
    values: &'a mut [f32],
    mean: f32,
    std: f32,
}

impl Loops for Shift<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.values.iter_mut().for_each(|v| *v = (*v - self.mean) / self.std);
    }
}

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
    /// `(x - mean) / std` in double precision, for numbers that a file holds
    /// (depth); what was not measured becomes 0, the mean.
    Measured {
        /// Mean, in the unit of the file.
        mean: f64,
        /// Standard deviation, in the unit of the file; not 0.
        std: f64,
        /// The number that stands for "no measurement".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<u16>,
    },
}

impl Normalise {
    /// The customary figures for networks trained on ImageNet.
    pub fn imagenet() -> Self {
        Self::Channels { mean: IMAGENET_MEAN.to_vec(), std: IMAGENET_STD.to_vec() }
    }

    /// Applies to the values of one array with the channel as first axis.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        let shift = |values: &mut [f32], mean, std| vectorised(Shift { values, mean, std });
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
            Self::Measured { mean, std, missing } => {
                let missing = missing.map(f32::from);
                values.iter_mut().for_each(|v| {
                    *v = if Some(*v) == missing { 0.0 } else { ((f64::from(*v) - mean) / std) as f32 };
                });
            }
        }
    }

    /// The value of a channel before it was applied; `None` if that is not known.
    pub(crate) fn undo(&self, channel: usize, value: f32) -> Option<f32> {
        match self {
            Self::None => Some(value),
            Self::Clip => None,
            Self::Scalar { mean, std } => Some(value * std + mean),
            Self::Channels { mean, std } => Some(value * std.get(channel)? + mean.get(channel)?),
            Self::Measured { mean, std, .. } => Some((f64::from(value) * std + mean) as f32),
        }
    }

    /// What stands for the mean in an array that it was applied to: 0, or without normalisation the
    /// mean of the array.
    pub(crate) fn centre(&self, values: &[f32]) -> f32 {
        match self {
            Self::None => {
                let mut moments = Moments::default();
                moments.add(values);
                moments.mean_std().0 as f32
            }
            Self::Clip | Self::Scalar { .. } | Self::Channels { .. } | Self::Measured { .. } => 0.0,
        }
    }

    /// Whether it can be applied to this many channels without dividing by zero.
    pub(crate) fn fits(&self, channels: usize) -> bool {
        let scale = |s: &f32| *s > 0.0 && s.is_finite();
        match self {
            Self::None | Self::Clip => true,
            Self::Scalar { mean, std } => mean.is_finite() && scale(std),
            Self::Measured { mean, std, .. } => mean.is_finite() && std.is_finite() && *std != 0.0,
            Self::Channels { mean, std } => {
                mean.len() == channels && std.len() == channels && std.iter().all(scale)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_shifts_and_scales() {
        let mut values = [1.0, 3.0, 10.0, 30.0];
        Normalise::Channels { mean: vec![1.0, 10.0], std: vec![2.0, 20.0] }.apply(&mut values);
        assert_eq!(values, [0.0, 1.0, 0.0, 1.0]);
        let mut values = [2.0, 4.0];
        Normalise::Clip.apply(&mut values);
        assert_eq!(values, [-1.0, 1.0]);
        let channels = Normalise::Channels { mean: vec![1.0, 10.0], std: vec![2.0, 20.0] };
        assert_eq!([channels.undo(0, 1.0), channels.undo(1, 1.0)], [Some(3.0), Some(30.0)]);
        assert_eq!((Normalise::Clip.undo(0, 1.0), Normalise::None.undo(0, 1.0)), (None, Some(1.0)));
        assert_eq!((Normalise::Clip.centre(&values), Normalise::None.centre(&[1.0, 3.0])), (0.0, 2.0));
        let mut constant = Moments::default();
        constant.add(&[7.0; 3]);
        assert_eq!((constant.constant(), constant.scale()), (true, (7.0, 1.0)));
        let mut small = Moments::default();
        small.add(&[1e-8, 3e-8]);
        assert!(!small.constant() && (small.scale().1 - 1e-8).abs() < 1e-14);
    }

    #[test]
    fn measured_numbers_keep_their_precision_and_gaps_become_the_mean() {
        let mut depth = [40_000.0, 40_001.0, 0.0];
        Normalise::Measured { mean: 40_000.3, std: 0.7, missing: Some(0) }.apply(&mut depth);
        assert!((f64::from(depth[0]) + 0.3 / 0.7).abs() < 1e-6 && (depth[1] - 1.0).abs() < 1e-6);
        assert_eq!(depth[2], 0.0);
    }

    #[test]
    fn damaged_figures_do_not_fit() {
        assert!(!Normalise::Scalar { mean: 0.0, std: 0.0 }.fits(1));
        assert!(!Normalise::imagenet().fits(1));
        assert!(Normalise::imagenet().fits(3));
    }
}
