//! Passes over `[pixels, channels]`: sums per channel, and pieces of whole pixels.

use std::ops::Range;

use crate::isa::{Isa, Operation, Real};
use crate::threads::{Shared, each};

/// Pixels whose sums are kept in single precision before they are added up.
const PIXELS: usize = 64;

/// Pieces that sums are cut into, whatever the number of threads.
const PIECES: usize = 16;

/// Two sums per channel over all pixels, in an order that threads do not change.
pub fn sum_up<S: Real>(
    channels: usize,
    pixels: usize,
    piece: impl Fn(Range<usize>, &mut [S]) + Sync + Send,
) -> Vec<f64> {
    let per_piece = pixels.div_ceil(PIECES).next_multiple_of(PIXELS);
    let pieces = pixels.div_ceil(per_piece);
    let mut all = vec![0.0f64; pieces * 2 * channels];
    let shared = Shared::new(&mut all);
    each(pieces, |i| {
        // SAFETY: each task has sums of its own.
        let total = unsafe { shared.part(i * 2 * channels, 2 * channels) };
        let mut some = vec![S::default(); 2 * channels];
        let end = pixels.min((i + 1) * per_piece);
        for first in (i * per_piece..end).step_by(PIXELS) {
            piece(first..end.min(first + PIXELS), &mut some);
            for (total, some) in total.iter_mut().zip(&some) {
                *total += some.wide();
            }
        }
    });
    let (total, rest) = all.split_at_mut(2 * channels);
    for more in rest.chunks_exact(2 * channels) {
        total.iter_mut().zip(more).for_each(|(total, more)| *total += more);
    }
    all.truncate(2 * channels);
    all
}

/// Sums of `y - origin` and its square.
pub struct Moments<'a, S> {
    pub y: &'a [S],
    pub origin: &'a [S],
    pub to: &'a mut [S],
}

impl<S: Real> Operation<S> for Moments<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let channels = self.origin.len();
        let pixels = self.y.len() / channels;
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let origin = I::take(self.origin.as_ptr().add(c), left);
            let (mut first, mut second) = ([I::zero(); 2], [I::zero(); 2]);
            let mut p = 0;
            while p + 2 <= pixels {
                for k in 0..2 {
                    let d = I::sub(I::take(self.y.as_ptr().add((p + k) * channels + c), left), origin);
                    first[k] = I::add(first[k], d);
                    second[k] = I::fma(d, d, second[k]);
                }
                p += 2;
            }
            if p < pixels {
                let d = I::sub(I::take(self.y.as_ptr().add(p * channels + c), left), origin);
                first[0] = I::add(first[0], d);
                second[0] = I::fma(d, d, second[0]);
            }
            I::put(self.to.as_mut_ptr().add(c), I::add(first[0], first[1]), left);
            I::put(self.to.as_mut_ptr().add(channels + c), I::add(second[0], second[1]), left);
        }
    }
}

/// Runs `piece` for parts of a buffer, whole pixels each.
pub fn pieces<S: Real>(
    channels: usize,
    len: usize,
    out: Shared<'_, S>,
    piece: impl Fn(Range<usize>, &mut [S]) + Sync + Send,
) {
    let per_piece = (len / channels).div_ceil(PIECES).max(PIXELS) * channels;
    each(len.div_ceil(per_piece), |i| {
        let range = i * per_piece..len.min((i + 1) * per_piece);
        // SAFETY: each task has its own pixels.
        let out = unsafe { out.part(range.start, range.len()) };
        piece(range, out);
    });
}
