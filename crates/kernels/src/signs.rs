//! Which numbers are above zero, a bit each.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Bits of a word.
const BITS: usize = 32;

/// Words that one task makes.
const CHUNK: usize = 1 << 12;

/// Which numbers of a buffer are above zero.
#[derive(Clone, Debug)]
pub struct Signs {
    words: Vec<u32>,
    len: usize,
}

impl Signs {
    /// Of `x`.
    pub fn of(level: Level, x: &[f32]) -> Self {
        let mut words = vec![0; x.len().div_ceil(BITS)];
        let to = Shared::new(&mut words);
        each(x.len().div_ceil(CHUNK * BITS), |i| {
            let x = &x[i * CHUNK * BITS..x.len().min((i + 1) * CHUNK * BITS)];
            // SAFETY: each task has its own words.
            let to = unsafe { to.part(i * CHUNK, x.len().div_ceil(BITS)) };
            f32::run(level, Collect { x, to });
        });
        Self { words, len: x.len() }
    }

    /// One for what is above zero, else zero.
    pub fn widen(&self, level: Level) -> Vec<f32> {
        let mut wide = crate::unwritten(self.len);
        let to = Shared::new(&mut wide);
        each(self.words.len().div_ceil(CHUNK), |i| {
            let words = &self.words[i * CHUNK..self.words.len().min((i + 1) * CHUNK)];
            let first = i * CHUNK * BITS;
            // SAFETY: each task has its own numbers.
            let to = unsafe { to.part(first, (words.len() * BITS).min(self.len - first)) };
            f32::run(level, Spread { words, to });
        });
        wide
    }
}

struct Collect<'a> {
    x: &'a [f32],
    to: &'a mut [u32],
}

impl Operation<f32> for Collect<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        for (to, x) in self.to.iter_mut().zip(self.x.chunks(BITS)) {
            *to = x.iter().enumerate().fold(0, |word, (i, &x)| word | u32::from(x > 0.0) << i);
        }
    }
}

struct Spread<'a> {
    words: &'a [u32],
    to: &'a mut [f32],
}

impl Operation<f32> for Spread<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        for (&word, to) in self.words.iter().zip(self.to.chunks_mut(BITS)) {
            for (i, to) in to.iter_mut().enumerate() {
                *to = if word >> i & 1 == 1 { 1.0 } else { 0.0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_come_back() {
        for level in Level::available() {
            for len in [1, 31, 32, 33, 5000, CHUNK * BITS + 7] {
                let of = |i: usize| [1.0, -1.0, 0.0, -0.0, f32::NAN, 1e-40, -3.0][i * i % 7];
                let x: Vec<f32> = (0..len).map(of).collect();
                let expected: Vec<f32> = x.iter().map(|&x| if x > 0.0 { 1.0 } else { 0.0 }).collect();
                assert_eq!(Signs::of(level, &x).widen(level), expected, "{} {len}", level.name());
            }
        }
    }
}
