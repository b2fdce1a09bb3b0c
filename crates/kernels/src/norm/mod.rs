//! Batch norm (Ioffe and Szegedy 2015) over `[pixels, channels]`, with the sum
//! and the ReLU that may follow it.

mod gradient;

pub use gradient::{NormGradient, NormSums, Passed};
pub(crate) use gradient::{input_gradient, sums};

use crate::channels::{Moments, pieces, sum_up};
use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::Shared;

/// Mean and biased variance of each channel.
#[derive(Clone, Debug)]
pub struct Statistics<S> {
    /// `[channels]`.
    pub mean: Vec<S>,
    /// `[channels]`.
    pub variance: Vec<S>,
}

impl Statistics<f64> {
    /// Those of several parts together, each with its number of pixels.
    ///
    /// # Panics
    /// If `parts` is empty.
    pub fn merged(parts: &[(usize, Self)]) -> Self {
        let count: usize = parts.iter().map(|(count, _)| count).sum();
        let mean_of = |of: &dyn Fn(&Self) -> f64| {
            parts.iter().map(|(pixels, part)| *pixels as f64 * of(part)).sum::<f64>() / count as f64
        };
        let channels = parts[0].1.mean.len();
        let mean: Vec<f64> = (0..channels).map(|c| mean_of(&|part| part.mean[c])).collect();
        let spread = |c: usize| mean_of(&|part| part.variance[c] + (part.mean[c] - mean[c]).powi(2));
        let variance = (0..channels).map(spread).collect();
        Self { mean, variance }
    }

    /// The same in another precision.
    pub fn rounded<S: Real>(&self) -> Statistics<S> {
        let round = |values: &[f64]| values.iter().map(|&value| S::of(value)).collect();
        Statistics { mean: round(&self.mean), variance: round(&self.variance) }
    }
}

pub(crate) fn statistics<S: Real>(level: Level, channels: usize, y: &[S]) -> Statistics<f64> {
    let pixels = y.len() / channels;
    assert!(pixels > 0, "statistics of no pixels");
    // Sums of the distance to the first pixel: squares of numbers far from zero
    // would leave no digits for their variance.
    let origin = &y[..channels];
    let sums = sum_up(channels, pixels, |range, to| {
        let y = &y[range.start * channels..range.end * channels];
        S::run(level, Moments { y, origin, to });
    });
    let count = pixels as f64;
    let (first, second) = sums.split_at(channels);
    let of = |c: usize| {
        let mean = first[c] / count;
        (origin[c].wide() + mean, (second[c] / count - mean * mean).max(0.0))
    };
    let (mean, variance) = (0..channels).map(of).unzip();
    Statistics { mean, variance }
}

/// What normalisation does to each channel: `y * scale + shift`.
#[derive(Clone, Debug)]
pub struct Affine<S> {
    /// `[channels]`.
    pub scale: Vec<S>,
    /// `[channels]`.
    pub shift: Vec<S>,
}

impl<S: Real> Affine<S> {
    /// `(y - mean) / sqrt(variance + epsilon) * weight + bias`.
    pub fn new(of: &Statistics<S>, weight: &[S], bias: &[S], epsilon: f64) -> Self {
        let channel = |c: usize| {
            let scale = weight[c].wide() / (of.variance[c].wide() + epsilon).sqrt();
            (S::of(scale), S::of(bias[c].wide() - of.mean[c].wide() * scale))
        };
        let (scale, shift) = (0..weight.len()).map(channel).unzip();
        Self { scale, shift }
    }
}

pub(crate) fn normalize<S: Real>(
    level: Level,
    affine: &Affine<S>,
    y: &[S],
    more: Option<&[S]>,
    relu: bool,
    out: &mut [S],
) {
    let channels = affine.scale.len();
    pieces(channels, y.len(), Shared::new(out), |range, out| {
        let (y, more) = (&y[range.clone()], more.map(|m| &m[range]));
        S::run(level, Normalize { affine, y, more, relu, out });
    });
}

struct Normalize<'a, S> {
    affine: &'a Affine<S>,
    y: &'a [S],
    more: Option<&'a [S]>,
    relu: bool,
    out: &'a mut [S],
}

impl<S: Real> Operation<S> for Normalize<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { affine, y, more, relu, out } = self;
        let channels = affine.scale.len();
        for p in (0..y.len()).step_by(channels) {
            for c in (0..channels).step_by(I::LANES) {
                let left = channels - c;
                let scale = I::take(affine.scale.as_ptr().add(c), left);
                let shift = I::take(affine.shift.as_ptr().add(c), left);
                let mut v = I::fma(I::take(y.as_ptr().add(p + c), left), scale, shift);
                if let Some(more) = more {
                    v = I::add(v, I::take(more.as_ptr().add(p + c), left));
                }
                if relu {
                    // In this order a number that is none stays what it is.
                    v = I::max(I::zero(), v);
                }
                I::put(out.as_mut_ptr().add(p + c), v, left);
            }
        }
    }
}
