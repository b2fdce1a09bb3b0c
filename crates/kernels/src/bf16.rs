//! Numbers rounded to bf16, two to a word.
//!
//! bf16 is the upper half of an `f32`: the same range, eight bits of mantissa. Rows that are
//! kept for a later pass take half the memory, and processors with AVX512-BF16 multiply a
//! word by a word and add both products to a number in one instruction.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Words that one task rounds or widens, about.
const CHUNK: usize = 1 << 14;

/// Rows of numbers rounded to bf16, two neighbours to a word; a row with an odd number
/// of them ends with a zero. A word is held as the `f32` of its bits: nothing computes with it.
#[derive(Clone, Debug)]
pub struct Pairs {
    pub(crate) words: Vec<f32>,
    width: usize,
}

impl Pairs {
    /// Rows of `width` numbers, to the nearest bf16, ties to even.
    ///
    /// # Panics
    /// If the numbers are not a multiple of `width`.
    pub fn of(level: Level, width: usize, x: &[f32]) -> Self {
        let rows = x.len() / width.max(1);
        assert_eq!(rows * width, x.len(), "rows of {width} numbers");
        let row = width.div_ceil(2);
        let mut words = crate::unwritten(rows * row);
        let to = Shared::new(&mut words);
        let piece = (CHUNK / row.max(1)).max(1);
        each(rows.div_ceil(piece), |i| {
            let rows = i * piece..rows.min((i + 1) * piece);
            // SAFETY: each task has its own rows.
            let to = unsafe { to.part(rows.start * row, rows.len() * row) };
            let x = &x[rows.start * width..rows.end * width];
            // Rows without a gap are one row.
            let width = if width.is_multiple_of(2) { x.len() } else { width };
            f32::run(level, Round { width, x, to });
        });
        Self { words, width }
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Numbers in all.
    pub fn len(&self) -> usize {
        self.words.len() / self.width.div_ceil(2).max(1) * self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The rounded numbers.
    pub fn widen(&self, level: Level) -> Vec<f32> {
        let (width, row) = (self.width, self.width.div_ceil(2));
        let rows = self.words.len() / row.max(1);
        let mut wide = crate::unwritten(rows * width);
        let to = Shared::new(&mut wide);
        let piece = (CHUNK / row.max(1)).max(1);
        each(rows.div_ceil(piece), |i| {
            let rows = i * piece..rows.min((i + 1) * piece);
            // SAFETY: each task has its own rows.
            let to = unsafe { to.part(rows.start * width, rows.len() * width) };
            let words = &self.words[rows.start * row..rows.end * row];
            let width = if width.is_multiple_of(2) { to.len() } else { width };
            f32::run(level, Widen { width, words, to });
        });
        wide
    }
}

/// A number to the nearest bf16, in the upper half.
#[inline(always)]
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    // A number that is none stays one: rounding could make it infinite.
    (if x.is_nan() { bits | 0x40_0000 } else { nearest }) & 0xffff_0000
}

/// Two numbers to the nearest bf16, as a word.
#[inline(always)]
pub(crate) fn word(first: f32, second: f32) -> f32 {
    f32::from_bits(rounded(first) >> 16 | rounded(second))
}

/// Weights `[outer][paired][inner]` to words `[outer][ceil(paired / 2)][inner]`: two
/// neighbours on the middle axis.
pub(crate) fn pair_up([paired, inner]: [usize; 2], w: &[f32]) -> Vec<f32> {
    let words = paired.div_ceil(2);
    let mut all = crate::unwritten(w.len() / (paired * inner) * words * inner);
    let to = Shared::new(&mut all);
    each(w.len() / (paired * inner), |outer| {
        let w = &w[outer * paired * inner..][..paired * inner];
        // SAFETY: each task has its own part.
        let to = unsafe { to.part(outer * words * inner, words * inner) };
        for (to, from) in to.chunks_exact_mut(inner).zip(w.chunks(2 * inner)) {
            let (first, second) = from.split_at(inner);
            for (i, to) in to.iter_mut().enumerate() {
                *to = word(first[i], second.get(i).copied().unwrap_or(0.0));
            }
        }
    });
    all
}

/// Numbers at the nearest bf16, as wide as before.
pub(crate) fn nearest(level: Level, w: &[f32]) -> Vec<f32> {
    Pairs::of(level, w.len().max(1), w).widen(level)
}

struct Round<'a> {
    width: usize,
    x: &'a [f32],
    to: &'a mut [f32],
}

