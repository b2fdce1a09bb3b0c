//! Outputs as sums of products over the taps, for any shape.
//!
//! A block of pixels is gathered into panels that stay in a core's cache, then
//! multiplied by all columns of the weights: one register tile serves every
//! kernel, stride, dilation and padding, and gradients of inputs.

use super::ConvShape;
use crate::gemm::{into_panels, padded, panel_width, rows_times_columns, tiles};
use crate::isa::{Isa, Layout, Level, Operation, Real};
use crate::scratch;
use crate::threads::{Shared, each, threads};

/// Numbers of a block of pixels, which should stay in a core's second cache.
const BLOCK: usize = 1 << 16;

/// What the products are of. Words of two bf16 lie along the axis that is summed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factors {
    Numbers,
    Pairs,
}

impl Factors {
    /// Numbers of one.
    pub fn numbers(self) -> usize {
        match self {
            Self::Numbers => 1,
            Self::Pairs => 2,
        }
    }

    /// The shape with as many channels as a pixel has factors.
    pub fn of(self, shape: &ConvShape) -> ConvShape {
        let [inputs, outputs] = [shape.inputs, shape.outputs].map(|n| n.div_ceil(self.numbers()));
        ConvShape { inputs, outputs, ..*shape }
    }

    pub(super) fn run<S: Real, O: Operation<S>>(self, level: Level, operation: O) -> O::Output {
        match self {
            Self::Numbers => S::run(level, operation),
            Self::Pairs => S::run_pairs(level, operation),
        }
    }
}

/// The input as taps read it.
#[derive(Clone, Copy)]
pub(super) struct View<'a, S> {
    pub x: &'a [S],
    /// Height and width, with the padding if it is there.
    pub size: [usize; 2],
    /// Padding that is not there.
    pub padding: [usize; 2],
    /// Taps down and across; one across where a row's taps are merged.
    pub taps: [usize; 2],
    /// Numbers of a tap.
    pub depth: usize,
    /// Numbers from a pixel to the next.
    pub pixel: usize,
}

impl<'a, S: Real> View<'a, S> {
    /// Numbers of the copy with padding that [`View::of`] needs, 0 if none.
    pub fn copy_len(shape: &ConvShape) -> usize {
        if !shape.merges() {
            return 0;
        }
        let [height, width] = padded_size(shape);
        shape.images * height * width * shape.inputs
    }

    /// How the taps of a shape read `x`; `copy` has [`View::copy_len`] numbers.
    pub fn of(shape: &ConvShape, x: &'a [S], copy: &'a mut [S]) -> Self {
        let ConvShape { size, inputs, kernel, padding, .. } = *shape;
        if !shape.merges() {
            return Self { x, size, padding, taps: kernel, depth: inputs, pixel: inputs };
        }
        let [height, width] = padded_size(shape);
        let image = height * width * inputs;
        let all = Shared::new(copy);
        each(shape.images, |n| {
            // SAFETY: each task has its own image.
            let to = unsafe { all.part(n * image, image) };
            to.fill(S::default());
            for row in 0..size[0] {
                let from = &x[(n * size[0] + row) * size[1] * inputs..][..size[1] * inputs];
                to[((row + padding[0]) * width + padding[1]) * inputs..][..from.len()].copy_from_slice(from);
            }
        });
        let taps = [kernel[0], 1];
        Self {
            x: copy,
            size: [height, width],
            padding: [0; 2],
            taps,
            depth: kernel[1] * inputs,
            pixel: inputs,
        }
    }

    /// Where the numbers of a tap of an output lie; nowhere in the padding.
    #[inline(always)]
    pub fn at(&self, shape: &ConvShape, image: usize, [i, j]: [usize; 2], tap: usize) -> Option<usize> {
        let (down, across) = (tap / self.taps[1], tap % self.taps[1]);
        let row = (i * shape.stride[0] + down * shape.dilation[0]).wrapping_sub(self.padding[0]);
        let column = (j * shape.stride[1] + across * shape.dilation[1]).wrapping_sub(self.padding[1]);
        (row < self.size[0] && column < self.size[1])
            .then(|| ((image * self.size[0] + row) * self.size[1] + column) * self.pixel)
    }
}

