//! Gradients of inputs: for each place of a pixel within the stride, the taps
//! that reach it are the taps of a convolution of the gradients of the outputs.

use super::ConvShape;
use super::direct::{Factors, PixelBlock, pack};
use crate::gemm::padded;
use crate::isa::{Layout, Level, Real};
use crate::scratch;
use crate::threads::{Shared, each};

/// Taps that reach input pixels `phase + k * stride`: their number in the
/// kernel and the output pixel that they belong to, less `k`.
fn reaching(shape: &ConvShape, axis: usize, phase: usize) -> Vec<(usize, isize)> {
    let (stride, padding, dilation) = (shape.stride[axis], shape.padding[axis], shape.dilation[axis]);
    (0..shape.kernel[axis])
        .filter_map(|tap| {
            let offset = (phase + padding) as isize - (tap * dilation) as isize;
            (offset.rem_euclid(stride as isize) == 0).then(|| (tap, offset.div_euclid(stride as isize)))
        })
        .collect()
}

pub(super) fn input_gradient<S: Real>(
    level: Level,
    factors: Factors,
    shape: &ConvShape,
    dy: &[S],
    w: &[S],
    dx: &mut [S],
) {
    let dx = Shared::new(dx);
    for down in 0..shape.stride[0].min(shape.size[0]) {
        for across in 0..shape.stride[1].min(shape.size[1]) {
            phase((level, factors), shape, [down, across], dy, w, dx);
        }
    }
}

/// The pixels of one place within the stride.
fn phase<S: Real>(
    (level, factors): (Level, Factors),
    shape: &ConvShape,
    at: [usize; 2],
    dy: &[S],
    w: &[S],
    dx: Shared<'_, S>,
) {
    let layout = Layout::of::<S>(level);
    let (columns, depth) = (shape.inputs, shape.outputs);
    let (rows, across) = (reaching(shape, 0, at[0]), reaching(shape, 1, at[1]));
    let taps: Vec<_> = rows.iter().flat_map(|&r| across.iter().map(move |&c| (r, c))).collect();
    let [height, width] = shape.size;
    let [out_height, out_width] = shape.out_size();
    let all = shape.taps();
    scratch::with(taps.len() * depth * padded(columns, layout.lanes), |packed: &mut [S]| {
        let first = |row: usize| {
            let ((down, _), (across, _)) = taps[row / depth];
            row % depth * columns * all + down * shape.kernel[1] + across
        };
        pack(layout, [taps.len() * depth, columns], w, all, first, packed);
        let packed = &*packed;
        // A row of pixels of an image is a task.
        let lines = (height - at[0]).div_ceil(shape.stride[0]);
        let piece = 16usize.div_ceil(width).max(1);
        let pieces = lines.div_ceil(piece);
        each(shape.images * pieces, |task| {
            let (image, first) = (task / pieces, task % pieces * piece);
            PixelBlock::with((level, factors), [taps.len(), depth, columns], packed, |block| {
                for line in first..lines.min(first + piece) {
                    let i = at[0] + line * shape.stride[0];
                    for (k, j) in (at[1]..width).step_by(shape.stride[1]).enumerate() {
                        let from = ((image * height + i) * width + j) * columns;
                        if taps.is_empty() {
                            // SAFETY: each task has its own pixels.
                            unsafe { dx.part(from, columns) }.fill(S::default());
                            continue;
                        }
                        // SAFETY: as above.
                        let out = unsafe { dx.at(from) };
                        block.push(out, |tap| {
                            let ((_, down), (_, across)) = taps[tap];
                            let (row, column) = (line as isize + down, k as isize + across);
                            let inside = row >= 0
                                && column >= 0
                                && (row as usize) < out_height
                                && (column as usize) < out_width;
                            inside.then(|| {
                                let pixel = (image * out_height + row as usize) * out_width + column as usize;
                                dy[pixel * depth..].as_ptr()
                            })
                        });
                    }
                }
                block.run();
            });
        });
    });
}
