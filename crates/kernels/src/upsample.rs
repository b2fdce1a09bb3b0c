//! Nearest-neighbour resize and the 3x3 convolution per channel behind it, as one:
//! the enlarged maps are never made.
//!
//! Neighbouring pixels of an enlarged map are often the same pixel `x`. Taps that
//! fall on the same one are added up before: for twice the size every output is
//! four products and not nine.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Taps along an axis.
const TAPS: usize = 3;

/// Sets of taps along an axis.
const SETS: usize = 1 << TAPS;

/// Rows of `x` whose sums are one piece, whatever the number of threads.
const ROWS: usize = 8;

/// A resize of maps `[images, height, width, channels]`. Pairs are `[down, across]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpsampleShape {
    /// Images of the batch.
    pub images: usize,
    /// Height and width of an input image.
    pub size: [usize; 2],
    /// Height and width of an output image: pixel `i` comes from `floor(i size / to)`.
    pub to: [usize; 2],
    /// Channels.
    pub channels: usize,
}

impl UpsampleShape {
    /// Numbers of the input.
    pub fn input_len(&self) -> usize {
        self.images * self.size[0] * self.size[1] * self.channels
    }

    /// Numbers of the output.
    pub fn output_len(&self) -> usize {
        self.images * self.to[0] * self.to[1] * self.channels
    }

    /// The pixel of `x` that pixel `i` of the enlarged map comes from.
    fn source(&self, axis: usize, i: usize) -> usize {
        i * self.size[axis] / self.to[axis]
    }

    /// What every output along an axis reads.
    fn reads(&self, axis: usize) -> Vec<Reads> {
        let of = |i: usize| {
            let mut reads = Reads { count: 0, pixels: [(0, 0); TAPS] };
            for tap in 0..TAPS {
                let Some(enlarged) = (i + tap).checked_sub(1).filter(|&e| e < self.to[axis]) else {
                    continue;
                };
                let source = self.source(axis, enlarged);
                if reads.count == 0 || reads.pixels[reads.count - 1].0 != source {
                    reads.count += 1;
                    reads.pixels[reads.count - 1] = (source, 0);
                }
                reads.pixels[reads.count - 1].1 |= 1 << tap;
            }
            reads
        };
        (0..self.to[axis]).map(of).collect()
    }

    /// Which outputs along an axis read every pixel of `x` by each tap.
    fn readers(&self, axis: usize) -> Vec<[(usize, usize); TAPS]> {
        let enlarged: Vec<usize> = (0..self.to[axis]).map(|i| self.source(axis, i)).collect();
        let of = |source: usize| {
            let [first, end] = [source, source + 1].map(|s| enlarged.partition_point(|&e| e < s));
            // Tap 1 is the pixel itself, tap 0 of the next output, tap 2 of the one before.
            let clamped = |i: usize| i.saturating_sub(1).min(self.to[axis]);
            std::array::from_fn(|tap| match first < end {
                true => (clamped(first + 2 - tap), clamped(end + 2 - tap)),
                false => (0, 0),
            })
        };
        (0..self.size[axis]).map(of).collect()
    }
}

/// The pixels of `x` that an output reads along an axis, each with its set of taps.
#[derive(Clone, Copy, Debug)]
struct Reads {
    count: usize,
    pixels: [(usize, usize); TAPS],
}

/// For each pair of sets the sum of their weights, `[SETS, SETS, channels]`.
fn merged<S: Real>(channels: usize, weight: &[S]) -> Vec<S> {
    let mut all = vec![S::default(); SETS * SETS * channels];
    for (sets, to) in all.chunks_exact_mut(channels).enumerate() {
        let (rows, columns) = (sets / SETS, sets % SETS);
        for (c, to) in to.iter_mut().enumerate() {
            for tap in 0..TAPS * TAPS {
                let [down, across] = [1 << (tap / TAPS), 1 << (tap % TAPS)];
                if rows & down != 0 && columns & across != 0 {
                    *to = S::plus(*to, weight[c * TAPS * TAPS + tap]);
                }
            }
        }
    }
    all
}

