//! Products of few pixels with many weights: a fully connected layer of a batch.
//!
//! Turning the weights, or their gradients, around would take a good part of the time. So
//! they are rows here, which lie in memory as they are, and pixels are columns.

use super::ConvShape;
use super::direct::{Factors, PixelBlock, pack};
use super::weight::gather;
use crate::gemm::{columns_times_columns, padded, tile_rows, tiles};
use crate::isa::{Isa, Layout, Level, MOST_LANES, MOST_ROWS, Operation, Real};
use crate::scratch;
use crate::threads::{Shared, each, threads};

/// Sides of the squares that are turned at a time.
const SQUARE: usize = 16;

/// Numbers of the widest column panel.
const MOST_PANEL: usize = 2 * MOST_LANES;

/// Whether a convolution is such a product.
pub(super) fn suits(shape: &ConvShape) -> bool {
    let ConvShape { kernel, stride, padding, inputs, outputs, .. } = *shape;
    let pixels = shape.images * shape.size[0] * shape.size[1];
    (kernel, stride, padding) == ([1; 2], [1; 2], [0; 2]) && pixels * (inputs + outputs) < inputs * outputs
}

/// `y^T = w x^T`.
pub(super) fn forward<S: Real>(
    level: Level,
    factors: Factors,
    shape: &ConvShape,
    x: &[S],
    w: &[S],
    y: &mut [S],
) {
    let layout = Layout::of::<S>(level);
    let (inputs, outputs) = (shape.inputs, shape.outputs);
    let pixels = shape.images * shape.size[0] * shape.size[1];
    let packed_len = inputs * padded(pixels, layout.lanes);
    scratch::with(packed_len + outputs * pixels, |scratch: &mut [S]| {
        let (packed, turned) = scratch.split_at_mut(packed_len);
        pack(layout, [inputs, pixels], x, inputs, |row| row, packed);
        let (packed, columns) = (&*packed, Shared::new(&mut *turned));
        let piece = outputs.div_ceil(4 * threads()).next_multiple_of(layout.rows);
        each(outputs.div_ceil(piece), |i| {
            PixelBlock::with((level, factors), [1, inputs, pixels], packed, |block| {
                for output in i * piece..outputs.min((i + 1) * piece) {
                    // SAFETY: each task writes its own rows.
                    let to = unsafe { columns.at(output * pixels) };
                    block.push(to, |_| Some(w[output * inputs..].as_ptr()));
                }
                block.run();
            });
        });
        let (turned, y) = (&*turned, Shared::new(y));
        each(outputs.div_ceil(piece), |i| {
            for first in (i * piece..outputs.min((i + 1) * piece)).step_by(SQUARE) {
                let end = outputs.min((i + 1) * piece).min(first + SQUARE);
                for pixel in 0..pixels {
                    // SAFETY: each task writes its own outputs of every pixel.
                    let to = unsafe { y.part(pixel * outputs + first, end - first) };
                    for (to, output) in to.iter_mut().zip(first..end) {
                        *to = turned[output * pixels + pixel];
                    }
                }
            }
        });
    });
}

/// `dw = dy^T x`; of numbers, or of words of neighbouring channels.
pub(super) fn weight_gradient<S: Real>(
    level: Level,
    factors: Factors,
    shape: &ConvShape,
    x: &[S],
    dy: &[S],
    dw: &mut [S],
) {
    let panel = Layout::of::<S>(level).panel;
    let (words, (inputs, outputs)) = (factors.of(shape), (shape.inputs, shape.outputs));
    let pixels = shape.images * shape.size[0] * shape.size[1];
    let count = pixels.div_ceil(factors.numbers());
    // Words hold an even number of channels.
    let [rows, columns] =
        [words.outputs, words.inputs].map(|n| (n * factors.numbers()).next_multiple_of(panel));
    scratch::with(count * (rows + columns), |scratch: &mut [S]| {
        let (a, b) = scratch.split_at_mut(count * rows);
        let how = (level, factors);
        gather(how, [pixels, words.outputs, count], |p| dy[p * words.outputs..].as_ptr(), a);
        gather(how, [pixels, words.inputs, count], |p| x[p * words.inputs..].as_ptr(), b);
        let (a, b, dw) = (&*a, &*b, Shared::new(dw));
        each(outputs.div_ceil(panel), |i| {
            let rows = panel.min(outputs - i * panel);
            // SAFETY: each task writes the weights of its own outputs.
            let to = unsafe { dw.part(i * panel * inputs, rows * inputs) };
            factors.run(level, Rows { rows, inputs, count, a: &a[i * panel * count..], b, to });
        });
    });
}

/// Rows of weights from a panel of outputs and all panels of inputs.
struct Rows<'a, S> {
    rows: usize,
    inputs: usize,
    count: usize,
    a: &'a [S],
    b: &'a [S],
    to: &'a mut [S],
}

impl<S: Real> Operation<S> for Rows<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        const { assert!(I::PANEL <= MOST_PANEL && I::ROWS <= MOST_ROWS, "what does not fit is put aside") };
        let Self { rows, inputs, count, a, b, to } = self;
        let mut aside = [[S::default(); MOST_PANEL]; MOST_ROWS];
        let tile = tile_rows(rows, I::ROWS);
        for column in (0..inputs).step_by(I::PANEL) {
            let (b, left) = (b.as_ptr().add(column * count), inputs - column);
            let mut r = 0;
            while r < rows {
                let here = tile.min(rows - r);
                let (a, to) = (a.as_ptr().add(r), to.as_mut_ptr().add(r * inputs + column));
                if left >= I::PANEL {
                    tiles!(here, true, columns_times_columns::<I>(count, a, b, to, inputs, false));
                } else {
                    let c = aside.as_mut_ptr().cast::<S>();
                    tiles!(here, true, columns_times_columns::<I>(count, a, b, c, MOST_PANEL, false));
                    for (i, row) in aside[..here].iter().enumerate() {
                        to.add(i * inputs).copy_from_nonoverlapping(row.as_ptr(), left);
                    }
                }
                r += here;
            }
        }
    }
}