fn padded_size(shape: &ConvShape) -> [usize; 2] {
    [0, 1].map(|i| shape.size[i] + 2 * shape.padding[i])
}

/// Rows that are moved together: their cache lines are used for all lanes of a panel.
pub(super) const TOGETHER: usize = 16;

/// A matrix of weights in column panels `[column panels][rows][panel]`: number `(row,
/// column)` is `w[at(row) + column * stride]`.
pub(crate) fn pack<S: Real>(
    layout: Layout,
    [rows, columns]: [usize; 2],
    w: &[S],
    stride: usize,
    at: impl Fn(usize) -> usize + Sync + Send,
    to: &mut [S],
) {
    let to = Shared::new(to);
    each(columns.div_ceil(layout.panel), |panel| {
        let column = panel * layout.panel;
        let width = panel_width(columns, column, layout.lanes);
        let lanes = width.min(columns - column);
        // SAFETY: each task has its own panel.
        let to = unsafe { to.part(column * rows, width * rows) };
        let mut from = [0; TOGETHER];
        for (block, to) in to.chunks_mut(TOGETHER * width).enumerate() {
            let count = to.len() / width;
            for (i, from) in from[..count].iter_mut().enumerate() {
                *from = at(block * TOGETHER + i);
            }
            if lanes < width {
                to.fill(S::default());
            }
            if stride == 1 {
                for (to, from) in to.chunks_exact_mut(width).zip(from) {
                    to[..lanes].copy_from_slice(&w[from + column..][..lanes]);
                }
                continue;
            }
            for lane in 0..lanes {
                let w = &w[(column + lane) * stride..];
                for (to, &from) in to[lane..].iter_mut().step_by(width).zip(&from[..count]) {
                    *to = w[from];
                }
            }
        }
    });
}

pub(super) fn forward<S: Real>(
    level: Level,
    factors: Factors,
    shape: &ConvShape,
    x: &[S],
    w: &[S],
    y: &mut [S],
) {
    let layout = Layout::of::<S>(level);
    let (inputs, taps, columns) = (shape.inputs, shape.taps(), shape.outputs);
    let [height, width] = shape.out_size();
    let copy_len = View::<S>::copy_len(shape);
    let packed_len = taps * inputs * padded(columns, layout.lanes);
    let y = Shared::new(y);
    scratch::with(copy_len + packed_len, |scratch: &mut [S]| {
        // The packed weights first: their vectors should not cross cache lines.
        let (packed, copy) = scratch.split_at_mut(packed_len);
        let at = |row: usize| row % inputs * taps + row / inputs;
        pack(layout, [taps * inputs, columns], w, inputs * taps, at, packed);
        let (view, packed) = (View::of(shape, x, copy), &*packed);
        let pixels = shape.images * height * width;
        let piece = pixels.div_ceil(8 * threads()).max(32);
        each(pixels.div_ceil(piece), |i| {
            let sizes = [view.taps[0] * view.taps[1], view.depth, columns];
            PixelBlock::with((level, factors), sizes, packed, |block| {
                for pixel in i * piece..pixels.min((i + 1) * piece) {
                    let (image, rest) = (pixel / (height * width), pixel % (height * width));
                    let place = [rest / width, rest % width];
                    // SAFETY: each task writes its own pixels.
                    let out = unsafe { y.at(pixel * columns) };
                    block.push(out, |tap| view.at(shape, image, place, tap).map(|at| view.x[at..].as_ptr()));
                }
                block.run();
            });
        });
    });
}

