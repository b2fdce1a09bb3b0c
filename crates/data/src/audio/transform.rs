//! Power spectra of several frames at once.
//!
//! The frames of a block lie side by side, so that each step of the transform is the same for a vector of
//! them, and a frame's result does not depend on the width of the processor's vectors.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Complex numbers side by side: each holds two frames, one as real and one as imaginary part.
const LANES: usize = 8;
/// Frames of a block.
pub const BLOCK: usize = 2 * LANES;

/// A frequency of every frame of a block.
pub type Row = [f64; BLOCK];

/// A transform of frames of one length.
pub enum Transform {
    /// Of a power of two.
    Lanes(Turns),
    /// Of another length, a frame after the other.
    Single { plan: Arc<dyn RealToComplex<f64>>, input: Vec<f64>, output: Vec<Complex<f64>> },
}

/// Tables and memory of a transform by powers of two.
pub struct Turns {
    /// `cos` and `-sin` of `2 pi j / n`, for `j` below `n`.
    turns: Vec<[f64; 2]>,
    /// Where each bin lies when the passes are through: at its reversed bits.
    place: Vec<usize>,
    work: Vec<Lanes>,
}

#[derive(Clone)]
struct Lanes {
    re: [f64; LANES],
    im: [f64; LANES],
}

impl Transform {
    /// For frames of `n` numbers, at least 2.
    pub fn new(n: usize) -> Self {
        if !n.is_power_of_two() || n < 2 {
            let plan = RealFftPlanner::new().plan_fft_forward(n);
            let (input, output) = (plan.make_input_vec(), plan.make_output_vec());
            return Self::Single { plan, input, output };
        }
        let turn = |j: usize| 2.0 * PI * j as f64 / n as f64;
        Self::Lanes(Turns {
            turns: (0..n).map(|j| [turn(j).cos(), -turn(j).sin()]).collect(),
            place: (0..n).map(|k| k.reverse_bits() >> (usize::BITS - n.trailing_zeros())).collect(),
            work: vec![Lanes { re: [0.0; LANES], im: [0.0; LANES] }; n],
        })
    }

    /// The power of each bin from 0 to the middle; `frames` are one block, as long as `window`, and from each its
    /// `mean` is subtracted first.
    #[inline(always)]
    pub fn powers(&mut self, frames: [&[f32]; BLOCK], means: &Row, window: &[f64], powers: &mut [Row]) {
        match self {
            Self::Lanes(turns) => turns.powers(frames, means, window, powers),
            Self::Single { plan, input, output } => {
                for (at, (frame, mean)) in frames.into_iter().zip(means).enumerate() {
                    for ((to, from), weight) in input.iter_mut().zip(frame).zip(window) {
                        *to = (f64::from(*from) - mean) * weight;
                    }
                    // Fails only for buffers of another length, and these come from the plan itself.
                    if plan.process(input, output).is_ok() {
                        powers.iter_mut().zip(&*output).for_each(|(row, bin)| row[at] = bin.norm_sqr());
                    }
                }
            }
        }
    }
}

impl Turns {
    #[inline(always)]
    fn powers(&mut self, frames: [&[f32]; BLOCK], means: &Row, window: &[f64], powers: &mut [Row]) {
        for lane in 0..LANES {
            let (a, b) = (frames[lane], frames[LANES + lane]);
            let (less_a, less_b) = (means[lane], means[LANES + lane]);
            for (((to, a), b), weight) in self.work.iter_mut().zip(a).zip(b).zip(window) {
                to.re[lane] = (f64::from(*a) - less_a) * weight;
                to.im[lane] = (f64::from(*b) - less_b) * weight;
            }
        }
        self.passes();
        let n = self.turns.len();
        for (k, row) in powers.iter_mut().enumerate().take(n / 2 + 1) {
            split(&self.work[self.place[k]], &self.work[self.place[(n - k) % n]], row);
        }
    }

