//! Gradients of weights: for every tap, the input's pixels times the gradients
//! of the outputs, summed over pixels.

use super::ConvShape;
use super::direct::{Factors, TOGETHER, View};
use crate::gemm::{columns_times_columns, into_panels, tile_rows, tiles};
use crate::isa::{Isa, Layout, Level, Operation, Real};
use crate::scratch;
use crate::threads::{Shared, each};
use crate::vector::Add;

/// Pixels that are summed over before the next ones are gathered.
const PIXELS: usize = 192;

/// Weights above which tasks share taps; below, each image has sums of its own.
const SMALL: usize = 1 << 15;

/// Of numbers, or of words of neighbouring channels, which are made into words of neighbouring
/// pixels: those are what is summed over. The shape is the one of numbers.
pub(super) fn weight_gradient<S: Real>(
    level: Level,
    factors: Factors,
    shape: &ConvShape,
    x: &[S],
    dy: &[S],
    dw: &mut [S],
) {
    let layout = Layout::of::<S>(level);
    let [height, width] = shape.out_size();
    let pixels = shape.images * height * width;
    let words = factors.of(shape);
    let copy_len = View::<S>::copy_len(&words);
    // Sums are `[tap][column panels][depth][PANEL]`.
    let panels = shape.outputs.div_ceil(layout.panel);
    scratch::with(copy_len, |copy: &mut [S]| {
        let view = View::of(&words, x, copy);
        let (taps, depth) = (view.taps[0] * view.taps[1], view.depth * factors.numbers());
        let (per_tap, width) = (panels * depth * layout.panel, words.inputs * factors.numbers());
        let small = taps * per_tap <= SMALL;
        let gathered = PIXELS * factors.numbers();
        let chunks = if small { pixels.div_ceil(gathered).min(16) } else { 1 };
        let per_chunk = pixels.div_ceil(chunks.max(1)).next_multiple_of(gathered);
        let chunks = pixels.div_ceil(per_chunk.max(1));
        // A task is a chunk with all taps, or all pixels with one tap.
        let groups = if small { 1 } else { taps };
        scratch::with(chunks * taps * per_tap, |sums: &mut [S]| {
            let sums = Shared::new(sums);
            each(chunks * groups, |task| {
                let (chunk, group) = (task / groups, task % groups);
                let own = group * (taps / groups)..(group + 1) * (taps / groups);
                let work = Work { level, factors, shape: &words, view, dy };
                let range = chunk * per_chunk..pixels.min((chunk + 1) * per_chunk);
                // SAFETY: each task has the sums of its own chunk and taps.
                let to = unsafe { sums.part((chunk * taps + own.start) * per_tap, own.len() * per_tap) };
                work.sum(range, own, to);
            });
            let dw = Shared::new(dw);
            each(panels, |panel| {
                for tap in 0..taps {
                    let of = |chunk: usize| (chunk * taps + tap) * per_tap + panel * depth * layout.panel;
                    // SAFETY: each task has the sums of its own panel, in every chunk.
                    let total = unsafe { sums.part(of(0), depth * layout.panel) };
                    for chunk in 1..chunks {
                        // SAFETY: as above; another chunk is another part.
                        let more = unsafe { sums.part(of(chunk), depth * layout.panel) };
                        S::run(level, Add { to: &mut *total, more });
                    }
                    // SAFETY: each task writes the weights of its own outputs.
                    unsafe { unpack(layout, shape, [depth, width], tap, panel, total, dw) };
                }
            });
        });
    });
}

/// Sums of a tap and a column panel, `[depth][PANEL]`, to where the weights have them;
/// a tap has `width` of them, some of which may belong to no channel.
///
/// # Safety
/// Nobody else writes the weights of the panel's outputs.
unsafe fn unpack<S: Real>(
    layout: Layout,
    shape: &ConvShape,
    [depth, width]: [usize; 2],
    tap: usize,
    panel: usize,
    sums: &[S],
    dw: Shared<'_, S>,
) {
    let (inputs, all, column) = (shape.inputs, shape.taps(), panel * layout.panel);
    // Merged taps are rows of several taps.
    let merged = depth / width;
    let mut places = [None; TOGETHER];
    for (block, sums) in sums.chunks(TOGETHER * layout.panel).enumerate() {
        let rows = sums.chunks_exact(layout.panel).len();
        for (i, place) in places[..rows].iter_mut().enumerate() {
            let row = block * TOGETHER + i;
            let (input, tap) = (row % width, tap * merged + row / width);
            *place = (input < inputs).then_some(input * all + tap);
        }
        for lane in 0..layout.panel.min(shape.outputs - column) {
            let output = (column + lane) * inputs * all;
            for (sum, place) in sums[lane..].iter().step_by(layout.panel).zip(&places[..rows]) {
                if let Some(place) = place {
                    *dw.at(output + place) = *sum;
                }
            }
        }
    }
}

struct Work<'a, S> {
    level: Level,
    factors: Factors,
    /// Of what a row holds, numbers or words.
    shape: &'a ConvShape,
    view: View<'a, S>,
    dy: &'a [S],
}

