//! Spectrogram front ends, each with the exact size its name promises.
//!
//! | front | rate | samples | window | frames | value |
//! | --- | --- | --- | --- | --- | --- |
//! | `gdl188` | 22 050 | 66 150, tiled | Hann 512, hop 353, centred | 257 x 188 | log(magnitude + 1e-7) |
//! | `gdl626` | 16 000 | 5 s of 10 s, tiled | Hann 256, hop 128, centred | 129 x 626 | log(magnitude + 1e-7) |
//! | `scipy299` | 16 000 | 48 000, tiled | Tukey 512, hop 159 | 257 x 299 | log(power density + 1e-7) |
//! | `scipy1004` | 16 000 | 160 000, tiled | Tukey 512, hop 159 | 257 x 1004 | log(power density + 1e-7) |
//! | `grouped` | any | any, zero-padded | Hann, centred | chosen | log(mean magnitude + floor) |
//!
//! `gdl188` and `gdl626` are what the released code of Disentangled Gradient
//! Learning and OGM-GE computes; the two `scipy` fronts have the sizes that
//! papers print (257 x 299, 257 x 1004), which come from
//! `scipy.signal.spectrogram` with an *overlap* of 353. `grouped` averages
//! neighbouring bins for small networks.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::log::ln;
use super::stft::{Frames, Padding, Visit, stft};
use super::transform::Row;
use super::window::Window;
use crate::error::DataError;

/// Floor under the logarithm of the named fronts.
const FLOOR: f32 = 1e-7;

/// A spectrogram front end; see the table at the top of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum AudioFront {
    /// 257 x 188, the released code's CREMA-D input.
    Gdl188,
    /// 257 x 299, the papers' CREMA-D size.
    Scipy299,
    /// 129 x 626, the released code's Kinetics-Sounds and VGGSound input.
    Gdl626,
    /// 257 x 1004, the papers' size for 10 s of sound.
    Scipy1004,
    /// `n_fft / 2 / bins_per_group` x `frames`.
    Grouped {
        /// Window length in samples.
        n_fft: usize,
        /// Samples between two frames.
        hop: usize,
        /// Bins that are averaged; bin 0 is left out before.
        bins_per_group: usize,
        /// Number of frames kept, from the first on.
        frames: usize,
        /// Added to the mean magnitude under the logarithm.
        floor: f64,
    },
}

impl AudioFront {
    /// Height (frequency, low to high) and width (time) of the spectrogram.
    pub fn size(&self) -> [usize; 2] {
        match *self {
            Self::Gdl188 => [257, 188],
            Self::Scipy299 => [257, 299],
            Self::Gdl626 => [129, 626],
            Self::Scipy1004 => [257, 1004],
            Self::Grouped { n_fft, bins_per_group, frames, .. } => {
                [n_fft / 2 / bins_per_group.max(1), frames]
            }
        }
    }

    /// Samples that a named front works on; `None` for `grouped`.
    pub(crate) fn samples(&self) -> Option<usize> {
        match self {
            Self::Gdl188 => Some(66_150),
            Self::Scipy299 => Some(48_000),
            Self::Gdl626 => Some(80_000),
            Self::Scipy1004 => Some(160_000),
            Self::Grouped { .. } => None,
        }
    }

    /// Checks that the sizes fit each other for a signal of `samples` samples.
    pub(crate) fn check(&self, samples: usize) -> Result<(), DataError> {
        let Self::Grouped { n_fft, hop, bins_per_group, frames, floor } = *self else {
            return match self.samples() {
                Some(fixed) if fixed != samples => {
                    Err(DataError::shape(format!("this front end needs {fixed} samples, got {samples}")))
                }
                _ => Ok(()),
            };
        };
        let fault = if !(2..=1 << 16).contains(&n_fft) || !n_fft.is_multiple_of(2) {
            format!("`n_fft` must be even and from 2 to 65536, got {n_fft}")
        } else if hop == 0 {
            "`hop` must be at least 1, got 0".into()
        } else if bins_per_group == 0 || !(n_fft / 2).is_multiple_of(bins_per_group) {
            format!("`bins_per_group` must divide n_fft / 2 = {}, got {bins_per_group}", n_fft / 2)
        } else if frames == 0 || frames > 1 + samples / hop {
            format!(
                "`frames` must be from 1 to 1 + samples / hop = {}, got {frames}; lower it or raise `samples`",
                1 + samples / hop
            )
        } else if !(floor > 0.0 && floor.is_finite()) {
            format!("`floor` must be above 0, got {floor}")
        } else {
            return Ok(());
        };
        Err(DataError::config(fault))
    }

