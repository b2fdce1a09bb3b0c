//! Random changes of a recording and of its spectrogram.

use counterpoint_batch::random::RngKey;
use serde::{Deserialize, Serialize};

use super::{MaskRule, branch};
use crate::error::DataError;

/// Gains beyond this are a mistake, dB.
const LOUDEST: f64 = 60.0;
/// Signal-to-noise ratios beyond these are a mistake, dB.
const RATIOS: [f64; 2] = [-40.0, 120.0];

/// What training changes at random in a recording, in this order, and then in its spectrogram.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoundAugment {
    /// The sound that is shown is moved by up to this many seconds either way; silence follows or
    /// precedes it.
    #[serde(skip_serializing_if = "no_shift")]
    pub time_shift_s: f64,
    /// Limits of a gain in dB, uniform in between: the amplitude times `10^(gain / 20)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_db: Option<[f64; 2]>,
    /// Limits of the ratio of sound to white Gaussian noise in dB, uniform in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_snr_db: Option<[f64; 2]>,
    /// Frames that are hidden.
    #[serde(skip_serializing_if = "MaskRule::is_none")]
    pub time: MaskRule,
    /// Frequencies that are hidden.
    #[serde(skip_serializing_if = "MaskRule::is_none")]
    pub frequency: MaskRule,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn no_shift(seconds: &f64) -> bool {
    *seconds == 0.0
}

impl SoundAugment {
    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the recording is changed, and not only its spectrogram.
    pub(crate) fn moves_sound(&self) -> bool {
        self.time_shift_s > 0.0 || self.gain_db.is_some() || self.noise_snr_db.is_some()
    }

    /// Refuses what does not fit a part of `seconds` that becomes so many frequencies and frames.
    pub(crate) fn check(&self, seconds: f64, [bins, frames]: [usize; 2]) -> Result<(), DataError> {
        self.time.check("time", frames)?;
        self.frequency.check("frequency", bins)?;
        if !(self.time_shift_s >= 0.0 && self.time_shift_s < seconds) {
            return Err(DataError::config(format!(
                "`time_shift_s` must be from 0 to below the {seconds} seconds that are shown, got {}",
                self.time_shift_s
            )));
        }
        within("gain_db", self.gain_db, [-LOUDEST, LOUDEST])?;
        within("noise_snr_db", self.noise_snr_db, RATIOS)
    }

    /// Changes the samples that are shown at a rate; their number stays.
    pub(crate) fn change(&self, signal: &mut [f32], rate: u32, draw: RngKey) {
        if self.time_shift_s > 0.0 {
            let most = (self.time_shift_s * f64::from(rate)).round() as usize;
            let by = draw.fork(branch::SHIFT).rng().below(2 * most + 1) as isize - most as isize;
            shift(signal, by);
        }
        if let Some([low, high]) = self.gain_db {
            let decibels = draw.fork(branch::GAIN).rng().between(low, high);
            let factor = 10_f64.powf(decibels / 20.0) as f32;
            signal.iter_mut().for_each(|v| *v *= factor);
        }
        if let Some([low, high]) = self.noise_snr_db {
            let mut rng = draw.fork(branch::NOISE).rng();
            let decibels = rng.between(low, high);
            let noise: Vec<f64> = signal.iter().map(|_| rng.normal()).collect();
            let power: f64 = signal.iter().map(|v| f64::from(*v).powi(2)).sum();
            let hiss: f64 = noise.iter().map(|v| v * v).sum();
            // Silence has no ratio to anything: it stays silent.
            let factor = (power / hiss.max(f64::MIN_POSITIVE) / 10_f64.powf(decibels / 10.0)).sqrt();
            signal.iter_mut().zip(noise).for_each(|(v, noise)| *v += (factor * noise) as f32);
        }
    }

    /// Hides stripes of a spectrogram `[frequency, time]`: its values become `fill`.
    pub(crate) fn mask(&self, values: &mut [f32], [bins, frames]: [usize; 2], fill: f32, draw: RngKey) {
        for (begin, width) in self.time.draw(frames, &mut draw.fork(branch::TIME_MASKS).rng()) {
            for row in values.chunks_exact_mut(frames) {
                row[begin..begin + width].fill(fill);
            }
        }
        for (begin, width) in self.frequency.draw(bins, &mut draw.fork(branch::FREQUENCY_MASKS).rng()) {
            values[begin * frames..(begin + width) * frames].fill(fill);
        }
    }
}

/// Refuses limits out of a range, in the wrong order or that are no numbers.
fn within(key: &str, limits: Option<[f64; 2]>, [least, most]: [f64; 2]) -> Result<(), DataError> {
    match limits {
        Some([low, high]) if !(least <= low && low <= high && high <= most) => {
            let got = if low == high { format!("{low}") } else { format!("{low} to {high}") };
            Err(DataError::config(format!(
                "`{key}` must lie between {least} and {most} dB, the lower limit first, got {got}"
            )))
        }
        _ => Ok(()),
    }
}

