//! Power spectra of several frames at once.
//!
//! Frames lie side by side, so that each step of the transform is the same for a vector of them, and a frame's
//! result does not depend on the width of the processor's vectors. Transforms are in double precision: next to a loud
//! frequency, what single precision rounds away is as large as a quiet one.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Frames that are transformed side by side.
const LANES: usize = 4;
/// Frames of a block.
pub const BLOCK: usize = 4 * LANES;

/// A frequency of every frame of a block.
pub type Row = [f32; BLOCK];

/// A transform of frames of one length.
pub enum Transform {
    /// Of a power of two.
    Lanes(Turns),
    /// Of another length, a frame after the other.
    Single { plan: Arc<dyn RealToComplex<f64>>, input: Vec<f64>, output: Vec<Complex<f64>> },
}

/// Tables and memory of a transform of `n` numbers, which is one of `n / 2` complex numbers: the even ones are
/// their real, the odd ones their imaginary parts.
pub struct Turns {
    /// `cos` and `-sin` of `2 pi j / n`, for `j` up to `n / 4`.
    halves: Vec<[f64; 2]>,
    /// The turns of each pass in the order of its butterflies.
    passes: Vec<Vec<[[f64; 2]; 3]>>,
    /// Where each bin lies when the passes are through: at its reversed bits.
    place: Vec<usize>,
    re: Vec<Lanes>,
    im: Vec<Lanes>,
}

type Lanes = [f64; LANES];

impl Transform {
    /// For frames of `n` numbers, at least 2.
    pub fn new(n: usize) -> Self {
        if n.is_power_of_two() && n >= 2 {
            return Self::Lanes(Turns::new(n));
        }
        let plan = RealFftPlanner::new().plan_fft_forward(n);
        let (input, output) = (plan.make_input_vec(), plan.make_output_vec());
        Self::Single { plan, input, output }
    }

    /// The power of each bin from 0 to the middle; `frames` are at most one block, as long as `window`, and from each
    /// its mean is subtracted first.
    #[inline(always)]
    pub fn powers(&mut self, frames: &[&[f32]], means: &[f64; BLOCK], window: &[f64], powers: &mut [Row]) {
        match self {
            Self::Lanes(turns) => {
                for first in (0..frames.len()).step_by(LANES) {
                    // A last group that is not full repeats its last frame.
                    let four = std::array::from_fn(|l| frames[(first + l).min(frames.len() - 1)]);
                    let means = std::array::from_fn(|l| means[first + l]);
                    turns.load(four, means, window);
                    turns.pass();
                    turns.split(first, powers);
                }
            }
            Self::Single { plan, input, output } => {
                for (at, (frame, mean)) in frames.iter().zip(means).enumerate() {
                    for ((to, from), weight) in input.iter_mut().zip(*frame).zip(window) {
                        *to = (f64::from(*from) - mean) * weight;
                    }
                    // Fails only for buffers of another length, and these come from the plan itself.
                    if plan.process(input, output).is_ok() {
                        powers
                            .iter_mut()
                            .zip(&*output)
                            .for_each(|(row, bin)| row[at] = bin.norm_sqr() as f32);
                    }
                }
            }
        }
    }
}

impl Turns {
    fn new(n: usize) -> Self {
        let half = n / 2;
        let turn = |j: usize| {
            let angle = 2.0 * PI * j as f64 / n as f64;
            [angle.cos(), -angle.sin()]
        };
        // Turns of a pass over blocks of `length`, whose last needs none.
        let pass =
            |length: usize| (0..length / 4).map(|j| [1, 2, 3].map(|m| turn(m * j * (n / length)))).collect();
        let lengths = std::iter::successors(Some(half), |length| Some(length / 4));
        Self {
            halves: (0..=half / 2).map(turn).collect(),
            passes: lengths.take_while(|length| *length > 4).map(pass).collect(),
            place: (0..half)
                .map(|k| k.reverse_bits().checked_shr(usize::BITS - half.trailing_zeros()).unwrap_or(0))
                .collect(),
            re: vec![[0.0; LANES]; half],
            im: vec![[0.0; LANES]; half],
        }
    }

    /// Windowed frames, side by side.
    #[inline(always)]
    fn load(&mut self, frames: [&[f32]; LANES], means: [f64; LANES], window: &[f64]) {
        let frames = frames.map(|frame| frame.as_chunks::<2>().0);
        let windows = window.as_chunks::<2>().0;
        let count = self.re.len();
        let [a, b, c, d] = frames.map(|frame| &frame[..count]);
        for (i, ((re, im), weights)) in self.re.iter_mut().zip(&mut self.im).zip(windows).enumerate() {
            let pairs = [a[i], b[i], c[i], d[i]];
            for l in 0..LANES {
                re[l] = (f64::from(pairs[l][0]) - means[l]) * weights[0];
                im[l] = (f64::from(pairs[l][1]) - means[l]) * weights[1];
            }
        }
    }

