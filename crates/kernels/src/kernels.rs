//! The kernels by the number that they compute with.
//!
//! What is generic is compiled where it is called, with that crate's settings:
//! a test build would run unoptimized kernels. The functions of an
//! implementation are compiled here.

use crate::bias;
use crate::conv::{self, Algorithm, ConvShape};
use crate::entropy;
use crate::gate;
use crate::gru::{self, GruPass, GruShape};
use crate::isa::{Level, Real};
use crate::norm::{self, Affine, NormGradient, NormSums, Passed, Statistics};
use crate::pool::{self, PoolShape};
use crate::upsample::{self, UpsampleShape};
use crate::vector;

macro_rules! kernels {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $function:path;)*) => {
        /// Every kernel, for `f32` and, as the reference of tests, for `f64`.
        ///
        /// # Panics
        /// All of them, if a buffer has another size than the shape says.
        #[allow(clippy::too_many_arguments, reason = "buffers are given one by one")]
        pub trait Kernels: Real {
            $($(#[$doc])* fn $name($($argument: $type),*) $(-> $out)?;)*
        }

        impl Kernels for f32 {
            $(fn $name($($argument: $type),*) $(-> $out)? { $function($($argument),*) })*
        }

        impl Kernels for f64 {
            $(fn $name($($argument: $type),*) $(-> $out)? { $function($($argument),*) })*
        }
    };
}

kernels! {
    /// `y = x * w`: `x` `[images, height, width, inputs]`, `w` `[outputs, inputs,
    /// down, across]`, `y` `[images, out height, out width, outputs]`.
    fn conv(level: Level, how: Algorithm, shape: &ConvShape, x: &[Self], w: &[Self], y: &mut [Self])
        = conv::forward;

    /// The gradient of a convolution's `x` from that of `y`.
    fn conv_input_gradient(level: Level, how: Algorithm, shape: &ConvShape, dy: &[Self], w: &[Self], dx: &mut [Self])
        = conv::input_gradient;

    /// The gradient of a convolution's `w` from that of `y`.
    fn conv_weight_gradient(level: Level, how: Algorithm, shape: &ConvShape, x: &[Self], dy: &[Self], dw: &mut [Self])
        = conv::weight_gradient;

    /// Mean and variance of each channel of `y`, `[pixels, channels]`.
    fn statistics(level: Level, channels: usize, y: &[Self]) -> Statistics<f64> = norm::statistics;

    /// `out = y * scale + shift`, with `more` added and negative numbers set to
    /// zero where asked for.
    fn normalize(
        level: Level,
        affine: &Affine<Self>,
        y: &[Self],
        more: Option<&[Self]>,
        relu: bool,
        out: &mut [Self],
    ) = norm::normalize;

    /// The sums that the gradients of a batch norm are made of, from the gradient of its output.
    fn norm_sums(
        level: Level,
        of: &Statistics<Self>,
        y: &[Self],
        upstream: &[Self],
        passed: Passed<'_, Self>,
    ) -> NormSums = norm::sums;

    /// The gradient of the input `y` of a batch norm, and, where `before` is
    /// given, of what was added to its output.
    fn norm_input_gradient(
        level: Level,
        gradient: &NormGradient<Self>,
        y: &[Self],
        upstream: &[Self],
        passed: Passed<'_, Self>,
        dy: &mut [Self],
        before: Option<&mut [Self]>,
    ) = norm::input_gradient;

    /// Adds a number per channel to `y`, `[pixels, channels]`, then sets negative
    /// numbers to zero where asked for.
    fn add_bias(level: Level, bias: &[Self], relu: bool, y: &mut [Self]) = bias::add_bias;

    /// The gradient of a bias: `upstream`, `[pixels, channels]`, summed over pixels.
    fn bias_gradient(level: Level, channels: usize, upstream: &[Self]) -> Vec<Self> = bias::bias_gradient;

    /// The gradient before a ReLU: `upstream` where `out` is above zero.
    fn relu_gradient(level: Level, out: &[Self], upstream: &[Self], before: &mut [Self]) = bias::relu_gradient;

    /// `to += more`.
    fn add(level: Level, to: &mut [Self], more: &[Self]) = vector::add;

    /// The sum of the squares.
    fn square_sum(level: Level, x: &[Self]) -> Self = vector::square_sum;

    /// The states of recurrent units, `[samples, steps, width]`, from what enters the gates,
    /// `[samples, steps, 3 width]`, recurrent weights `[3 width, width]` and biases; what their
    /// gradient needs is saved, `[samples, steps, 4 width]`.
    fn gru(
        level: Level,
        shape: &GruShape,
        entering: &[Self],
        weight: &[Self],
        bias: &[Self],
        states: &mut [Self],
        saved: &mut [Self],
    ) = gru::forward;

    /// The gradients of what enters the gates, and of what the states send there.
    fn gru_gradient(
        level: Level,
        shape: &GruShape,
        pass: GruPass<'_, Self>,
        weight: &[Self],
        of_entering: &mut [Self],
        of_recurrent: &mut [Self],
    ) = gru::gradient;

    /// The gradient of the recurrent weights.
    fn gru_weight_gradient(
        level: Level,
        shape: &GruShape,
        states: &[Self],
        of_recurrent: &[Self],
        of_weight: &mut [Self],
    ) = gru::weight_gradient;

    /// The mean of every image's pixels, `[images, channels]`, of `x` `[images, pixels, channels]`.
    fn mean(level: Level, pixels: usize, channels: usize, x: &[Self], means: &mut [Self]) = pool::mean;

    /// The gradient of those means' input.
    fn mean_gradient(level: Level, pixels: usize, channels: usize, upstream: &[Self], dx: &mut [Self])
        = pool::mean_gradient;

    /// The largest numbers, and where in its window each was: the first of equal
    /// ones. What is not a number counts as the largest.
    fn max_pool(level: Level, shape: &PoolShape, x: &[Self], y: &mut [Self], winners: &mut [u8]) = pool::max_pool;

    /// The gradient of the input of a max-pool from that of the output.
    fn max_pool_gradient(level: Level, shape: &PoolShape, dy: &[Self], winners: &[u8], dx: &mut [Self])
        = pool::max_pool_gradient;

    /// `y = x * gates + more`: a number per image and channel; `x` and `more`
    /// `[images, pixels, channels]`, `gates` `[images, channels]`.
    fn gate(
        level: Level,
        channels: usize,
        x: &[Self],
        gates: &[Self],
        more: Option<&[Self]>,
        y: &mut [Self],
    ) = gate::gate;

    /// The gradients of the gates and, where `dx` is given, of `x` from that of `y`.
    fn gate_gradients(
        level: Level,
        channels: usize,
        x: &[Self],
        gates: &[Self],
        dy: &[Self],
        dx: Option<&mut [Self]>,
        of_gates: &mut [Self],
    ) = gate::gate_gradients;

    /// Maps resized to the nearest pixel, a 3x3 convolution of each channel with
    /// zeros around, `weight` `[channels, 3, 3]`, a bias, and `more` added.
    fn upsample(
        level: Level,
        shape: &UpsampleShape,
        x: &[Self],
        weight: &[Self],
        bias: &[Self],
        more: Option<&[Self]>,
        y: &mut [Self],
    ) = upsample::upsample;

    /// The gradients of weights and bias and, where `dx` is given, of `x` from that of `y`.
    fn upsample_gradients(
        level: Level,
        shape: &UpsampleShape,
        x: &[Self],
        weight: &[Self],
        dy: &[Self],
        dx: Option<&mut [Self]>,
    ) -> [Vec<Self>; 2] = upsample::gradients;

    /// `losses = (logs - score of the label) * shares` of every row of `scores`,
    /// `[rows, classes]`, with `logs = log sum exp` of the row. A row whose share is
    /// zero has a loss of zero.
    fn cross_entropy(
        level: Level,
        scores: &[Self],
        labels: &[u32],
        shares: &[Self],
        logs: &mut [Self],
        losses: &mut [Self],
    ) = entropy::cross_entropy;

    /// The gradient of the scores: `upstream * (softmax - [class is the label])`,
    /// where `upstream` is that of a row's loss times its share.
    fn cross_entropy_gradient(
        level: Level,
        scores: &[Self],
        labels: &[u32],
        logs: &[Self],
        upstream: &[Self],
        of_scores: &mut [Self],
    ) = entropy::cross_entropy_gradient;
}