pub(crate) fn upsample<S: Real>(
    level: Level,
    shape: &UpsampleShape,
    x: &[S],
    weight: &[S],
    bias: &[S],
    more: Option<&[S]>,
    y: &mut [S],
) {
    let channels = shape.channels;
    assert_eq!([x.len(), y.len()], [shape.input_len(), shape.output_len()], "numbers of {shape:?}");
    assert_eq!([weight.len(), bias.len()], [channels * TAPS * TAPS, channels], "weights of {shape:?}");
    assert!(more.is_none_or(|m| m.len() == shape.output_len()), "what is added to {shape:?}");
    let (weights, rows, columns) = (&merged(channels, weight), shape.reads(0), &shape.reads(1));
    let (height, line) = (shape.to[0], shape.to[1] * channels);
    let image = shape.size[0] * shape.size[1] * channels;
    let y = Shared::new(y);
    each(shape.images * height, |task| {
        // SAFETY: each task has its own line of an image.
        let y = unsafe { y.part(task * line, line) };
        let (x, rows) = (&x[task / height * image..][..image], rows[task % height]);
        let more = more.map(|m| &m[task * line..][..line]);
        S::run(level, Line { width: shape.size[1], x, rows, columns, weights, bias, more, y });
    });
}

struct Line<'a, S> {
    /// Of the input.
    width: usize,
    x: &'a [S],
    rows: Reads,
    columns: &'a [Reads],
    weights: &'a [S],
    bias: &'a [S],
    more: Option<&'a [S]>,
    y: &'a mut [S],
}

impl<S: Real> Operation<S> for Line<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { width, x, rows, columns, weights, bias, more, y } = self;
        let channels = bias.len();
        let rows = &rows.pixels[..rows.count];
        for (j, columns) in columns.iter().enumerate() {
            for c in (0..channels).step_by(I::LANES) {
                let (left, at) = (channels - c, j * channels + c);
                let mut sum = I::take(bias.as_ptr().add(c), left);
                if let Some(more) = more {
                    sum = I::add(sum, I::take(more.as_ptr().add(at), left));
                }
                for &(row, down) in rows {
                    for &(column, across) in &columns.pixels[..columns.count] {
                        let x = I::take(x.as_ptr().add((row * width + column) * channels + c), left);
                        let w = I::take(weights.as_ptr().add((down * SETS + across) * channels + c), left);
                        sum = I::fma(x, w, sum);
                    }
                }
                I::put(y.as_mut_ptr().add(at), sum, left);
            }
        }
    }
}