impl<S: Real> Work<'_, S> {
    /// Sums over `range` for some taps, `[tap][column panels][depth][PANEL]`.
    fn sum(&self, range: std::ops::Range<usize>, taps: std::ops::Range<usize>, to: &mut [S]) {
        let Self { level, factors, shape, view, dy } = *self;
        let ([height, width], panel) = (shape.out_size(), Layout::of::<S>(level).panel);
        let [depth, outputs] = [view.depth, shape.outputs].map(|n| n * factors.numbers());
        let [rows, columns] = [depth, outputs].map(|n| n.next_multiple_of(panel));
        let zeros = vec![S::default(); view.depth];
        let nothing = zeros.as_ptr();
        scratch::with(PIXELS * (rows + columns), |scratch: &mut [S]| {
            let (a, b) = scratch.split_at_mut(PIXELS * rows);
            for first in range.clone().step_by(PIXELS * factors.numbers()) {
                let count = (PIXELS * factors.numbers()).min(range.end - first);
                let at = |r: usize| dy[(first + r) * shape.outputs..].as_ptr();
                gather((level, factors), [count, shape.outputs, PIXELS], at, b);
                for (own, tap) in taps.clone().enumerate() {
                    let at = |r: usize| {
                        let (image, rest) = ((first + r) / (height * width), (first + r) % (height * width));
                        let at = view.at(shape, image, [rest / width, rest % width], tap);
                        at.map_or(nothing, |at| view.x[at..].as_ptr())
                    };
                    gather((level, factors), [count, view.depth, PIXELS], at, a);
                    let size = columns / panel * depth * panel;
                    let to = to[own * size..][..size].as_mut_ptr();
                    let (count, add) = (count.div_ceil(factors.numbers()), first > range.start);
                    factors.run(level, Products { depth, outputs, count, a, b, to, add });
                }
            }
        });
    }
}

/// `count` rows of `depth` numbers, or of words, into panels `[numbers / PANEL][room][PANEL]`:
/// numbers, or words of two rows each.
pub(super) fn gather<S: Real>(
    (level, factors): (Level, Factors),
    [count, depth, room]: [usize; 3],
    at: impl Fn(usize) -> *const S,
    to: &mut [S],
) {
    let to = to.as_mut_ptr();
    match factors {
        Factors::Numbers => S::run(level, Gather { rows: (0..count).map(at), depth, room, to }),
        Factors::Pairs => {
            let zeros = vec![S::default(); depth];
            let second = |i: usize| if i < count { at(i) } else { zeros.as_ptr() };
            let rows = (0..count).step_by(2).map(|i| [at(i), second(i + 1)]);
            S::run_pairs(level, Zip { rows, depth, room, to });
        }
    }
}

/// Rows of `depth` numbers into panels `[depth / PANEL][room][PANEL]`.
struct Gather<R, S> {
    rows: R,
    depth: usize,
    room: usize,
    to: *mut S,
}

impl<S: Real, R: Iterator<Item = *const S>> Operation<S> for Gather<R, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        for (r, row) in self.rows.enumerate() {
            into_panels::<I>(row, self.depth, 0, r, self.to, self.room * I::PANEL);
        }
    }
}

/// Two rows of `depth` words of neighbouring channels into one of words of both rows, in the
/// same panels: `2 depth` of them.
struct Zip<R, S> {
    rows: R,
    depth: usize,
    room: usize,
    to: *mut S,
}

impl<S: Real, R: Iterator<Item = [*const S; 2]>> Operation<S> for Zip<R, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { rows, depth, room, to } = self;
        for (r, [first, second]) in rows.enumerate() {
            for (panel, from) in (0..depth).step_by(I::LANES).enumerate() {
                let to = to.add((panel * room + r) * I::PANEL);
                for i in 0..I::LANES.min(depth - from) {
                    let [even, odd] = S::zip(*first.add(from + i), *second.add(from + i));
                    *to.add(2 * i) = even;
                    *to.add(2 * i + 1) = odd;
                }
            }
        }
    }
}

struct Products<'a, S> {
    depth: usize,
    outputs: usize,
    count: usize,
    a: &'a [S],
    b: &'a [S],
    to: *mut S,
    add: bool,
}

impl<S: Real> Operation<S> for Products<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { depth, outputs, count, a, b, to, add } = self;
        let mut column = 0;
        while column < outputs {
            let wide = outputs - column > I::LANES;
            let b = b.as_ptr().add(column * PIXELS);
            let mut first = 0;
            while first < depth {
                let rows = I::PANEL.min(depth - first);
                let tile = tile_rows(rows, I::ROWS);
                let mut r = 0;
                while r < rows {
                    let here = tile.min(rows - r);
                    let a = a.as_ptr().add(first * PIXELS + r);
                    let c = to.add(column * depth + (first + r) * I::PANEL);
                    tiles!(here, wide, columns_times_columns::<I>(count, a, b, c, I::PANEL, add));
                    r += here;
                }
                first += I::PANEL;
            }
            column += I::PANEL;
        }
    }
}
