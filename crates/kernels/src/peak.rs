//! What the processor could do at most.

use std::hint::black_box;
use std::time::Instant;

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{each, threads};

/// Chains of sums: enough that none waits for its own last result.
const CHAINS: usize = 12;

/// Rounds of all chains.
const ROUNDS: usize = 1 << 18;

/// Operations a second, a product and a sum counted as two, that all threads reach with
/// numbers that are in registers: the best of several runs.
pub fn peak(level: Level) -> f64 {
    let mut best: f64 = 0.0;
    for _ in 0..20 {
        let start = Instant::now();
        each(threads(), |_| f32::run(level, Chains));
        let lanes = crate::isa::Layout::of::<f32>(level).lanes;
        let done = 2 * threads() * ROUNDS * CHAINS * lanes;
        best = best.max(done as f64 / start.elapsed().as_secs_f64());
    }
    best
}

struct Chains;

impl Operation<f32> for Chains {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        let factor = I::splat(black_box(0.5));
        let mut sums = [I::splat(black_box(1.0)); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = I::fma(*sum, factor, factor);
            }
        }
        let mut all = I::zero();
        for sum in sums {
            all = I::add(all, sum);
        }
        black_box(I::fold(all, f32::plus));
    }
}
