//! Convolutions of maps that lie in memory as `[images, height, width, channels]`.

pub(crate) mod direct;
mod gradient;
mod matrix;
mod pairs;
mod shape;
mod weight;

use direct::Factors;
pub use pairs::{
    forward as forward_in_bf16, input_gradient as input_gradient_in_bf16,
    weight_gradient as weight_gradient_in_bf16,
};
pub use shape::ConvShape;

use crate::isa::{Level, Real};
use crate::winograd::{self, Grid, Kernels};

/// How convolutions of 3x3 taps are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Winograd's F(4x4, 3x3) where it applies: about twice as fast, errors of
    /// 1e-5 of the values in place of 3e-6.
    #[default]
    Fast,
    /// Sums of products as they are written.
    Exact,
}

pub(crate) fn forward<S: Real>(
    level: Level,
    how: Algorithm,
    shape: &ConvShape,
    x: &[S],
    w: &[S],
    y: &mut [S],
) {
    shape.check(x, w, y);
    if shape.suits_winograd(how) {
        winograd::convolve(level, grid(shape), x, kernels(shape, w, false), y);
    } else {
        products(level, Factors::Numbers, shape, x, w, y);
    }
}

/// Sums of products as they are written.
fn products<S: Real>(level: Level, factors: Factors, shape: &ConvShape, x: &[S], w: &[S], y: &mut [S]) {
    if matrix::suits(shape) {
        matrix::forward(level, factors, shape, x, w, y);
    } else {
        direct::forward(level, factors, shape, x, w, y);
    }
}

pub(crate) fn input_gradient<S: Real>(
    level: Level,
    how: Algorithm,
    shape: &ConvShape,
    dy: &[S],
    w: &[S],
    dx: &mut [S],
) {
    shape.check(dx, w, dy);
    if shape.suits_winograd(how) {
        winograd::convolve(level, grid(shape), dy, kernels(shape, w, true), dx);
    } else {
        gradient::input_gradient(level, Factors::Numbers, shape, dy, w, dx);
    }
}

pub(crate) fn weight_gradient<S: Real>(
    level: Level,
    how: Algorithm,
    shape: &ConvShape,
    x: &[S],
    dy: &[S],
    dw: &mut [S],
) {
    shape.check(x, dw, dy);
    if shape.suits_winograd(how) {
        winograd::weight_gradient(level, grid(shape), [shape.inputs, shape.outputs], x, dy, dw);
    } else {
        weight_products(level, Factors::Numbers, shape, x, dy, dw);
    }
}

/// Sums of products over pixels.
fn weight_products<S: Real>(
    level: Level,
    factors: Factors,
    shape: &ConvShape,
    x: &[S],
    dy: &[S],
    dw: &mut [S],
) {
    if matrix::suits(shape) {
        matrix::weight_gradient(level, factors, shape, x, dy, dw);
    } else {
        weight::weight_gradient(level, factors, shape, x, dy, dw);
    }
}

fn grid(shape: &ConvShape) -> Grid {
    Grid { images: shape.images, height: shape.size[0], width: shape.size[1] }
}

fn kernels<'a, S>(shape: &ConvShape, weights: &'a [S], turned: bool) -> Kernels<'a, S> {
    Kernels { weights, inputs: shape.inputs, outputs: shape.outputs, turned }
}