    /// Decimation in frequency in place, two bits at a time.
    #[inline(always)]
    fn pass(&mut self) {
        for turns in &self.passes {
            let quarter = turns.len();
            for (re, im) in self.re.chunks_exact_mut(4 * quarter).zip(self.im.chunks_exact_mut(4 * quarter)) {
                let (re, im) = (quarters(re), quarters(im));
                let re = re.0.iter_mut().zip(re.1).zip(re.2).zip(re.3);
                let im = im.0.iter_mut().zip(im.1).zip(im.2).zip(im.3);
                for ((re, im), turns) in re.zip(im).zip(turns) {
                    let (((ar, br), cr), dr) = re;
                    let (((ai, bi), ci), di) = im;
                    let [r0, r1, r2, r3] = butterfly((*ar, *ai), (*br, *bi), (*cr, *ci), (*dr, *di));
                    (*ar, *ai) = r0;
                    (*br, *bi) = times(r1, turns[1]);
                    (*cr, *ci) = times(r2, turns[0]);
                    (*dr, *di) = times(r3, turns[2]);
                }
            }
        }
        if self.re.len().trailing_zeros().is_multiple_of(2) {
            for (re, im) in self.re.as_chunks_mut::<4>().0.iter_mut().zip(self.im.as_chunks_mut::<4>().0) {
                let done = butterfly((re[0], im[0]), (re[1], im[1]), (re[2], im[2]), (re[3], im[3]));
                for k in 0..4 {
                    (re[k], im[k]) = done[k];
                }
            }
        } else {
            for (re, im) in self.re.as_chunks_mut::<2>().0.iter_mut().zip(self.im.as_chunks_mut::<2>().0) {
                *re = [plus(re[0], re[1]), less(re[0], re[1])];
                *im = [plus(im[0], im[1]), less(im[0], im[1])];
            }
        }
    }

    /// Powers of the real transform: bin `k` is `E + W O`, its mirror the conjugate of `E - W O`, from the transforms
    /// of even and odd numbers.
    #[inline(always)]
    fn split(&self, first: usize, powers: &mut [Row]) {
        let half = self.re.len();
        for (k, turn) in self.halves.iter().enumerate() {
            let (z, y) = (self.place[k], self.place[(half - k) & (half - 1)]);
            let (zr, zi, yr, yi) = (self.re[z], self.im[z], self.re[y], self.im[y]);
            let (er, ei, or, oi) = (plus(zr, yr), less(zi, yi), plus(zi, yi), less(yr, zr));
            let t = times((or, oi), *turn);
            let power = |re: Lanes, im: Lanes| -> [f32; LANES] {
                std::array::from_fn(|l| (0.25 * (re[l] * re[l] + im[l] * im[l])) as f32)
            };
            powers[k][first..first + LANES].copy_from_slice(&power(plus(er, t.0), plus(ei, t.1)));
            powers[half - k][first..first + LANES].copy_from_slice(&power(less(er, t.0), less(ei, t.1)));
        }
    }
}

type Quarters<'a> = (&'a mut [Lanes], &'a mut [Lanes], &'a mut [Lanes], &'a mut [Lanes]);

#[inline(always)]
fn quarters(of: &mut [Lanes]) -> Quarters<'_> {
    let (left, right) = of.split_at_mut(of.len() / 2);
    let (a, b) = left.split_at_mut(left.len() / 2);
    let (c, d) = right.split_at_mut(right.len() / 2);
    (a, b, c, d)
}

/// Real and imaginary parts.
type Numbers = (Lanes, Lanes);

#[inline(always)]
fn plus(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|l| a[l] + b[l])
}

#[inline(always)]
fn less(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|l| a[l] - b[l])
}

#[inline(always)]
fn times((re, im): Numbers, [c, s]: [f64; 2]) -> Numbers {
    (std::array::from_fn(|l| re[l] * c - im[l] * s), std::array::from_fn(|l| re[l] * s + im[l] * c))
}

/// Four numbers transformed, in the order of reversed bits.
#[inline(always)]
fn butterfly(a: Numbers, b: Numbers, c: Numbers, d: Numbers) -> [Numbers; 4] {
    let (acr, aci, bdr, bdi) = (plus(a.0, c.0), plus(a.1, c.1), plus(b.0, d.0), plus(b.1, d.1));
    let (lr, li) = (less(a.0, c.0), less(a.1, c.1));
    // (b - d) times -i.
    let (tr, ti) = (less(b.1, d.1), less(d.0, b.0));
    [
        (plus(acr, bdr), plus(aci, bdi)),
        (less(acr, bdr), less(aci, bdi)),
        (plus(lr, tr), plus(li, ti)),
        (less(lr, tr), less(li, ti)),
    ]
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
            let means = std::array::from_fn(|k| k as f64 / 100.0);
            let mut powers = vec![[0.0; BLOCK]; n / 2 + 1];
            Transform::new(n).powers(&frames, &means, &window, &mut powers);
            for (bin, row) in powers.iter().enumerate() {
                for (k, power) in row.iter().enumerate() {
                    let (mut re, mut im) = (0.0, 0.0);
                    for i in 0..n {
                        let value = (f64::from(frames[k][i]) - means[k]) * window[i];
                        let angle = 2.0 * PI * ((bin * i) % n) as f64 / n as f64;
                        re += value * angle.cos();
                        im -= value * angle.sin();
                    }
                    // The power is rounded once; what is far below the largest of a frame is not lost.
                    let expected = re * re + im * im;
                    let error = (f64::from(*power) - expected).abs();
                    assert!(error < 1e-11 + 6e-8 * expected, "{n}: bin {bin}, frame {k}");
                }
            }
        }
    }
}
