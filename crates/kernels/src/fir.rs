//! Inner products of one row of weights with several stretches of a signal: what resampling is made of.

use crate::isa::Level;

/// Stretches that are multiplied at once.
pub const STRETCHES: usize = 8;
/// Sums that each product keeps apart, so that they can be lanes of a register.
const LANES: usize = 8;

/// Products of `weights` with the stretches of `samples` that begin at 0, `step`, `2 step`, ...
///
/// Each is the sum of eight sums, of every eighth number from the first, the second, ... on, and of what is left
/// beyond the last eight. It has the same bits on every processor.
///
/// # Panics
/// If the samples end before the last stretch.
///
/// ```
/// let samples: Vec<f32> = (0..30).map(|i| i as f32).collect();
/// assert_eq!(counterpoint_kernels::fir(&[1.0, 10.0], &samples, 4)[..3], [10.0, 54.0, 98.0]);
/// ```
pub fn fir(weights: &[f32], samples: &[f32], step: usize) -> [f32; STRETCHES] {
    let samples = &samples[..(STRETCHES - 1) * step + weights.len()];
    match Level::best().narrow() {
        // SAFETY: the level says that the processor has AVX2; the stretches end within the samples.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::fir(weights, samples.as_ptr(), step) },
        _ => std::array::from_fn(|at| product(weights, &samples[at * step..][..weights.len()])),
    }
}

/// The product of two rows, in the order of [`fir`].
pub fn product(weights: &[f32], samples: &[f32]) -> f32 {
    let (weights, last) = weights.as_chunks::<LANES>();
    let (samples, rest) = samples.as_chunks::<LANES>();
    let rest: f32 = last.iter().zip(rest).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; LANES];
    for (x, y) in weights.iter().zip(samples) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{LANES, STRETCHES};

    /// # Safety
    /// The processor has AVX2, and every stretch can be read.
    #[target_feature(enable = "avx2")]
    pub unsafe fn fir(weights: &[f32], samples: *const f32, step: usize) -> [f32; STRETCHES] {
        let whole = weights.len() / LANES * LANES;
        let mut lanes = [_mm256_setzero_ps(); STRETCHES];
        for at in (0..whole).step_by(LANES) {
            let row = _mm256_loadu_ps(weights.as_ptr().add(at));
            for n in 0..STRETCHES {
                let stretch = _mm256_loadu_ps(samples.add(n * step + at));
                lanes[n] = _mm256_add_ps(lanes[n], _mm256_mul_ps(row, stretch));
            }
        }
        let by_lane = transposed(lanes);
        let mut sums = by_lane[0];
        for lane in &by_lane[1..] {
            sums = _mm256_add_ps(sums, *lane);
        }
        let left = weights.len() - whole;
        if left > 0 {
            let numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(left as i32), numbers);
            let row = _mm256_maskload_ps(weights.as_ptr().add(whole), mask);
            for n in 0..STRETCHES {
                lanes[n] = _mm256_mul_ps(row, _mm256_maskload_ps(samples.add(n * step + whole), mask));
            }
            let by_lane = transposed(lanes);
            let mut rest = by_lane[0];
            for lane in &by_lane[1..left] {
                rest = _mm256_add_ps(rest, *lane);
            }
            sums = _mm256_add_ps(sums, rest);
        }
        let mut out = [0.0; STRETCHES];
        _mm256_storeu_ps(out.as_mut_ptr(), sums);
        out
    }

    /// Rows to columns.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    unsafe fn transposed(rows: [__m256; 8]) -> [__m256; 8] {
        let (mut pairs, mut fours, mut all) = (rows, rows, rows);
        for i in [0, 2, 4, 6] {
            pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
            pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
        }
        for i in [0, 4] {
            for half in 0..2 {
                let (low, high) = (pairs[i + half], pairs[i + half + 2]);
                fours[i + 2 * half] = _mm256_shuffle_ps::<0x44>(low, high);
                fours[i + 2 * half + 1] = _mm256_shuffle_ps::<0xEE>(low, high);
            }
        }
        for i in 0..4 {
            all[i] = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
            all[i + 4] = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_processor_gives_the_bits_of_the_plain_product() {
        let number = |i: usize| ((i * 7919) % 1009) as f32 / 1009.0 - 0.4;
        let samples: Vec<f32> = (0..600).map(number).collect();
        for (taps, step) in [(1, 1), (7, 3), (8, 5), (16, 0), (148, 61), (151, 2)] {
            let weights: Vec<f32> = (0..taps).map(|i| number(i + 5)).collect();
            let got = fir(&weights, &samples, step);
            for (at, got) in got.into_iter().enumerate() {
                let expected = product(&weights, &samples[at * step..][..taps]);
                assert_eq!(got.to_bits(), expected.to_bits(), "{taps} taps, stretch {at}");
            }
        }
    }
}
