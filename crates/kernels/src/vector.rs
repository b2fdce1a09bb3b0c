//! Passes over whole buffers.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{self, Shared};

/// Numbers that one task adds.
const CHUNK: usize = 1 << 15;

/// `to += more`.
pub fn add<S: Real>(level: Level, to: &mut [S], more: &[S]) {
    assert_eq!(to.len(), more.len(), "a sum of buffers of one size");
    let len = to.len();
    let to = Shared::new(to);
    threads::each(len.div_ceil(CHUNK), |chunk| {
        let (from, to_end) = (chunk * CHUNK, len.min((chunk + 1) * CHUNK));
        // SAFETY: every task has a chunk of its own.
        let to = unsafe { to.part(from, to_end - from) };
        S::run(level, Add { to, more: &more[from..to_end] });
    });
}

/// `to += more`.
pub(crate) struct Add<'a, S> {
    pub to: &'a mut [S],
    pub more: &'a [S],
}

impl<S: Real> Operation<S> for Add<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let n = self.to.len().min(self.more.len());
        let (to, more) = (self.to.as_mut_ptr(), self.more.as_ptr());
        for i in (0..n).step_by(I::LANES) {
            let sum = I::add(I::take(to.add(i), n - i), I::take(more.add(i), n - i));
            I::put(to.add(i), sum, n - i);
        }
    }
}

/// The sum of the squares.
pub fn square_sum<S: Real>(level: Level, x: &[S]) -> S {
    let mut sums = vec![0.0f64; x.len().div_ceil(CHUNK)];
    let shared = Shared::new(&mut sums);
    threads::each(x.len().div_ceil(CHUNK), |chunk| {
        let x = &x[chunk * CHUNK..x.len().min((chunk + 1) * CHUNK)];
        // SAFETY: every task has a sum of its own.
        unsafe { *shared.at(chunk) = S::run(level, Squares(x)) };
    });
    S::of(sums.iter().sum())
}

struct Squares<'a, S>(&'a [S]);

impl<S: Real> Operation<S> for Squares<'_, S> {
    type Output = f64;

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) -> f64 {
        let (x, n) = (self.0.as_ptr(), self.0.len());
        let mut sums = [I::zero(); 4];
        for (i, at) in (0..n).step_by(I::LANES).enumerate() {
            let v = I::take(x.add(at), n - at);
            sums[i % 4] = I::fma(v, v, sums[i % 4]);
        }
        sums.map(|sum| I::fold(sum, S::plus).wide()).iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_any_number_of_numbers() {
        for level in Level::available() {
            for n in [0, 1, 7, 64, CHUNK - 1, 2 * CHUNK + 5] {
                let x: Vec<f32> = (0..n).map(|i| ((i * 37) as f32 * 0.3).sin()).collect();
                let expected: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
                let found = f64::from(square_sum(level, &x));
                assert!(
                    (found - expected).abs() <= 1e-6 * expected,
                    "{} {n}: {found} {expected}",
                    level.name()
                );
            }
        }
    }
}
