//! Gradients of weights: sums over tiles of the products of transformed inputs
//! and transformed gradients of outputs.

use super::forward::{Inputs, transform_tiles};
use super::kernel::TransformGradients;
use super::tile::{Block, Maps, transform_gradient, transform_input};
use super::{Grid, POINTS, matrix};
use crate::gemm::{columns_times_columns, tile_rows, tiles};
use crate::isa::{Isa, Layout, Level, Operation, Real};
use crate::scratch;
use crate::threads::{Shared, each};

/// Chunks of tiles whose sums are found side by side: a fixed number, so that
/// the result does not depend on the number of threads.
const CHUNKS: usize = 8;

/// The gradient of weights `[out, in, 3, 3]` from `x` `[images, height, width,
/// in]` and `dy` `[images, height, width, out]`.
pub(crate) fn weight_gradient<S: Real>(
    level: Level,
    grid: Grid,
    [inputs, outputs]: [usize; 2],
    x: &[S],
    dy: &[S],
    dw: &mut [S],
) {
    let layout = Layout::of::<S>(level);
    let x = Maps { grid, channels: inputs, start: x.as_ptr() };
    let dy = Maps { grid, channels: outputs, start: dy.as_ptr() };
    let plan = Plan { level, layout, grid, x, dy };
    if grid.tiles() <= inputs.max(outputs) {
        plan.by_columns(dw);
    } else {
        plan.by_tiles(dw);
    }
}

struct Plan<S> {
    level: Level,
    layout: Layout,
    grid: Grid,
    x: Maps<S>,
    dy: Maps<S>,
}

impl<S: Real> Plan<S> {
    /// Many tiles, small kernels: sums of their own for chunks of tiles.
    fn by_tiles(&self, dw: &mut [S]) {
        let Self { level, layout, grid, x, dy } = *self;
        let (inputs, outputs) = (x.channels, dy.channels);
        let panels = outputs.div_ceil(layout.panel);
        let sums = panels * inputs * POINTS * layout.panel;
        let (tiles, room) = (grid.tiles(), if inputs.max(outputs) <= 64 { 72 } else { 96 });
        let chunks = tiles.div_ceil(room).min(CHUNKS);
        let per_chunk = tiles.div_ceil(chunks);
        let chunks = tiles.div_ceil(per_chunk);
        let dw = Shared::new(dw);
        scratch::with(chunks * sums, |all: &mut [S]| {
            let shared = Shared::new(all);
            each(chunks, |chunk| {
                let (start, end) = (chunk * per_chunk, tiles.min((chunk + 1) * per_chunk));
                // SAFETY: each task has the sums of its own chunk.
                let to = unsafe { shared.at(chunk * sums) };
                let (of_x, of_dy) = (matrix(room, inputs, layout), matrix(room, outputs, layout));
                scratch::with(POINTS * (of_x + of_dy), |scratch: &mut [S]| {
                    let (v, w) = scratch.split_at_mut(POINTS * of_x);
                    for first in (start..end).step_by(room) {
                        let (count, add) = (room.min(end - first), first > start);
                        let block = Block { first, count, room, stride: of_x };
                        S::run(level, TileBlock { x, dy, block, v, w, of_dy, to, add });
                    }
                });
            });
            each(panels, |panel| {
                let of_panel = inputs * POINTS * layout.panel;
                // SAFETY: each task has its own panel in the sums of all chunks.
                let total = unsafe { shared.part(panel * of_panel, of_panel) };
                for chunk in 1..chunks {
                    // SAFETY: as above; chunk 0 is another part.
                    let more = unsafe { shared.part(chunk * sums + panel * of_panel, of_panel) };
                    S::run(level, crate::vector::Add { to: total, more });
                }
                // SAFETY: tasks write the weights of their own outputs.
                let to = unsafe { dw.at(0) };
                let column = panel * layout.panel;
                let from = total.as_ptr();
                S::run(level, TransformGradients { inputs, outputs, column, from, to });
            });
        });
    }