impl Operation<f32> for Round<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        for (x, to) in self.x.chunks_exact(self.width).zip(self.to.chunks_exact_mut(self.width.div_ceil(2))) {
            let (pairs, last) = x.as_chunks::<2>();
            for (to, &[first, second]) in to.iter_mut().zip(pairs) {
                *to = word(first, second);
            }
            if let ([last], Some(to)) = (last, to.last_mut()) {
                *to = word(*last, 0.0);
            }
        }
    }
}

struct Widen<'a> {
    width: usize,
    words: &'a [f32],
    to: &'a mut [f32],
}

impl Operation<f32> for Widen<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        let row = self.width.div_ceil(2);
        for (words, to) in self.words.chunks_exact(row).zip(self.to.chunks_exact_mut(self.width)) {
            let (pairs, last) = to.as_chunks_mut::<2>();
            for (to, &word) in pairs.iter_mut().zip(words) {
                *to = word.apart();
            }
            if let ([to], Some(&word)) = (last, words.last()) {
                *to = word.apart()[0];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_to_the_nearest_bf16_and_ties_to_even() {
        let one = |x: f32| word(x, 0.0).apart()[0];
        for exact in [0.0, -0.0, 1.0, -2.5, 3.0e38, 1e-30, f32::INFINITY] {
            let found = one(exact);
            assert!((found - exact).abs() <= exact.abs() / 256.0 || found == exact, "{exact}: {found}");
        }
        assert_eq!(one(1.0 + 1.0 / 256.0), 1.0, "a tie goes to the even neighbour");
        assert_eq!(one(1.0 + 3.0 / 256.0), 1.0 + 4.0 / 256.0, "a tie goes to the even neighbour");
        assert_eq!(one(1.0 + 1.01 / 256.0), 1.0 + 2.0 / 256.0);
        assert_eq!(one(f32::MAX), f32::INFINITY);
        assert!(one(f32::from_bits(0x7f80_0001)).is_nan() && one(f32::from_bits(0x7fff_ffff)).is_nan());
    }

    #[test]
    fn rows_of_odd_width_end_with_a_zero() {
        for level in Level::available() {
            for (rows, width) in [(1, 1), (3, 5), (7, 8), (2, 33), (40, 3)] {
                let x: Vec<f32> = (0..rows * width).map(|i| i as f32 * 0.37 - 9.0).collect();
                let pairs = Pairs::of(level, width, &x);
                assert_eq!((pairs.words.len(), pairs.len()), (rows * width.div_ceil(2), x.len()));
                let expected: Vec<f32> = x.iter().map(|&x| word(x, 0.0).apart()[0]).collect();
                assert_eq!(pairs.widen(level), expected, "{} {rows} x {width}", level.name());
                for row in pairs.words.chunks(width.div_ceil(2)) {
                    assert!(width % 2 == 0 || row[width / 2].apart()[1] == 0.0);
                }
            }
        }
    }

    #[test]
    fn pairs_lie_on_the_middle_axis() {
        let w: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let apart = |words: Vec<f32>| words.into_iter().map(f32::apart).collect::<Vec<_>>();
        assert_eq!(apart(pair_up([3, 2], &w))[..4], [[0.0, 2.0], [1.0, 3.0], [4.0, 0.0], [5.0, 0.0]]);
    }
}
