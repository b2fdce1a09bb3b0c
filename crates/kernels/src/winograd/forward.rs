//! Outputs, and gradients of inputs, which are outputs of turned kernels.

use super::kernel::TransformKernels;
use super::tile::{Block, Maps, transform_input, transform_output};
use super::{Grid, Kernels, POINTS, kernel_matrix, matrix};
use crate::gemm::{panel_width, rows_times_columns, tile_rows, tiles};
use crate::isa::{Isa, Layout, Level, Operation, Real};
use crate::scratch;
use crate::threads::{Shared, each, threads};

/// Convolves maps `[images, height, width, rows]` to `[images, height, width, columns]`.
pub(crate) fn convolve<S: Real>(level: Level, grid: Grid, x: &[S], kernels: Kernels<'_, S>, y: &mut [S]) {
    let plan = Plan { level, layout: Layout::of::<S>(level), grid, kernels };
    if grid.tiles() * 2 <= 3 * kernels.columns() {
        plan.by_columns(x, y);
    } else {
        plan.by_tiles(x, y);
    }
}

struct Plan<'a, S> {
    level: Level,
    layout: Layout,
    grid: Grid,
    kernels: Kernels<'a, S>,
}

impl<S: Real> Plan<'_, S> {
    /// Many tiles, small kernels: the kernels once, then blocks of tiles that
    /// stay in a core's cache from their inputs to their outputs.
    fn by_tiles(&self, x: &[S], y: &mut [S]) {
        let Self { level, layout, grid, kernels } = *self;
        let (rows, columns, tiles) = (kernels.rows(), kernels.columns(), grid.tiles());
        let stride = kernel_matrix(rows, columns, layout);
        let largest = if rows.max(columns) <= 64 { 48 } else { 96 };
        let room = tiles.div_ceil(threads()).clamp(1, largest);
        let y = Shared::new(y);
        scratch::with(POINTS * stride, |u: &mut [S]| {
            {
                let u = Shared::new(u);
                each(columns.div_ceil(layout.panel), |panel| {
                    let column = panel * layout.panel;
                    // SAFETY: each task writes its own columns of the 36 matrices.
                    let to = unsafe { u.at(column * rows) };
                    S::run(level, TransformKernels { kernels, column, to, stride });
                });
            }
            let u = &*u;
            each(tiles.div_ceil(room), |block| {
                let first = block * room;
                let count = room.min(tiles - first);
                let (of_inputs, of_outputs) = (matrix(room, rows, layout), matrix(room, columns, layout));
                scratch::with(POINTS * (of_inputs + of_outputs), |scratch: &mut [S]| {
                    let (v, m) = scratch.split_at_mut(POINTS * of_inputs);
                    let inputs = Maps { grid, channels: rows, start: x.as_ptr() };
                    // SAFETY: each task writes the outputs of its own tiles.
                    let outputs = Maps { grid, channels: columns, start: unsafe { y.at(0) } };
                    let block = Block { first, count, room, stride: of_inputs };
                    S::run(level, TileBlock { inputs, outputs, block, v, m, of_outputs, u, stride });
                });
            });
        });
    }

    /// Few tiles, large kernels: all tiles once, then one column panel after
    /// the other, whose kernels never leave a core's cache.
    fn by_columns(&self, x: &[S], y: &mut [S]) {
        let Self { level, layout, grid, kernels } = *self;
        let (rows, columns, tiles) = (kernels.rows(), kernels.columns(), grid.tiles());
        let of_inputs = matrix(tiles, rows, layout);
        let y = Shared::new(y);
        scratch::with(POINTS * of_inputs, |v: &mut [S]| {
            {
                let v = Shared::new(v);
                let inputs = Maps { grid, channels: rows, start: x.as_ptr() };
                transform_tiles(tiles, |first, count| {
                    let block = Block { first, count, room: tiles, stride: of_inputs };
                    // SAFETY: each task writes its own rows of the 36 matrices.
                    S::run(level, Inputs { inputs, block, to: unsafe { v.at(first * layout.panel) } });
                });
            }
            let v = &*v;
            each(columns.div_ceil(layout.panel), |panel| {
                let column = panel * layout.panel;
                let width = panel_width(columns, column, layout.lanes);
                let (of_kernels, of_outputs) = (rows * width + super::GAP, tiles * layout.panel + super::GAP);
                scratch::with(POINTS * (of_kernels + of_outputs), |scratch: &mut [S]| {
                    let (u, m) = scratch.split_at_mut(POINTS * of_kernels);
                    let to = u.as_mut_ptr();
                    S::run(level, TransformKernels { kernels, column, to, stride: of_kernels });
                    // SAFETY: each task writes its own channels of the outputs.
                    let outputs = Maps { grid, channels: columns, start: unsafe { y.at(0) } };
                    let panel =
                        ColumnPanel { rows, column, v, of_inputs, u, of_kernels, m, of_outputs, outputs };
                    S::run(level, panel);
                });
            });
        });
    }
}

