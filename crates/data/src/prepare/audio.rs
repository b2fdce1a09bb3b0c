//! A recording as a log-spectrogram.

use serde::{Deserialize, Serialize};

use crate::audio::{AudioFront, Padding, resample};
use crate::decode::Wave;
use crate::error::DataError;
use crate::random::Draw;

/// Which part of a recording the `grouped` front sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// The first `samples`; zeros follow a shorter recording.
    Start,
    /// `samples` around the middle of the word, or of the recording.
    Centre,
}

/// Steps from a recording to a spectrogram of shape `[1, frequency, time]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioSteps {
    /// The front end.
    pub front: AudioFront,
    /// Sampling rate it works at; others are resampled. Samples per second.
    pub rate: u32,
    /// Samples it looks at.
    pub samples: usize,
    /// Which part of the recording those are; the named fronts tile instead.
    pub align: Align,
    /// What lies outside of them for centred frames.
    pub padding: Padding,
}

impl AudioSteps {
    /// `[1, frequency, time]`.
    pub fn shape(&self) -> Vec<usize> {
        let [bins, frames] = self.front.size();
        vec![1, bins, frames]
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        if !(1_000..=384_000).contains(&self.rate) {
            return Err(DataError::config(format!("`rate` must be from 1000 to 384000, got {}", self.rate)));
        }
        if !(1..=1 << 26).contains(&self.samples) {
            return Err(DataError::config(format!(
                "`samples` must be from 1 to {}, got {}",
                1 << 26,
                self.samples
            )));
        }
        self.front.check(self.samples)
    }

    /// Whether training sees random parts.
    pub(crate) fn random(&self) -> bool {
        self.front == AudioFront::Gdl626
    }

    /// Spectrogram of the word at `span` (samples of the recording), or of all of it.
    pub(crate) fn arrange(
        &self,
        wave: &Wave,
        span: Option<(usize, usize)>,
        draw: Option<Draw>,
    ) -> Result<Vec<f32>, DataError> {
        let signal = match self.front {
            AudioFront::Grouped { .. } => self.cut(wave, span),
            _ => self.tile(wave, span, draw)?,
        };
        self.front.spectrogram(&signal, self.rate, self.padding)
    }

    /// A stretch of fixed length with silence where the recording has none.
    fn cut(&self, wave: &Wave, span: Option<(usize, usize)>) -> Vec<f32> {
        let sound = resample(&wave.samples, wave.rate, self.rate);
        let begin = match self.align {
            Align::Start => 0,
            Align::Centre => {
                let (from, to) = span.unwrap_or((0, wave.samples.len()));
                let centre = (from + to) / 2;
                let centre = (centre as u128 * u128::from(self.rate) / u128::from(wave.rate.max(1))) as usize;
                centre as isize - (self.samples / 2) as isize
            }
        };
        (0..self.samples as isize)
            .map(|i| usize::try_from(begin + i).ok().and_then(|at| sound.get(at)).copied().unwrap_or(0.0))
            .collect()
    }

    /// The word repeated until the front is full, limited to -1..=1.
    fn tile(
        &self,
        wave: &Wave,
        span: Option<(usize, usize)>,
        draw: Option<Draw>,
    ) -> Result<Vec<f32>, DataError> {
        let length = wave.samples.len();
        let (from, to) = span.unwrap_or((0, length));
        let word = wave.samples.get(from..to.min(length)).unwrap_or_default();
        if word.is_empty() {
            return Err(DataError::shape(format!(
                "samples {from} to {to} of a recording of {length} hold no sound"
            )));
        }
        let sound = resample(word, wave.rate, self.rate);
        let skip = match (self.random(), draw) {
            // Half of the ten seconds is shown: a random half in training, else the middle.
            (true, Some(draw)) => draw.rng().below(self.samples + 1),
            (true, None) => self.samples / 2,
            (false, _) => 0,
        };
        Ok(sound
            .iter()
            .cycle()
            .skip(skip % sound.len())
            .take(self.samples)
            .map(|v| v.clamp(-1.0, 1.0))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(align: Align) -> AudioSteps {
        let front = AudioFront::Grouped { n_fft: 4, hop: 2, bins_per_group: 1, frames: 2, floor: 1e-3 };
        AudioSteps { front, rate: 8000, samples: 4, align, padding: Padding::Zero }
    }

    fn named(front: AudioFront, rate: u32) -> AudioSteps {
        let samples = front.samples().unwrap();
        AudioSteps { front, rate, samples, align: Align::Start, padding: Padding::Zero }
    }

    #[test]
    fn cuts_and_pads_with_silence() {
        let wave = Wave { samples: (1..=6).map(|v| v as f32).collect(), rate: 8000 };
        assert_eq!(grouped(Align::Start).cut(&wave, None), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(grouped(Align::Centre).cut(&wave, None), [2.0, 3.0, 4.0, 5.0]);
        assert_eq!(grouped(Align::Centre).cut(&wave, Some((0, 2))), [0.0, 1.0, 2.0, 3.0]);
        let short = Wave { samples: vec![9.0], rate: 8000 };
        assert_eq!(grouped(Align::Start).cut(&short, None), [9.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_short_clip_is_tiled_and_limited() {
        // 1.3 s at 22 050 Hz: the second copy starts where the first ends.
        let length = 28_665;
        let wave = Wave { samples: (0..length).map(|i| i as f32 / 20_000.0).collect(), rate: 22_050 };
        let tiled = named(AudioFront::Gdl188, 22_050).tile(&wave, None, None).unwrap();
        assert_eq!((tiled.len(), tiled[length], tiled[length + 7]), (66_150, 0.0, 7.0 / 20_000.0));
        assert_eq!(tiled[length - 1], 1.0);
        assert!(named(AudioFront::Gdl188, 22_050).tile(&wave, Some((9, 9)), None).is_err());
    }

    #[test]
    fn five_of_ten_seconds_are_the_middle_unless_drawn() {
        let steps = named(AudioFront::Gdl626, 16_000);
        let wave = Wave { samples: (0..200_000).map(|i| i as f32 / 200_000.0).collect(), rate: 16_000 };
        assert_eq!(steps.tile(&wave, None, None).unwrap()[0], 0.2);
        let draw = |seed| steps.tile(&wave, None, Some(Draw::new(seed))).unwrap()[0];
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!((0..20).all(|seed| draw(seed) <= 0.4));
    }
}