    /// Decimation in frequency in place, two bits at a time.
    #[inline(always)]
    fn passes(&mut self) {
        let n = self.turns.len();
        let mut length = n;
        while length >= 4 {
            let (quarter, step) = (length / 4, n / length);
            for block in self.work.chunks_exact_mut(length) {
                let (a, rest) = block.split_at_mut(quarter);
                let (b, rest) = rest.split_at_mut(quarter);
                let (c, d) = rest.split_at_mut(quarter);
                for (j, (((a, b), c), d)) in a.iter_mut().zip(b).zip(c).zip(d).enumerate() {
                    let at = j * step;
                    let turns = [self.turns[at], self.turns[2 * at], self.turns[3 * at]];
                    butterfly(a, b, c, d, turns);
                }
            }
            length /= 4;
        }
        if length == 2 {
            for pair in self.work.chunks_exact_mut(2) {
                if let [a, b] = pair {
                    sum_and_difference(a, b);
                }
            }
        }
    }
}

/// Two real frames share a transform: one is the even part of it, the other the odd part.
#[inline(always)]
fn split(z: &Lanes, y: &Lanes, row: &mut Row) {
    let (even, odd) = row.split_at_mut(LANES);
    for (l, even) in even.iter_mut().enumerate() {
        let (re, im) = (0.5 * (z.re[l] + y.re[l]), 0.5 * (z.im[l] - y.im[l]));
        *even = re * re + im * im;
    }
    for (l, odd) in odd.iter_mut().enumerate() {
        let (re, im) = (0.5 * (z.im[l] + y.im[l]), 0.5 * (y.re[l] - z.re[l]));
        *odd = re * re + im * im;
    }
}

#[inline(always)]
fn sum_and_difference(a: &mut Lanes, b: &mut Lanes) {
    for l in 0..LANES {
        (a.re[l], b.re[l]) = (a.re[l] + b.re[l], a.re[l] - b.re[l]);
        (a.im[l], b.im[l]) = (a.im[l] + b.im[l], a.im[l] - b.im[l]);
    }
}

#[inline(always)]
fn butterfly(a: &mut Lanes, b: &mut Lanes, c: &mut Lanes, d: &mut Lanes, [w1, w2, w3]: [[f64; 2]; 3]) {
    for l in 0..LANES {
        let (t0r, t0i) = (a.re[l] + c.re[l], a.im[l] + c.im[l]);
        let (t1r, t1i) = (a.re[l] - c.re[l], a.im[l] - c.im[l]);
        let (t2r, t2i) = (b.re[l] + d.re[l], b.im[l] + d.im[l]);
        let (t3r, t3i) = (b.im[l] - d.im[l], d.re[l] - b.re[l]);
        (a.re[l], a.im[l]) = (t0r + t2r, t0i + t2i);
        (b.re[l], b.im[l]) = times(t0r - t2r, t0i - t2i, w2);
        (c.re[l], c.im[l]) = times(t1r + t3r, t1i + t3i, w1);
        (d.re[l], d.im[l]) = times(t1r - t3r, t1i - t3i, w3);
    }
}

#[inline(always)]
fn times(re: f64, im: f64, [wr, wi]: [f64; 2]) -> (f64, f64) {
    (re * wr - im * wi, re * wi + im * wr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_direct_sum() {
        let mut rng = counterpoint_batch::random::RngKey::new(5).rng();
        let signal: Vec<f32> = (0..700).map(|_| rng.uniform() as f32 - 0.5).collect();
        for n in [2, 4, 6, 8, 30, 128, 512] {
            let window: Vec<f64> = (0..n).map(|i| 0.3 + i as f64 / n as f64).collect();
            let frames: [&[f32]; BLOCK] = std::array::from_fn(|k| &signal[5 * k..][..n]);
            let means: Row = std::array::from_fn(|k| k as f64 / 100.0);
            let mut powers = vec![[0.0; BLOCK]; n / 2 + 1];
            Transform::new(n).powers(frames, &means, &window, &mut powers);
            for (bin, row) in powers.iter().enumerate() {
                for (k, power) in row.iter().enumerate() {
                    let (mut re, mut im) = (0.0, 0.0);
                    for i in 0..n {
                        let value = (f64::from(frames[k][i]) - means[k]) * window[i];
                        let angle = 2.0 * PI * ((bin * i) % n) as f64 / n as f64;
                        re += value * angle.cos();
                        im -= value * angle.sin();
                    }
                    assert!((power - (re * re + im * im)).abs() < 1e-11, "{n}: bin {bin}, frame {k}");
                }
            }
        }
    }
}