    /// The log-spectrogram of exactly as many samples as the front works on.
    ///
    /// Shape `[bins, frames]` of [`AudioFront::size`], row-major, so a row is
    /// one frequency over time. The named fronts expect 66 150, 48 000,
    /// 80 000 and 160 000 samples in -1..=1. Only the `scipy` fronts use
    /// `rate` (samples per second): their power density is per hertz.
    ///
    /// # Errors
    /// If the length or the sizes of `grouped` do not fit.
    pub fn spectrogram(&self, samples: &[f32], rate: u32, padding: Padding) -> Result<Vec<f32>, DataError> {
        self.check(samples.len())?;
        if rate == 0 {
            return Err(DataError::config("`rate` must be at least 1, got 0"));
        }
        let [bins, frames] = self.size();
        let mut out = vec![0.0; bins * frames];
        let value = Value::Magnitude;
        match *self {
            Self::Gdl188 => {
                centred(samples, 512, 353, frames, padding, &mut Values { value, frames, out: &mut out })
            }
            Self::Gdl626 => {
                centred(samples, 256, 128, frames, padding, &mut Values { value, frames, out: &mut out })
            }
            Self::Scipy299 | Self::Scipy1004 => density(samples, rate, frames, &mut out),
            Self::Grouped { n_fft, hop, bins_per_group, floor, .. } => {
                let mut sums = vec![0.0; bins * frames];
                let mut groups = Groups { bins: bins_per_group, frames, sums: &mut sums };
                centred(samples, n_fft, hop, frames, padding, &mut groups);
                let groups =
                    sums.iter().map(|sum| (f64::from(*sum) / bins_per_group as f64 + floor).ln() as f32);
                out.iter_mut().zip(groups).for_each(|(out, group)| *out = group);
            }
        }
        Ok(out)
    }
}

/// Centred Hann frames.
fn centred(
    samples: &[f32],
    n_fft: usize,
    hop: usize,
    count: usize,
    padding: Padding,
    visit: &mut impl Visit,
) {
    let (signal, margin, window) = (samples, n_fft / 2, (Window::Hann, n_fft));
    stft(&Frames { signal, margin, padding, window, hop, count, centre: false }, visit);
}

/// `scipy.signal.spectrogram` with nperseg 512, noverlap 353 and defaults
/// otherwise: Tukey window, mean of each frame removed, one-sided power
/// density per hertz.
fn density(signal: &[f32], rate: u32, frames: usize, out: &mut [f32]) {
    let squares: f64 = Window::Tukey.weights(512).iter().map(|w| w * w).sum();
    let value = Value::Density { scale: (f64::from(rate) * squares) as f32 };
    let (window, padding) = ((Window::Tukey, 512), Padding::Zero);
    let all = Frames { signal, margin: 0, padding, window, hop: 512 - 353, count: frames, centre: true };
    stft(&all, &mut Values { value, frames, out });
}

/// Logarithms of every bin, a row for each.
struct Values<'a> {
    value: Value,
    frames: usize,
    out: &'a mut [f32],
}

/// What the logarithm is taken of.
#[derive(Clone, Copy)]
enum Value {
    Magnitude,
    Density { scale: f32 },
}

impl Visit for Values<'_> {
    #[inline(always)]
    fn block(&mut self, frames: Range<usize>, powers: &mut [Row]) {
        match self.value {
            Value::Magnitude => {
                powers.as_flattened_mut().iter_mut().for_each(|power| *power = ln(power.sqrt() + FLOOR));
            }
            Value::Density { scale } => {
                let last = powers.len() - 1;
                for (bin, row) in powers.iter_mut().enumerate() {
                    // Every bin but the outer two stands for a negative frequency as well.
                    let sides = if bin == 0 || bin == last { 1.0 } else { 2.0 };
                    row.iter_mut().for_each(|power| *power = sides * *power / scale + FLOOR);
                }
                powers.as_flattened_mut().iter_mut().for_each(|power| *power = ln(*power));
            }
        }
        for (out, row) in self.out.chunks_exact_mut(self.frames).zip(powers) {
            out[frames.clone()].iter_mut().zip(row).for_each(|(out, value)| *out = *value);
        }
    }
}

/// Sums of the magnitudes of neighbouring bins, from bin 1 on.
struct Groups<'a> {
    bins: usize,
    frames: usize,
    sums: &'a mut [f32],
}

