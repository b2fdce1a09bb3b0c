//! Biases, and ReLU where no batch norm is.

use crate::channels::{Moments, pieces, sum_up};
use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::Shared;

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