/// Cuts `tiles` into pieces of work whose size does not matter to the result.
pub fn transform_tiles(tiles: usize, work: impl Fn(usize, usize) + Sync + Send) {
    let piece = tiles.div_ceil(4 * threads()).clamp(1, 64);
    each(tiles.div_ceil(piece), |i| work(i * piece, piece.min(tiles - i * piece)));
}

/// Transforms the inputs of some tiles.
pub struct Inputs<S> {
    pub inputs: Maps<S>,
    pub block: Block,
    pub to: *mut S,
}

impl<S: Real> Operation<S> for Inputs<S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        transform_input::<I>(&self.inputs, self.block, self.to);
    }
}

/// Inputs of a block of tiles to their outputs.
struct TileBlock<'a, S> {
    inputs: Maps<S>,
    outputs: Maps<S>,
    block: Block,
    v: &'a mut [S],
    m: &'a mut [S],
    of_outputs: usize,
    u: &'a [S],
    stride: usize,
}

impl<S: Real> Operation<S> for TileBlock<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { inputs, outputs, block, v, m, of_outputs, u, stride } = self;
        transform_input::<I>(&inputs, block, v.as_mut_ptr());
        let (rows, columns) = (inputs.channels, outputs.channels);
        for point in 0..POINTS {
            let mut column = 0;
            while column < columns {
                let product = Product {
                    rows,
                    count: block.count,
                    a: v.as_ptr().add(point * block.stride),
                    room: block.room,
                    b: u.as_ptr().add(point * stride + column * rows),
                    c: m.as_mut_ptr().add(point * of_outputs + column * block.room),
                    wide: columns - column > I::LANES,
                };
                multiply::<I>(product);
                column += I::PANEL;
            }
        }
        let block = Block { stride: of_outputs, ..block };
        transform_output::<I>(m.as_ptr(), block, &outputs, 0, columns);
    }
}

/// Outputs of one column panel for all tiles.
struct ColumnPanel<'a, S> {
    rows: usize,
    column: usize,
    v: &'a [S],
    of_inputs: usize,
    u: &'a [S],
    of_kernels: usize,
    m: &'a mut [S],
    of_outputs: usize,
    outputs: Maps<S>,
}

impl<S: Real> Operation<S> for ColumnPanel<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { rows, column, v, of_inputs, u, of_kernels, m, of_outputs, outputs } = self;
        let tiles = outputs.grid.tiles();
        let columns = outputs.channels;
        for point in 0..POINTS {
            multiply::<I>(Product {
                rows,
                count: tiles,
                a: v.as_ptr().add(point * of_inputs),
                room: tiles,
                b: u.as_ptr().add(point * of_kernels),
                c: m.as_mut_ptr().add(point * of_outputs),
                wide: columns - column > I::LANES,
            });
        }
        let block = Block { first: 0, count: tiles, room: tiles, stride: of_outputs };
        transform_output::<I>(m.as_ptr(), block, &outputs, column, I::PANEL.min(columns - column));
    }
}

/// `count` tiles times one column panel.
struct Product<S> {
    rows: usize,
    count: usize,
    a: *const S,
    room: usize,
    b: *const S,
    c: *mut S,
    wide: bool,
}

#[inline(always)]
unsafe fn multiply<I: Isa>(p: Product<I::S>) {
    let tile = tile_rows(p.count, I::ROWS);
    let mut r = 0;
    while r < p.count {
        let here = tile.min(p.count - r);
        let (a, c) = (p.a.add(r * I::PANEL), p.c.add(r * I::PANEL));
        tiles!(here, p.wide, rows_times_columns::<I>(p.rows, a, p.room * I::PANEL, p.b, c));
        r += here;
    }
}