impl Visit for Groups<'_> {
    #[inline(always)]
    fn block(&mut self, frames: Range<usize>, powers: &mut [Row]) {
        powers.as_flattened_mut().iter_mut().for_each(|power| *power = power.sqrt());
        for (sums, rows) in self.sums.chunks_exact_mut(self.frames).zip(powers[1..].chunks(self.bins)) {
            for row in rows {
                sums[frames.clone()].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: [(AudioFront, usize, [usize; 2]); 4] = [
        (AudioFront::Gdl188, 66_150, [257, 188]),
        (AudioFront::Scipy299, 48_000, [257, 299]),
        (AudioFront::Gdl626, 80_000, [129, 626]),
        (AudioFront::Scipy1004, 160_000, [257, 1004]),
    ];

    #[test]
    fn every_front_fills_the_size_of_its_name() {
        for (front, samples, size) in NAMED {
            // Noise, so that a value that nobody wrote (0) would be seen.
            let mut rng = crate::RngKey::new(1).rng();
            let noise: Vec<f32> = (0..samples).map(|_| rng.uniform() as f32 - 0.5).collect();
            let out = front.spectrogram(&noise, 16_000, Padding::Zero).unwrap();
            assert_eq!((front.size(), out.len()), (size, size[0] * size[1]));
            assert!(out.iter().all(|v| *v != 0.0 && v.is_finite()), "{front:?}");
            assert!(front.spectrogram(&noise[1..], 16_000, Padding::Zero).is_err());
        }
    }

    #[test]
    fn silence_is_the_floor() {
        for (front, samples, _) in NAMED {
            let out = front.spectrogram(&vec![0.0; samples], 16_000, Padding::Zero).unwrap();
            assert!(out.iter().all(|v| (v + 16.118_096).abs() < 1e-5));
        }
    }

    #[test]
    fn a_cosine_on_a_bin_peaks_there_with_half_the_window() {
        let step = 2.0 * std::f64::consts::PI * 32.0 / 512.0;
        let tone: Vec<f32> = (0..66_150).map(|i| (0.5 * (step * f64::from(i)).cos()) as f32).collect();
        let out = AudioFront::Gdl188.spectrogram(&tone, 22_050, Padding::Zero).unwrap();
        for frame in 1..187 {
            let column: Vec<f32> = (0..257).map(|bin| out[bin * 188 + frame]).collect();
            let peak = (0..257).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap();
            assert_eq!(peak, 32);
            assert!((column[32].exp() - 64.0).abs() < 1e-3); // sum(window) / 2 * amplitude
        }
    }

    #[test]
    fn a_frame_is_the_direct_sum_over_the_padded_signal() {
        let mut rng = crate::RngKey::new(2).rng();
        let signal: Vec<f32> = (0..66_150).map(|_| rng.uniform() as f32 - 0.5).collect();
        let out = AudioFront::Gdl188.spectrogram(&signal, 22_050, Padding::Zero).unwrap();
        let turn = 2.0 * std::f64::consts::PI;
        for (frame, bin) in [(0, 3), (1, 100), (90, 256), (187, 40)] {
            let (mut re, mut im) = (0.0, 0.0);
            for i in 0..512 {
                let at = (353 * frame + i) as isize - 256;
                let value =
                    usize::try_from(at).ok().and_then(|at| signal.get(at)).map_or(0.0, |v| f64::from(*v));
                let weight = 0.5 - 0.5 * (turn * i as f64 / 512.0).cos();
                let angle = turn * (bin * i) as f64 / 512.0;
                re += value * weight * angle.cos();
                im -= value * weight * angle.sin();
            }
            let expected = (re.hypot(im) + 1e-7).ln();
            assert!((f64::from(out[bin * 188 + frame]) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn grouped_bins_are_averaged_and_bin_zero_left_out() {
        // Frames of 4 samples have bins 0, 1, 2; a constant has energy in 0 and 1 only.
        let front = AudioFront::Grouped { n_fft: 4, hop: 2, bins_per_group: 2, frames: 2, floor: 1e-3 };
        let out = front.spectrogram(&[1.0; 4], 8000, Padding::Reflect).unwrap();
        // Hann 0, .5, 1, .5 over ones: |bin 1| = 1, |bin 2| = 0; mean 0.5.
        assert_eq!(out.len(), 2);
        assert!(out.iter().all(|v| (v - 0.501f32.ln()).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn sizes_that_do_not_fit_name_the_key() {
        let message = |n_fft, hop, bins_per_group, frames, floor| {
            let front = AudioFront::Grouped { n_fft, hop, bins_per_group, frames, floor };
            front.spectrogram(&[0.0; 100], 8000, Padding::Zero).unwrap_err().to_string()
        };
        assert!(message(255, 10, 1, 3, 1e-3).contains("`n_fft` must be even"));
        assert!(message(64, 0, 1, 3, 1e-3).contains("`hop` must be at least 1"));
        assert!(message(64, 10, 3, 3, 1e-3).contains("`bins_per_group` must divide n_fft / 2 = 32"));
        assert!(message(64, 10, 1, 12, 1e-3).contains("`frames` must be from 1 to 1 + samples / hop = 11"));
        assert!(message(64, 10, 1, 3, 0.0).contains("`floor` must be above 0"));
    }
}