/// Moves samples, later ones first if `by` is negative; what moves out is lost, what is free is silent.
fn shift(signal: &mut [f32], by: isize) {
    let (length, distance) = (signal.len(), by.unsigned_abs().min(signal.len()));
    if by < 0 {
        signal.copy_within(distance.., 0);
        signal[length - distance..].fill(0.0);
    } else {
        signal.copy_within(..length - distance, distance);
        signal[..distance].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(samples: usize) -> Vec<f32> {
        (0..samples).map(|i| 0.3 * (i as f32 * 0.2).sin()).collect()
    }

    fn changed(augment: &SoundAugment, seed: u64) -> Vec<f32> {
        let mut signal = tone(8000);
        augment.change(&mut signal, 8000, RngKey::new(seed));
        signal
    }

    #[test]
    fn a_gain_is_exact() {
        let fixed = SoundAugment { gain_db: Some([-6.0, -6.0]), ..SoundAugment::default() };
        let factor = 10_f64.powf(-0.3) as f32;
        assert!(changed(&fixed, 1).iter().zip(tone(8000)).all(|(got, v)| *got == v * factor));
        let drawn = SoundAugment { gain_db: Some([-6.0, 6.0]), ..SoundAugment::default() };
        for seed in 0..50 {
            let decibels = 20.0 * f64::from(changed(&drawn, seed)[7] / tone(8)[7]).log10();
            assert!((-6.0..=6.0).contains(&decibels), "{decibels}");
        }
        assert_ne!(changed(&drawn, 1), changed(&drawn, 2));
        assert_eq!(changed(&drawn, 1), changed(&drawn, 1));
    }

    #[test]
    fn noise_reaches_its_ratio_and_leaves_silence_silent() {
        for decibels in [-10.0, 0.0, 20.0, 40.0] {
            let augment =
                SoundAugment { noise_snr_db: Some([decibels, decibels]), ..SoundAugment::default() };
            let (plain, noisy) = (tone(8000), changed(&augment, 3));
            let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
            let sound = power(&mut plain.iter().map(|v| f64::from(*v)));
            let noise = power(&mut plain.iter().zip(&noisy).map(|(a, b)| f64::from(*b) - f64::from(*a)));
            let reached = 10.0 * (sound / noise).log10();
            assert!((reached - decibels).abs() < 1e-3, "{reached} instead of {decibels}");
            let mut silent = vec![0.0; 100];
            augment.change(&mut silent, 8000, RngKey::new(1));
            assert_eq!(silent, [0.0; 100]);
        }
    }

    #[test]
    fn a_shift_keeps_the_length_and_fills_with_silence() {
        let mut signal = [1.0, 2.0, 3.0, 4.0];
        shift(&mut signal, 1);
        assert_eq!(signal, [0.0, 1.0, 2.0, 3.0]);
        shift(&mut signal, -2);
        assert_eq!(signal, [2.0, 3.0, 0.0, 0.0]);
        shift(&mut signal, 9);
        assert_eq!(signal, [0.0; 4]);
        let augment = SoundAugment { time_shift_s: 0.01, ..SoundAugment::default() };
        let mut seen = std::collections::BTreeSet::new();
        let plain: Vec<f32> = (1..=1000).map(|i| i as f32).collect();
        for seed in 0..400 {
            let mut signal = plain.clone();
            augment.change(&mut signal, 1000, RngKey::new(seed));
            assert_eq!(signal.len(), 1000);
            seen.insert(500 - signal[500] as isize + 1);
        }
        assert_eq!(seen, (-10..=10).collect(), "every whole number of samples up to 10 ms");
    }

    #[test]
    fn masks_hide_whole_rows_and_columns() {
        let time = MaskRule { count: 1, width: 3 };
        let augment =
            SoundAugment { time, frequency: MaskRule { count: 1, width: 2 }, ..SoundAugment::default() };
        let mut hidden = [0; 2];
        for seed in 0..100 {
            let mut values = vec![1.0; 6 * 8];
            augment.mask(&mut values, [6, 8], -2.0, RngKey::new(seed));
            let rows = values.chunks_exact(8).filter(|row| row.iter().all(|v| *v == -2.0)).count();
            let columns = (0..8).filter(|&t| values.iter().skip(t).step_by(8).all(|v| *v == -2.0)).count();
            let gone = values.iter().filter(|v| **v == -2.0).count();
            assert!(rows <= 2 && columns <= 3);
            assert_eq!(gone, rows * 8 + columns * 6 - rows * columns);
            hidden = [hidden[0] + rows, hidden[1] + columns];
        }
        // On average half the largest width.
        assert!(hidden[0].abs_diff(100) < 40 && hidden[1].abs_diff(150) < 50, "{hidden:?}");
    }

    #[test]
    fn nonsense_names_the_key_and_the_limits() {
        let message = |augment: SoundAugment| augment.check(1.0, [64, 32]).unwrap_err().to_string();
        let none = SoundAugment::default;
        assert!(
            message(SoundAugment { time_shift_s: -0.1, ..none() }).contains("from 0 to below the 1 seconds")
        );
        assert!(message(SoundAugment { time_shift_s: 1.0, ..none() }).contains("got 1"));
        assert!(message(SoundAugment { time_shift_s: f64::NAN, ..none() }).contains("got NaN"));
        assert!(message(SoundAugment { gain_db: Some([3.0, -3.0]), ..none() }).contains("got 3 to -3"));
        assert!(message(SoundAugment { noise_snr_db: Some([500.0; 2]), ..none() }).contains("got 500"));
        assert!(
            message(SoundAugment { noise_snr_db: Some([f64::NAN; 2]), ..none() }).contains("`noise_snr_db`")
        );
        assert!(none().check(1.0, [64, 32]).is_ok() && none().is_none());
    }
}
