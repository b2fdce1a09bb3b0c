//! Batch norm (Ioffe and Szegedy 2015) over `[pixels, channels]`, with the sum
//! and the ReLU that may follow it.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Pixels whose sums are kept in single precision before they are added up.
const PIXELS: usize = 64;

/// Pieces that sums are cut into, whatever the number of threads.
const PIECES: usize = 16;

/// Mean and biased variance of each channel.
#[derive(Clone, Debug)]
pub struct Statistics<S> {
    /// `[channels]`.
    pub mean: Vec<S>,
    /// `[channels]`.
    pub variance: Vec<S>,
}

pub(crate) fn statistics<S: Real>(level: Level, channels: usize, y: &[S]) -> Statistics<S> {
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
    let (mean, variance) = (0..channels).map(of).map(|(m, v)| (S::of(m), S::of(v))).unzip();
    Statistics { mean, variance }
}

/// Two sums per channel over all pixels, in an order that threads do not change.
fn sum_up<S: Real>(
    channels: usize,
    pixels: usize,
    piece: impl Fn(std::ops::Range<usize>, &mut [S]) + Sync + Send,
) -> Vec<f64> {
    let per_piece = pixels.div_ceil(PIECES).next_multiple_of(PIXELS);
    let pieces = pixels.div_ceil(per_piece);
    let mut all = vec![0.0f64; pieces * 2 * channels];
    let shared = Shared::new(&mut all);
    each(pieces, |i| {
        // SAFETY: each task has sums of its own.
        let total = unsafe { shared.part(i * 2 * channels, 2 * channels) };
        let mut some = vec![S::default(); 2 * channels];
        let end = pixels.min((i + 1) * per_piece);
        for first in (i * per_piece..end).step_by(PIXELS) {
            piece(first..end.min(first + PIXELS), &mut some);
            for (total, some) in total.iter_mut().zip(&some) {
                *total += some.wide();
            }
        }
    });
    let (total, rest) = all.split_at_mut(2 * channels);
    for more in rest.chunks_exact(2 * channels) {
        total.iter_mut().zip(more).for_each(|(total, more)| *total += more);
    }
    all.truncate(2 * channels);
    all
}

/// Sums of `y - origin` and its square.
struct Moments<'a, S> {
    y: &'a [S],
    origin: &'a [S],
    to: &'a mut [S],
}

impl<S: Real> Operation<S> for Moments<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let channels = self.origin.len();
        let pixels = self.y.len() / channels;
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let origin = I::take(self.origin.as_ptr().add(c), left);
            let (mut first, mut second) = ([I::zero(); 2], [I::zero(); 2]);
            let mut p = 0;
            while p + 2 <= pixels {
                for k in 0..2 {
                    let d = I::sub(I::take(self.y.as_ptr().add((p + k) * channels + c), left), origin);
                    first[k] = I::add(first[k], d);
                    second[k] = I::fma(d, d, second[k]);
                }
                p += 2;
            }
            if p < pixels {
                let d = I::sub(I::take(self.y.as_ptr().add(p * channels + c), left), origin);
                first[0] = I::add(first[0], d);
                second[0] = I::fma(d, d, second[0]);
            }
            I::put(self.to.as_mut_ptr().add(c), I::add(first[0], first[1]), left);
            I::put(self.to.as_mut_ptr().add(channels + c), I::add(second[0], second[1]), left);
        }
    }
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

