//! Change of sampling rate by a windowed sinc.
//!
//! Between two rates whose ratio in lowest terms is `up / down`, every output
//! sample is a weighted sum of the input around its moment; there are only
//! `up` different sets of weights (phases), kept in a table. The Kaiser
//! window is laid out for 100 dB of stop-band attenuation with the pass band
//! ending at 91.3 % of the lower Nyquist frequency, the figures of libsoxr's
//! "high quality" setting that librosa uses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use counterpoint_kernels::{ROWS, Sums, fir};

use super::window::kaiser;

/// Attenuation of everything above the lower Nyquist frequency, in decibels.
const ATTENUATION: f64 = 100.0;
/// End of the pass band as a share of the lower Nyquist frequency.
const PASS: f64 = 0.913;
/// Larger tables are computed anew for each group of output samples: odd ratios only.
const TABLE_LIMIT: usize = 4_000_000;
/// Periods whose inputs are looked at together, so that they stay in the cache.
const PERIODS: usize = 128;

/// Weights for one pair of rates.
///
/// Output samples come in periods of `up`, after which the same weights stand `down` inputs further. A period is cut
/// into groups of [`ROWS`] neighbours. They look at nearly the same inputs, so their weights are the rows of one
/// matrix, with zeros where a row does not reach.
struct Kernel {
    /// Output samples of a period: those of the ratio, or a multiple that makes almost full groups.
    up: usize,
    down: usize,
    /// Input samples that one output sample looks at on each side.
    reach: usize,
    /// Inputs that a group looks at.
    width: usize,
    /// Cut-off relative to the input's Nyquist frequency.
    cutoff: f64,
    beta: f64,
    /// `width` rows of weights for each group, or empty when too large.
    table: Vec<Sums>,
}

impl Kernel {
    fn new(up: usize, down: usize) -> Self {
        let scale = (up as f64 / down as f64).min(1.0);
        let cutoff = scale * (1.0 + PASS) / 2.0;
        // Kaiser's formulas for the length and the shape of the window.
        let width = std::f64::consts::PI * scale * (1.0 - PASS);
        let reach = ((ATTENUATION - 7.95) / (2.285 * width) / 2.0).ceil() as usize;
        // At most a twentieth of the lanes stay empty.
        let times = (1..ROWS).find(|n| 20 * (n * up).next_multiple_of(ROWS) <= 21 * n * up).unwrap_or(ROWS);
        let (up, down) = (times * up, times * down);
        let width = 2 * reach + ((ROWS - 1) * down).div_ceil(up);
        let beta = 0.1102 * (ATTENUATION - 8.7);
        let mut kernel = Self { up, down, reach, width, cutoff, beta, table: Vec::new() };
        if kernel.groups() * width * ROWS <= TABLE_LIMIT {
            kernel.table = (0..kernel.groups()).flat_map(|group| kernel.weights(group)).collect();
        }
        kernel
    }

    fn groups(&self) -> usize {
        self.up.div_ceil(ROWS)
    }

    /// The input sample at or before the moment of an output sample.
    fn base(&self, out: usize) -> usize {
        out * self.down / self.up
    }

    /// Weights of a group for the inputs from `base - reach + 1` of its first output sample on.
    fn weights(&self, group: usize) -> Vec<Sums> {
        let mut weights = vec![[0.0; ROWS]; self.width];
        let first = group * ROWS;
        for out in first..self.up.min(first + ROWS) {
            let offset = (out * self.down % self.up) as f64 / self.up as f64;
            let shift = self.base(out) - self.base(first);
            for (tap, weights) in weights[shift..][..2 * self.reach].iter_mut().enumerate() {
                weights[out - first] = self.weight(tap as f64 - (self.reach as f64 - 1.0) - offset);
            }
        }
        weights
    }

    /// The windowed sinc at a distance in input samples.
    fn weight(&self, x: f64) -> f32 {
        let angle = std::f64::consts::PI * self.cutoff * x;
        let sinc = if angle.abs() < 1e-12 { 1.0 } else { angle.sin() / angle };
        (self.cutoff * sinc * kaiser(x / self.reach as f64, self.beta)) as f32
    }

    /// Input samples that a stretch of output samples looks at, as far as there are any.
    fn inputs(&self, out: &Range<usize>) -> Range<usize> {
        let begin = (self.base(out.start) + 1).saturating_sub(self.reach);
        begin..(self.base(out.end.saturating_sub(1)) + self.reach + 1).max(begin)
    }

    /// A stretch of output samples from input samples of which the first stands at `begin`.
    fn apply(&self, samples: &[f32], begin: usize, out: Range<usize>) -> Vec<f32> {
        let mut resampled = vec![0.0; out.len()];
        let (first, end) = (out.start / self.up, out.end.div_ceil(self.up));
        for start in (first..end).step_by(PERIODS) {
            let periods = start..end.min(start + PERIODS);
            let padded = self.padded(samples, begin, &periods);
            for group in 0..self.groups() {
                self.group(group, &periods, &padded, &out, &mut resampled);
            }
        }
        resampled
    }

    /// The inputs of some periods, with silence outside, so that every output sample sees its full window.
    fn padded(&self, samples: &[f32], begin: usize, periods: &Range<usize>) -> Vec<f32> {
        // `padded[0]` is the first input of the first window, which may lie before the recording.
        let first = (periods.start * self.down + 1) as isize - self.reach as isize;
        let mut padded = vec![0.0; periods.len() * self.down + self.width];
        let from = begin as isize - first;
        let (skip, lead) = (usize::try_from(-from).unwrap_or(0), usize::try_from(from).unwrap_or(0));
        if let (Some(known), Some(place)) = (samples.get(skip..), padded.get_mut(lead..)) {
            place.iter_mut().zip(known).for_each(|(to, from)| *to = *from);
        }
        padded
    }