/// Gradients of the weights, `[channels, 3, 3]`, and of the bias, and of `x` where
/// `dx` is given.
pub(crate) fn gradients<S: Real>(
    level: Level,
    shape: &UpsampleShape,
    x: &[S],
    weight: &[S],
    dy: &[S],
    dx: Option<&mut [S]>,
) -> [Vec<S>; 2] {
    let channels = shape.channels;
    assert_eq!([x.len(), dy.len()], [shape.input_len(), shape.output_len()], "numbers of {shape:?}");
    assert_eq!(weight.len(), channels * TAPS * TAPS, "weights of {shape:?}");
    let by_tap: Vec<S> =
        (0..weight.len()).map(|i| weight[i % channels * TAPS * TAPS + i / channels]).collect();
    let (by_tap, rows, columns) = (&by_tap, shape.readers(0), &shape.readers(1));
    let pieces = shape.size[0].div_ceil(ROWS);
    let (line, image) = (shape.size[1] * channels, shape.to[0] * shape.to[1] * channels);
    let slots = (TAPS * TAPS + 1) * channels;
    let mut sums = vec![0.0f64; shape.images * pieces * slots];
    let (dx, shared) = (dx.map(Shared::new), Shared::new(&mut sums));
    each(shape.images * pieces, |task| {
        let (n, piece) = (task / pieces, task % pieces);
        // SAFETY: each task has sums of its own.
        let total = unsafe { shared.part(task * slots, slots) };
        let mut sums = vec![S::default(); slots];
        for row in piece * ROWS..shape.size[0].min((piece + 1) * ROWS) {
            let at = (n * shape.size[0] + row) * line;
            // SAFETY: each task has its own lines of an image.
            let dx = dx.map(|dx| unsafe { dx.part(at, line) });
            let (x, dy, rows) = (&x[at..at + line], &dy[n * image..][..image], rows[row]);
            let (width, sums) = (shape.to[1], &mut sums[..]);
            S::run(level, LineGradients { channels, width, x, dy, rows, columns, by_tap, dx, sums });
            total.iter_mut().zip(&*sums).for_each(|(total, more)| *total += more.wide());
        }
    });
    let total = |slot: usize| S::of(sums.iter().skip(slot).step_by(slots).sum());
    let of_weight = |i: usize| total(i % (TAPS * TAPS) * channels + i / (TAPS * TAPS));
    let of_bias = |c: usize| total(TAPS * TAPS * channels + c);
    [(0..weight.len()).map(of_weight).collect(), (0..channels).map(of_bias).collect()]
}

/// Of one line of `x`; `sums` are `[taps and bias, channels]`.
struct LineGradients<'a, S> {
    channels: usize,
    /// Of the output.
    width: usize,
    x: &'a [S],
    dy: &'a [S],
    rows: [(usize, usize); TAPS],
    columns: &'a [[(usize, usize); TAPS]],
    by_tap: &'a [S],
    dx: Option<&'a mut [S]>,
    sums: &'a mut [S],
}

impl<S: Real> Operation<S> for LineGradients<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { channels, width, x, dy, rows, columns, by_tap, mut dx, sums } = self;
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let (mut of_taps, mut of_bias) = ([[I::zero(); TAPS]; TAPS], I::zero());
            for (place, columns) in columns.iter().enumerate() {
                // Per tap, the sum of the gradients of the outputs that it serves.
                let mut arrived = [[I::zero(); TAPS]; TAPS];
                for i in rows[2].0..rows[0].1 {
                    let line = dy.as_ptr().add(i * width * channels + c);
                    let mut across = [I::zero(); TAPS];
                    for l in 0..TAPS {
                        for j in columns[l].0..columns[l].1 {
                            across[l] = I::add(across[l], I::take(line.add(j * channels), left));
                        }
                    }
                    for k in 0..TAPS {
                        if i >= rows[k].0 && i < rows[k].1 {
                            for l in 0..TAPS {
                                arrived[k][l] = I::add(arrived[k][l], across[l]);
                            }
                        }
                    }
                }
                let at = place * channels + c;
                let x = I::take(x.as_ptr().add(at), left);
                for k in 0..TAPS {
                    for l in 0..TAPS {
                        of_taps[k][l] = I::fma(arrived[k][l], x, of_taps[k][l]);
                    }
                }
                of_bias = I::add(of_bias, arrived[1][1]);
                if let Some(dx) = &mut dx {
                    let mut sum = I::zero();
                    for k in 0..TAPS {
                        for l in 0..TAPS {
                            let w = by_tap.as_ptr().add((k * TAPS + l) * channels + c);
                            sum = I::fma(arrived[k][l], I::take(w, left), sum);
                        }
                    }
                    I::put(dx.as_mut_ptr().add(at), sum, left);
                }
            }
            for k in 0..TAPS {
                for l in 0..TAPS {
                    I::put(sums.as_mut_ptr().add((k * TAPS + l) * channels + c), of_taps[k][l], left);
                }
            }
            I::put(sums.as_mut_ptr().add(TAPS * TAPS * channels + c), of_bias, left);
        }
    }
}