    /// Few tiles, large kernels: all tiles once, then the sums of one column
    /// panel after the other, which never leave a core's cache.
    fn by_columns(&self, dw: &mut [S]) {
        let Self { level, layout, grid, x, dy } = *self;
        let (inputs, outputs, tiles) = (x.channels, dy.channels, grid.tiles());
        let (of_x, of_dy) = (matrix(tiles, inputs, layout), matrix(tiles, outputs, layout));
        let dw = Shared::new(dw);
        scratch::with(POINTS * (of_x + of_dy), |scratch: &mut [S]| {
            let (v, w) = scratch.split_at_mut(POINTS * of_x);
            {
                let (v, w) = (Shared::new(v), Shared::new(w));
                transform_tiles(tiles, |first, count| {
                    let block = Block { first, count, room: tiles, stride: of_x };
                    // SAFETY: each task writes its own rows of the 36 matrices.
                    S::run(level, Inputs { inputs: x, block, to: unsafe { v.at(first * layout.panel) } });
                    let block = Block { stride: of_dy, ..block };
                    // SAFETY: as above.
                    S::run(level, Gradients { dy, block, to: unsafe { w.at(first * layout.panel) } });
                });
            }
            let (v, w) = (&*v, &*w);
            each(outputs.div_ceil(layout.panel), |panel| {
                let column = panel * layout.panel;
                scratch::with(inputs * POINTS * layout.panel, |sums: &mut [S]| {
                    let to = sums.as_mut_ptr();
                    S::run(level, ColumnPanel { inputs, outputs, column, tiles, v, of_x, w, of_dy, to });
                    // SAFETY: tasks write the weights of their own outputs.
                    let to = unsafe { dw.at(0) };
                    let from = sums.as_ptr();
                    S::run(level, TransformGradients { inputs, outputs, column, from, to });
                });
            });
        });
    }
}

/// Transforms the gradients of the outputs of some tiles.
struct Gradients<S> {
    dy: Maps<S>,
    block: Block,
    to: *mut S,
}

impl<S: Real> Operation<S> for Gradients<S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        transform_gradient::<I>(&self.dy, self.block, self.to);
    }
}

/// Adds the products of a block of tiles to sums `[panels][in][36][PANEL]`.
struct TileBlock<'a, S> {
    x: Maps<S>,
    dy: Maps<S>,
    block: Block,
    v: &'a mut [S],
    w: &'a mut [S],
    of_dy: usize,
    to: *mut S,
    add: bool,
}

impl<S: Real> Operation<S> for TileBlock<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { x, dy, block, v, w, of_dy, to, add } = self;
        transform_input::<I>(&x, block, v.as_mut_ptr());
        transform_gradient::<I>(&dy, Block { stride: of_dy, ..block }, w.as_mut_ptr());
        for point in 0..POINTS {
            let mut column = 0;
            while column < dy.channels {
                let sums = Sums {
                    inputs: x.channels,
                    count: block.count,
                    room: block.room,
                    a: v.as_ptr().add(point * block.stride),
                    b: w.as_ptr().add(point * of_dy + column * block.room),
                    c: to.add(column * x.channels * POINTS + point * I::PANEL),
                    wide: dy.channels - column > I::LANES,
                    add,
                };
                accumulate::<I>(sums);
                column += I::PANEL;
            }
        }
    }
}

/// The sums `[in][36][PANEL]` of one column panel over all tiles.
struct ColumnPanel<'a, S> {
    inputs: usize,
    outputs: usize,
    column: usize,
    tiles: usize,
    v: &'a [S],
    of_x: usize,
    w: &'a [S],
    of_dy: usize,
    to: *mut S,
}

impl<S: Real> Operation<S> for ColumnPanel<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { inputs, outputs, column, tiles, v, of_x, w, of_dy, to } = self;
        for point in 0..POINTS {
            accumulate::<I>(Sums {
                inputs,
                count: tiles,
                room: tiles,
                a: v.as_ptr().add(point * of_x),
                b: w.as_ptr().add(point * of_dy + column * tiles),
                c: to.add(point * I::PANEL),
                wide: outputs - column > I::LANES,
                add: false,
            });
        }
    }
}

/// All inputs times one column panel, summed over tiles.
struct Sums<S> {
    inputs: usize,
    count: usize,
    room: usize,
    a: *const S,
    b: *const S,
    c: *mut S,
    wide: bool,
    add: bool,
}

#[inline(always)]
unsafe fn accumulate<I: Isa>(s: Sums<I::S>) {
    let row = POINTS * I::PANEL;
    let mut first = 0;
    while first < s.inputs {
        let inputs = I::PANEL.min(s.inputs - first);
        let tile = tile_rows(inputs, I::ROWS);
        let mut r = 0;
        while r < inputs {
            let here = tile.min(inputs - r);
            let (a, c) = (s.a.add(first * s.room + r), s.c.add((first + r) * row));
            tiles!(here, s.wide, columns_times_columns::<I>(s.count, a, s.b, c, row, s.add));
            r += here;
        }
        first += I::PANEL;
    }
}