    /// Output samples of one group in some periods, as far as they are wanted.
    fn group(
        &self,
        group: usize,
        periods: &Range<usize>,
        padded: &[f32],
        out: &Range<usize>,
        resampled: &mut [f32],
    ) {
        let first = group * ROWS;
        let rows = ROWS.min(self.up - first);
        // Periods in which any of them is wanted.
        let from = (out.start + 1).saturating_sub(first + rows).div_ceil(self.up).max(periods.start);
        let to = out.end.saturating_sub(first).div_ceil(self.up).min(periods.end);
        if from >= to {
            return;
        }
        let weights = match self.table.get(group * self.width..(group + 1) * self.width) {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(self.weights(group)),
        };
        let mut sums = [[0.0; ROWS]; PERIODS];
        let sums = &mut sums[..to - from];
        fir(&weights, &padded[(from - periods.start) * self.down + self.base(first)..], self.down, sums);
        for (period, sums) in (from..to).zip(sums) {
            let place = period * self.up + first;
            let wanted = place.max(out.start)..(place + rows).min(out.end);
            let to = &mut resampled[wanted.start - out.start..wanted.end - out.start];
            match to.as_mut_array() {
                // Nearly always, and quicker than a copy of any length.
                Some(whole) => *whole = *sums,
                None => to.copy_from_slice(&sums[wanted.start - place..wanted.end - place]),
            }
        }
    }
}

/// Kernels by ratio, since a data set uses one or two for all its files.
static KERNELS: LazyLock<Mutex<Kernels>> = LazyLock::new(Mutex::default);

type Kernels = HashMap<(usize, usize), Arc<Kernel>>;

/// The same sound at another rate: `ceil(n * to / from)` samples.
///
/// Sound outside the recording counts as silence. A rate of 0 on either side
/// returns the samples as they are.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    let length = length(samples.len(), from, to);
    part(samples, 0, [from, to], 0..length)
}

/// Length of a recording in samples at a different rate.
pub fn length(samples: usize, from: u32, to: u32) -> usize {
    match kernel(from, to) {
        Some(kernel) => (samples * kernel.up).div_ceil(kernel.down),
        None => samples,
    }
}

/// The samples of a recording that a stretch of it at another rate depends on.
pub fn inputs([from, to]: [u32; 2], out: Range<usize>) -> Range<usize> {
    match kernel(from, to) {
        Some(kernel) => kernel.inputs(&out),
        None => out,
    }
}

/// A stretch of a recording at another rate, from samples of which the first
/// stands at `begin`: the same bits as that part of the whole if
/// [`inputs`] of the stretch are there.
pub fn part(samples: &[f32], begin: usize, [from, to]: [u32; 2], out: Range<usize>) -> Vec<f32> {
    match kernel(from, to) {
        Some(kernel) => kernel.apply(samples, begin, out),
        None => out
            .map(|at| at.checked_sub(begin).and_then(|at| samples.get(at)).copied().unwrap_or(0.0))
            .collect(),
    }
}

/// The weights between two rates; `None` where there is nothing to do.
fn kernel(from: u32, to: u32) -> Option<Arc<Kernel>> {
    if from == to || from == 0 || to == 0 {
        return None;
    }
    let shared = gcd(from as usize, to as usize);
    let (up, down) = (to as usize / shared, from as usize / shared);
    let mut kernels = KERNELS.lock().unwrap_or_else(PoisonError::into_inner);
    Some(Arc::clone(kernels.entry((up, down)).or_insert_with(|| Arc::new(Kernel::new(up, down)))))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, seconds: f64) -> Vec<f32> {
        let step = 2.0 * std::f64::consts::PI * hertz / f64::from(rate);
        (0..(f64::from(rate) * seconds) as usize).map(|i| (step * i as f64).sin() as f32).collect()
    }

    /// Largest difference away from the ends, where the window sees silence.
    fn worst(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).skip(1000).take(a.len() - 2000).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_in_the_band_survives_up_and_down() {
        for (from, to) in
            [(8000, 22_050), (16_000, 22_050), (44_100, 16_000), (48_000, 8000), (11_025, 16_001)]
        {
            let moved = resample(&tone(from, 1234.5, 1.0), from, to);
            let error = worst(&moved, &tone(to, 1234.5, 1.0));
            assert!(error < 3e-5, "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn a_tone_above_the_new_band_vanishes() {
        let moved = resample(&tone(48_000, 9000.0, 1.0), 48_000, 16_000);
        assert!(worst(&moved, &vec![0.0; 16_000]) < 3e-5);
    }

    #[test]
    fn a_part_is_that_part_of_the_whole_to_the_bit() {
        let sound = tone(48_000, 700.0, 0.5);
        for rates in [[48_000, 16_000], [8000, 22_050], [11_025, 16_001], [8000, 8000]] {
            let whole = resample(&sound, rates[0], rates[1]);
            let end = whole.len();
            for out in [0..1, 0..300, 5..6, 1000..1700, end - 200..end] {
                let needed = inputs(rates, out.clone());
                let (begin, needed_end) = (needed.start, needed.end.min(sound.len()));
                let found = part(&sound[begin..needed_end], begin, rates, out.clone());
                assert_eq!(found, whole[out.clone()], "{rates:?} {out:?}");
            }
        }
    }

    #[test]
    fn lengths_round_up_and_short_input_is_fine() {
        assert_eq!(resample(&[1.0], 8000, 22_050).len(), 3);
        assert_eq!(resample(&[], 8000, 22_050).len(), 0);
        assert_eq!(resample(&[1.0, 2.0], 8000, 8000), [1.0, 2.0]);
        assert_eq!(resample(&[0.5; 3], 0, 8000), [0.5; 3]);
    }
}
