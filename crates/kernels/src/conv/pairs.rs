//! Convolutions of numbers rounded to bf16, with sums in single precision.
//!
//! Where the processor multiplies pairs, they are sums of products as they are written, of
//! words in place of numbers; elsewhere the rounded numbers are widened and computed with as
//! others are. The products are the same, the order of the sums is not.

use super::direct::Factors;
use super::{Algorithm, ConvShape, gradient};
use crate::bf16::{Pairs, nearest, pair_up};
use crate::isa::Level;

/// Whether words are multiplied.
fn in_pairs(level: Level, how: Algorithm, shape: &ConvShape) -> bool {
    level.multiplies_pairs() && !shape.suits_winograd(how)
}

/// As [`Kernels::conv`](crate::Kernels::conv); rows of `x` are pixels.
///
/// # Panics
/// If a buffer has another size than the shape says.
pub fn forward(level: Level, how: Algorithm, shape: &ConvShape, x: &Pairs, w: &[f32], y: &mut [f32]) {
    if !in_pairs(level, how, shape) {
        return super::forward(level, how, shape, &x.widen(level), &nearest(level, w), y);
    }
    shape.check_lengths([x.len(), w.len(), y.len()]);
    let words = ConvShape { inputs: Factors::Pairs.of(shape).inputs, ..*shape };
    let w = pair_up([shape.inputs, shape.taps()], w);
    super::products(level, Factors::Pairs, &words, &x.words, &w, y);
}

/// As [`Kernels::conv_input_gradient`](crate::Kernels::conv_input_gradient).
///
/// # Panics
/// If a buffer has another size than the shape says.
pub fn input_gradient(
    level: Level,
    how: Algorithm,
    shape: &ConvShape,
    dy: &Pairs,
    w: &[f32],
    dx: &mut [f32],
) {
    if !in_pairs(level, how, shape) {
        return super::input_gradient(level, how, shape, &dy.widen(level), &nearest(level, w), dx);
    }
    shape.check_lengths([dx.len(), w.len(), dy.len()]);
    let words = ConvShape { outputs: Factors::Pairs.of(shape).outputs, ..*shape };
    let w = pair_up([shape.outputs, shape.inputs * shape.taps()], w);
    gradient::input_gradient(level, Factors::Pairs, &words, &dy.words, &w, dx);
}

/// As [`Kernels::conv_weight_gradient`](crate::Kernels::conv_weight_gradient).
///
/// # Panics
/// If a buffer has another size than the shape says.
pub fn weight_gradient(
    level: Level,
    how: Algorithm,
    shape: &ConvShape,
    x: &Pairs,
    dy: &Pairs,
    dw: &mut [f32],
) {
    if !in_pairs(level, how, shape) {
        return super::weight_gradient(level, how, shape, &x.widen(level), &dy.widen(level), dw);
    }
    shape.check_lengths([x.len(), dw.len(), dy.len()]);
    super::weight_products(level, Factors::Pairs, shape, &x.words, &dy.words, dw);
}
