//! Gradients of batch norm.

use std::ops::Range;

use super::{Affine, Statistics};
use crate::channels::{pieces, sum_up};
use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::Shared;

/// Which numbers the ReLU let through.
#[derive(Clone, Copy, Debug)]
pub enum Passed<'a, S> {
    /// All: there is no ReLU.
    All,
    /// Those whose output is above zero.
    Output(&'a [S]),
    /// Those whose normalised number is above zero: nothing was added.
    Normalized(&'a Affine<S>),
}

/// Gradients of the scale and shift of a batch norm, and what is needed for
/// the gradient of its input.
#[derive(Clone, Debug)]
pub struct NormGradient<S> {
    /// Gradient of the scale, `[channels]`.
    pub weight: Vec<S>,
    /// Gradient of the shift, `[channels]`.
    pub bias: Vec<S>,
    /// `dy = passed * a + y * b + c` per channel.
    coefficients: [Vec<S>; 3],
}

/// Sums over pixels that the gradients of a batch norm are made of.
#[derive(Clone, Debug)]
pub struct NormSums {
    /// Of the gradient of the normalised numbers, `[channels]`.
    pub gradient: Vec<f64>,
    /// Of its products with `y - mean`, `[channels]`.
    pub product: Vec<f64>,
}

pub(crate) fn sums<S: Real>(
    level: Level,
    of: &Statistics<S>,
    y: &[S],
    upstream: &[S],
    passed: Passed<'_, S>,
) -> NormSums {
    let channels = of.mean.len();
    let pixels = y.len() / channels;
    let mut gradient = sum_up(channels, pixels, |range, to| {
        let range = range.start * channels..range.end * channels;
        S::run(level, Products { y, mean: &of.mean, upstream, passed, range, to });
    });
    let product = gradient.split_off(channels);
    NormSums { gradient, product }
}

impl<S: Real> NormGradient<S> {
    /// From the sums over the pixels here, and from those over all `count` pixels whose statistics normalised them.
    pub fn new(
        own: &NormSums,
        all: &NormSums,
        count: usize,
        of: &Statistics<S>,
        weight: &[S],
        epsilon: f64,
    ) -> Self {
        let (channels, count) = (weight.len(), count as f64);
        let mut found = Self {
            weight: Vec::with_capacity(channels),
            bias: Vec::with_capacity(channels),
            coefficients: [(); 3].map(|()| Vec::with_capacity(channels)),
        };
        for c in 0..channels {
            let (mean, inverse) = (of.mean[c].wide(), 1.0 / (of.variance[c].wide() + epsilon).sqrt());
            let a = weight[c].wide() * inverse;
            let b = -a * (all.product[c] * inverse) * inverse / count;
            found.weight.push(S::of(own.product[c] * inverse));
            found.bias.push(S::of(own.gradient[c]));
            found.coefficients[0].push(S::of(a));
            found.coefficients[1].push(S::of(b));
            found.coefficients[2].push(S::of(-a * all.gradient[c] / count - b * mean));
        }
        found
    }
}

/// Sums of the gradient and of its products with `y - mean`.
struct Products<'a, S> {
    y: &'a [S],
    mean: &'a [S],
    upstream: &'a [S],
    passed: Passed<'a, S>,
    range: Range<usize>,
    to: &'a mut [S],
}

/// The gradient before the ReLU at number `at`, of channel `c`.
#[inline(always)]
unsafe fn before_relu<I: Isa>(
    passed: Passed<'_, I::S>,
    upstream: I::V,
    y: I::V,
    at: usize,
    c: usize,
    left: usize,
) -> I::V {
    match passed {
        Passed::All => upstream,
        Passed::Output(out) => I::where_positive(I::take(out.as_ptr().add(at), left), upstream),
        Passed::Normalized(affine) => {
            let scale = I::take(affine.scale.as_ptr().add(c), left);
            let shift = I::take(affine.shift.as_ptr().add(c), left);
            I::where_positive(I::fma(y, scale, shift), upstream)
        }
    }
}

impl<S: Real> Operation<S> for Products<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { y, mean, upstream, passed, range, to } = self;
        let channels = mean.len();
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let mean = I::take(mean.as_ptr().add(c), left);
            let (mut first, mut second) = (I::zero(), I::zero());
            for at in (range.start + c..range.end).step_by(channels) {
                let y = I::take(y.as_ptr().add(at), left);
                let d = before_relu::<I>(passed, I::take(upstream.as_ptr().add(at), left), y, at, c, left);
                first = I::add(first, d);
                second = I::fma(d, I::sub(y, mean), second);
            }
            I::put(to.as_mut_ptr().add(c), first, left);
            I::put(to.as_mut_ptr().add(channels + c), second, left);
        }
    }
}

pub(crate) fn input_gradient<S: Real>(
    level: Level,
    gradient: &NormGradient<S>,
    y: &[S],
    upstream: &[S],
    passed: Passed<'_, S>,
    dy: &mut [S],
    before: Option<&mut [S]>,
) {
    let channels = gradient.bias.len();
    let before = before.map(Shared::new);
    pieces(channels, y.len(), Shared::new(dy), |range, dy| {
        // SAFETY: each task has its own pixels.
        let before = before.map(|b| unsafe { b.part(range.start, range.len()) });
        S::run(level, InputGradient { gradient, y, upstream, passed, range, dy, before });
    });
}

struct InputGradient<'a, S> {
    gradient: &'a NormGradient<S>,
    y: &'a [S],
    upstream: &'a [S],
    passed: Passed<'a, S>,
    range: Range<usize>,
    dy: &'a mut [S],
    before: Option<&'a mut [S]>,
}

impl<S: Real> Operation<S> for InputGradient<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { gradient, y, upstream, passed, range, dy, mut before } = self;
        let [a, b, d] = &gradient.coefficients;
        let channels = a.len();
        for start in range.clone().step_by(channels) {
            for c in (0..channels).step_by(I::LANES) {
                let (left, at) = (channels - c, start + c);
                let y = I::take(y.as_ptr().add(at), left);
                let up = I::take(upstream.as_ptr().add(at), left);
                let up = before_relu::<I>(passed, up, y, at, c, left);
                if let Some(before) = &mut before {
                    I::put(before.as_mut_ptr().add(at - range.start), up, left);
                }
                let rest = I::fma(y, I::take(b.as_ptr().add(c), left), I::take(d.as_ptr().add(c), left));
                let v = I::fma(up, I::take(a.as_ptr().add(c), left), rest);
                I::put(dy.as_mut_ptr().add(at - range.start), v, left);
            }
        }
    }
}
