//! Rows of weights against stretches of a signal: what resampling is made of.

use crate::isa::{Isa, Level, Operation, Real};

/// Rows of weights side by side, so that they can be lanes of a register.
pub const ROWS: usize = 16;

/// Sums of one stretch, one for each row of weights.
pub type Sums = [f32; ROWS];

/// `sums[k][row]` becomes the sum over `j` of `weights[j][row] * samples[k * step + j]`.
///
/// Products are added one after the other, from the first to the last, each rounded for itself: the sums have the
/// same bits on every processor.
///
/// # Panics
/// If the samples end before the last stretch.
///
/// ```
/// let samples: Vec<f32> = (0..30).map(|i| i as f32).collect();
/// let mut sums = [[0.0; counterpoint_kernels::ROWS]; 3];
/// counterpoint_kernels::fir(&[[1.0; 16], [10.0; 16]], &samples, 4, &mut sums);
/// assert_eq!(sums, [[10.0; 16], [54.0; 16], [98.0; 16]]);
/// ```
pub fn fir(weights: &[Sums], samples: &[f32], step: usize, sums: &mut [Sums]) {
    let Some(last) = sums.len().checked_sub(1) else { return };
    let samples = &samples[..last * step + weights.len()];
    run(Level::best(), weights, samples, step, sums);
}

fn run(level: Level, weights: &[Sums], samples: &[f32], step: usize, sums: &mut [Sums]) {
    f32::run(level, Fir { weights, samples, step, sums });
}

/// The samples reach to the end of the last stretch.
struct Fir<'a> {
    weights: &'a [Sums],
    samples: &'a [f32],
    step: usize,
    sums: &'a mut [Sums],
}

impl Operation<f32> for Fir<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        // As many sums as registers hold beside weights and products.
        if I::LANES == ROWS { self.tiles::<I, 1, 14>() } else { self.tiles::<I, 2, 6>() }
    }
}

impl Fir<'_> {
    /// Rows of `VECTORS` vectors against `STRETCHES` stretches at a time, so that what is loaded serves several products.
    #[inline(always)]
    unsafe fn tiles<I: Isa<S = f32>, const VECTORS: usize, const STRETCHES: usize>(self) {
        let last = self.sums.len() - 1;
        for (tile, sums) in self.sums.chunks_mut(STRETCHES).enumerate() {
            // A last tile that is not full repeats the last stretch.
            let stretches: [*const f32; STRETCHES] = std::array::from_fn(|k| {
                self.samples.as_ptr().add((tile * STRETCHES + k).min(last) * self.step)
            });
            let mut lanes = [[I::zero(); VECTORS]; STRETCHES];
            for (j, weights) in self.weights.iter().enumerate() {
                let mut rows = [I::zero(); VECTORS];
                for v in 0..VECTORS {
                    rows[v] = I::load(weights.as_ptr().add(v * I::LANES));
                }
                for k in 0..STRETCHES {
                    let sample = I::splat(*stretches[k].add(j));
                    for v in 0..VECTORS {
                        lanes[k][v] = I::add(lanes[k][v], I::mul(rows[v], sample));
                    }
                }
            }
            for (sums, lanes) in sums.iter_mut().zip(lanes) {
                for v in 0..VECTORS {
                    I::store(sums.as_mut_ptr().add(v * I::LANES), lanes[v]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_processor_gives_the_bits_of_plain_sums() {
        let number = |i: usize| ((i * 7919) % 1009) as f32 / 1009.0 - 0.4;
        let samples: Vec<f32> = (0..700).map(number).collect();
        for (taps, step, stretches) in
            [(0, 3, 2), (1, 1, 1), (7, 3, 8), (16, 0, 4), (151, 61, 9), (160, 2, 17)]
        {
            let weights: Vec<Sums> =
                (0..taps).map(|j| std::array::from_fn(|row| number(31 * j + row))).collect();
            let mut expected = vec![[0.0f32; ROWS]; stretches];
            for (k, sums) in expected.iter_mut().enumerate() {
                for (weights, sample) in weights.iter().zip(&samples[k * step..]) {
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * sample);
                }
            }
            let needed = &samples[..(stretches - 1) * step + taps];
            for level in Level::available() {
                let mut sums = vec![[9.0; ROWS]; stretches];
                run(level, &weights, needed, step, &mut sums);
                assert_eq!(sums, expected, "{taps} taps, {stretches} stretches, {}", level.name());
            }
        }
    }
}