/// Pixels whose rows are multiplied by all column panels.
pub(crate) struct PixelBlock<'a, S> {
    level: Level,
    factors: Factors,
    taps: usize,
    depth: usize,
    columns: usize,
    packed: &'a [S],
    /// Pixels that there is room for.
    room: usize,
    zeros: Vec<S>,
    /// Where the taps of the pixels lie.
    rows: Vec<*const S>,
    /// Where the results of the pixels go.
    outs: Vec<*mut S>,
    /// The rows in panels, and products of a column panel.
    panels: &'a mut [S],
}

impl<S: Real> PixelBlock<'_, S> {
    /// Lends `f` an empty block for pixels with `depth` numbers or words in each of `taps`.
    pub fn with(
        (level, factors): (Level, Factors),
        [taps, depth, columns]: [usize; 3],
        packed: &[S],
        f: impl FnOnce(&mut PixelBlock<'_, S>),
    ) {
        let layout = Layout::of::<S>(level);
        let all = (taps * depth).next_multiple_of(layout.panel);
        let room = (BLOCK / all.max(1)).clamp(2 * layout.rows, 12 * layout.rows) / layout.rows * layout.rows;
        scratch::with(room * (all + layout.panel), |panels: &mut [S]| {
            let (rows, outs) = (Vec::with_capacity(room * taps), Vec::with_capacity(room));
            let zeros = vec![S::default(); depth];
            f(&mut PixelBlock {
                level,
                factors,
                taps,
                depth,
                columns,
                packed,
                room,
                zeros,
                rows,
                outs,
                panels,
            });
        });
    }

    /// Adds a pixel: where its result goes, and where the `depth` numbers of each tap lie.
    pub fn push(&mut self, out: *mut S, tap: impl Fn(usize) -> Option<*const S>) {
        self.rows.extend((0..self.taps).map(|t| tap(t).unwrap_or(self.zeros.as_ptr())));
        self.outs.push(out);
        if self.outs.len() == self.room {
            self.run();
        }
    }

    /// Computes the pixels that were added, and forgets them.
    pub fn run(&mut self) {
        if self.outs.is_empty() {
            return;
        }
        let Self { level, factors, taps, depth, columns, packed, room, .. } = *self;
        let (rows, outs, panels) = (&*self.rows, &*self.outs, &mut *self.panels);
        factors.run(level, Products { taps, depth, columns, packed, room, rows, outs, panels });
        self.rows.clear();
        self.outs.clear();
    }
}

struct Products<'a, S> {
    taps: usize,
    depth: usize,
    columns: usize,
    packed: &'a [S],
    room: usize,
    rows: &'a [*const S],
    outs: &'a [*mut S],
    panels: &'a mut [S],
}

impl<S: Real> Operation<S> for Products<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { taps, depth, columns, packed, room, rows, outs, panels } = self;
        let (all, block) = (taps * depth, room * I::PANEL);
        let (a, c) = panels.split_at_mut(all.next_multiple_of(I::PANEL) * room);
        for (r, rows) in rows.chunks_exact(taps).enumerate() {
            for (tap, &row) in rows.iter().enumerate() {
                into_panels::<I>(row, depth, tap * depth, r, a.as_mut_ptr(), block);
            }
        }
        let (a, c) = (a.as_ptr(), c.as_mut_ptr());
        let mut column = 0;
        while column < columns {
            let b = packed.as_ptr().add(column * all);
            let left = columns - column;
            let mut first = 0;
            while first < outs.len() {
                let here = I::ROWS.min(outs.len() - first);
                let (a, c) = (a.add(first * I::PANEL), c.add(first * I::PANEL));
                tiles!(here, left > I::LANES, rows_times_columns::<I>(all, a, block, b, c));
                for r in 0..here {
                    let (to, from) = (outs[first + r].add(column), c.add(r * I::PANEL));
                    I::put(to, I::load(from), left);
                    if left > I::LANES {
                        I::put(to.add(I::LANES), I::load(from.add(I::LANES)), left - I::LANES);
                    }
                }
                first += here;
            }
            column += I::PANEL;
        }
    }
}