/// Runs `piece` for parts of a buffer, whole pixels each.
fn pieces<S: Real>(
    channels: usize,
    len: usize,
    out: Shared<'_, S>,
    piece: impl Fn(std::ops::Range<usize>, &mut [S]) + Sync + Send,
) {
    let per_piece = (len / channels).div_ceil(PIECES).max(PIXELS) * channels;
    each(len.div_ceil(per_piece), |i| {
        let range = i * per_piece..len.min((i + 1) * per_piece);
        // SAFETY: each task has its own pixels.
        let out = unsafe { out.part(range.start, range.len()) };
        piece(range, out);
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

pub(crate) fn gradient<S: Real>(
    level: Level,
    of: &Statistics<S>,
    weight: &[S],
    epsilon: f64,
    y: &[S],
    upstream: &[S],
    passed: Passed<'_, S>,
) -> NormGradient<S> {
    let channels = weight.len();
    let pixels = y.len() / channels;
    let sums = sum_up(channels, pixels, |range, to| {
        let range = range.start * channels..range.end * channels;
        S::run(level, Products { y, mean: &of.mean, upstream, passed, range, to });
    });
    let (first, second) = sums.split_at(channels);
    let count = pixels as f64;
    let mut found = NormGradient {
        weight: Vec::with_capacity(channels),
        bias: Vec::with_capacity(channels),
        coefficients: [(); 3].map(|()| Vec::with_capacity(channels)),
    };
    for c in 0..channels {
        let (mean, inverse) = (of.mean[c].wide(), 1.0 / (of.variance[c].wide() + epsilon).sqrt());
        // `second` is the sum of the products with `y - mean`.
        let of_weight = second[c] * inverse;
        let a = weight[c].wide() * inverse;
        let b = -a * of_weight * inverse / count;
        found.weight.push(S::of(of_weight));
        found.bias.push(S::of(first[c]));
        found.coefficients[0].push(S::of(a));
        found.coefficients[1].push(S::of(b));
        found.coefficients[2].push(S::of(-a * first[c] / count - b * mean));
    }
    found
}

/// Sums of the gradient and of its products with `y - mean`.
struct Products<'a, S> {
    y: &'a [S],
    mean: &'a [S],
    upstream: &'a [S],
    passed: Passed<'a, S>,
    range: std::ops::Range<usize>,
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
    range: std::ops::Range<usize>,
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

pub(crate) fn add_bias<S: Real>(level: Level, bias: &[S], relu: bool, y: &mut [S]) {
    let len = y.len();
    pieces(bias.len(), len, Shared::new(y), |_, y| S::run(level, AddBias { bias, relu, y }));
}

struct AddBias<'a, S> {
    bias: &'a [S],
    relu: bool,
    y: &'a mut [S],
}

impl<S: Real> Operation<S> for AddBias<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { bias, relu, y } = self;
        for p in (0..y.len()).step_by(bias.len()) {
            for c in (0..bias.len()).step_by(I::LANES) {
                let (left, at) = (bias.len() - c, y.as_mut_ptr().add(p + c));
                let v = I::add(I::take(at, left), I::take(bias.as_ptr().add(c), left));
                I::put(at, if relu { I::max(I::zero(), v) } else { v }, left);
            }
        }
    }
}

pub(crate) fn bias_gradient<S: Real>(level: Level, channels: usize, upstream: &[S]) -> Vec<S> {
    let origin = vec![S::default(); channels];
    let sums = sum_up(channels, upstream.len() / channels, |range, to| {
        let y = &upstream[range.start * channels..range.end * channels];
        S::run(level, Moments { y, origin: &origin, to });
    });
    sums[..channels].iter().map(|&v| S::of(v)).collect()
}

pub(crate) fn relu_gradient<S: Real>(level: Level, out: &[S], upstream: &[S], before: &mut [S]) {
    pieces(1, out.len(), Shared::new(before), |range, before| {
        S::run(level, ReluGradient { out: &out[range.clone()], upstream: &upstream[range], before });
    });
}

struct ReluGradient<'a, S> {
    out: &'a [S],
    upstream: &'a [S],
    before: &'a mut [S],
}

impl<S: Real> Operation<S> for ReluGradient<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { out, upstream, before } = self;
        for at in (0..out.len()).step_by(I::LANES) {
            let left = out.len() - at;
            let (out, up) = (I::take(out.as_ptr().add(at), left), I::take(upstream.as_ptr().add(at), left));
            I::put(before.as_mut_ptr().add(at), I::where_positive(out, up), left);
        }
    }
}
