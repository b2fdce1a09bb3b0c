//! Batch norm on Flex's buffers, and its gradients.

use std::sync::Arc;

use burn_flex::FlexTensor;
use counterpoint_kernels::norm::{Affine, NormGradient, NormSums, Passed, Statistics};
use counterpoint_kernels::{Kernels, Level, unwritten};

use super::Precision;
use super::flex::{Kept, dims, maps, numbers, plain, side_by_side, there, vector};
use super::statistics::of_all_ranks;
use crate::peers::Among;

/// What the gradients of a batch norm need.
#[derive(Clone, Debug)]
pub struct SavedNorm {
    y: Kept,
    /// The output, where something was added before the ReLU.
    out: Option<Kept>,
    of: Arc<Channels>,
    rectified: bool,
    dims: [usize; 4],
    /// Who else has pixels that the statistics are of.
    among: Option<Among>,
}

/// What is known of each channel.
#[derive(Debug)]
struct Channels {
    statistics: Statistics<f32>,
    affine: Affine<f32>,
    weight: Vec<f32>,
    epsilon: f64,
    /// Pixels that the statistics are of.
    pixels: usize,
}

/// Output, mean and biased variance.
pub fn norm(
    y: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    added: FlexTensor,
    (epsilon, rectified, precision): (f64, bool, Precision),
    among: Option<Among>,
) -> ((FlexTensor, FlexTensor, FlexTensor), SavedNorm) {
    let level = Level::best();
    let dims = dims(&y);
    let (channels, added) = (dims[1], there(added));
    let (y, weight) = (Kept::new(precision, channels, side_by_side(y)), vector(weight));
    // Forward and backward see the same numbers.
    let numbers_of_y = y.numbers();
    let own = (numbers_of_y.len() / channels, f32::statistics(level, channels, &numbers_of_y));
    let (pixels, statistics) = match &among {
        Some(among) => of_all_ranks(among, own),
        None => own,
    };
    let statistics = statistics.rounded();
    let affine = Affine::new(&statistics, &weight, &vector(bias), epsilon);
    let out = normalized(level, &affine, &numbers_of_y, added.as_ref(), rectified, dims);
    let of_channels = |values: &[f32]| plain(values.to_vec(), [channels]);
    let results = (out.clone(), of_channels(&statistics.mean), of_channels(&statistics.variance));
    drop(numbers_of_y);
    let out = (rectified && added.is_some()).then(|| Kept::signs(precision, side_by_side(out)));
    let of = Arc::new(Channels { statistics, affine, weight, epsilon, pixels });
    (results, SavedNorm { y, out, of, rectified, dims, among })
}

fn normalized(
    level: Level,
    affine: &Affine<f32>,
    y: &[f32],
    added: Option<&FlexTensor>,
    rectified: bool,
    dims: [usize; 4],
) -> FlexTensor {
    let added = added.map(|added| side_by_side(added.clone()));
    let mut out = unwritten(dims.iter().product());
    f32::normalize(level, affine, y, added.as_ref().map(numbers), rectified, &mut out);
    maps(out, dims)
}

pub fn norm_with(
    y: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    [mean, variance]: [FlexTensor; 2],
    added: FlexTensor,
    epsilon: f64,
    rectified: bool,
) -> FlexTensor {
    let dims = dims(&y);
    let statistics = Statistics { mean: vector(mean), variance: vector(variance) };
    let affine = Affine::new(&statistics, &vector(weight), &vector(bias), epsilon);
    normalized(Level::best(), &affine, numbers(&side_by_side(y)), there(added).as_ref(), rectified, dims)
}

/// Gradients of input, scale, shift and what was added, those that are wanted.
pub fn norm_gradients(saved: SavedNorm, upstream: FlexTensor, wanted: [bool; 4]) -> [Option<FlexTensor>; 4] {
    let SavedNorm { y, out, of, rectified, dims, among } = saved;
    let level = Level::best();
    let upstream = side_by_side(upstream);
    let out = out.as_ref().map(Kept::numbers);
    let passed = match &out {
        _ if !rectified => Passed::All,
        Some(out) => Passed::Output(out),
        None => Passed::Normalized(&of.affine),
    };
    let (y, up) = (&*y.numbers(), numbers(&upstream));
    let own = f32::norm_sums(level, &of.statistics, y, up, passed);
    let all = among.map(|among| {
        let mut gradient = among.sum(true, &[own.gradient.as_slice(), &own.product].concat());
        NormSums { product: gradient.split_off(dims[1]), gradient }
    });
    let all = all.as_ref().unwrap_or(&own);
    let sums = NormGradient::new(&own, all, of.pixels, &of.statistics, &of.weight, of.epsilon);
    // Without a ReLU, the gradient of what was added is the upstream one.
    let [mut dy, mut before] = [wanted[0], wanted[3] && rectified].map(|w| w.then(|| unwritten(up.len())));
    if dy.is_some() || before.is_some() {
        let mut nowhere = Vec::new();
        let dy = dy.as_mut().unwrap_or_else(|| {
            nowhere = unwritten(up.len());
            &mut nowhere
        });
        f32::norm_input_gradient(level, &sums, y, up, passed, dy, before.as_deref_mut());
    }
    let channels = dims[1];
    let of_added = match before {
        Some(before) => Some(maps(before, dims)),
        None => wanted[3].then(|| upstream.permute(&[0, 3, 1, 2])),
    };
    [
        dy.map(|dy| maps(dy, dims)),
        wanted[1].then(|| plain(sums.weight, [channels])),
        wanted[2].then(|| plain(sums.bias, [channels])),
        of_added,
    ]
}
