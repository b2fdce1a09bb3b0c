//! A recording as a log-spectrogram.

use std::ops::Range;

use counterpoint_batch::random::RngKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audio::resample::{inputs, length, part};
use crate::audio::{AudioFront, Padding};
use crate::augment::SoundAugment;
use crate::decode::Clip;
use crate::error::DataError;

/// Which part of a recording the `grouped` front sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// What training changes at random.
    #[serde(default, skip_serializing_if = "SoundAugment::is_none")]
    pub augment: SoundAugment,
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
        self.front.check(self.samples)?;
        self.augment.check(self.samples as f64 / f64::from(self.rate), self.front.size())
    }

    /// Whether a draw changes the sound. Masks do not: they hide parts of its spectrogram later.
    pub(crate) fn random(&self) -> bool {
        self.random_part() || self.augment.moves_sound()
    }

    /// Whether training sees random parts.
    fn random_part(&self) -> bool {
        self.front == AudioFront::Gdl626
    }

    /// The samples of a recording that can matter, so that no more is decoded.
    ///
    /// `length` is asked only where the middle of the recording is looked for.
    pub(crate) fn needed(
        &self,
        rate: u32,
        span: Option<(usize, usize)>,
        length: impl FnOnce() -> Result<usize, DataError>,
    ) -> Result<Range<usize>, DataError> {
        let rates = [rate, self.rate];
        if matches!(self.front, AudioFront::Grouped { .. }) {
            let length = match (self.align, span) {
                (Align::Centre, None) => length()?,
                _ => 0,
            };
            let begin = self.begin(rate, span, length);
            let place = |at: isize| usize::try_from(at).unwrap_or(0);
            return Ok(inputs(rates, place(begin)..place(begin + self.samples as isize)));
        }
        let (from, to) = span.unwrap_or((0, usize::MAX));
        let needed = inputs(rates, 0..self.reach()).end;
        Ok(from..from.saturating_add(needed).min(to.max(from)))
    }

    /// Spectrogram of the word at `span` (samples of the recording), or of all of it.
    pub(crate) fn arrange(
        &self,
        clip: &Clip,
        span: Option<(usize, usize)>,
        draw: Option<RngKey>,
    ) -> Result<Vec<f32>, DataError> {
        let mut signal = match self.front {
            AudioFront::Grouped { .. } => self.cut(clip, span),
            _ => self.tile(clip, span, draw)?,
        };
        if let Some(draw) = draw {
            self.augment.change(&mut signal, self.rate, draw);
        }
        self.front.spectrogram(&signal, self.rate, self.padding)
    }

    /// Where in the resampled recording the `grouped` front begins; before it if negative.
    fn begin(&self, rate: u32, span: Option<(usize, usize)>, length: usize) -> isize {
        match self.align {
            Align::Start => 0,
            Align::Centre => {
                let (from, to) = span.unwrap_or((0, length));
                let centre = (from + to) / 2;
                let centre = (centre as u128 * u128::from(self.rate) / u128::from(rate.max(1))) as usize;
                centre as isize - (self.samples / 2) as isize
            }
        }
    }

    /// Samples after the start of the word that a named front can show.
    fn reach(&self) -> usize {
        if self.random_part() { 2 * self.samples } else { self.samples }
    }

    /// A stretch of fixed length with silence where the recording has none.
    fn cut(&self, clip: &Clip, span: Option<(usize, usize)>) -> Vec<f32> {
        let begin = self.begin(clip.rate, span, clip.length);
        let end = length(clip.length, clip.rate, self.rate) as isize;
        let place = |at: isize| at.clamp(0, end) as usize;
        let wanted = place(begin)..place(begin + self.samples as isize);
        let before = (wanted.start as isize - begin) as usize;
        let mut signal = vec![0.0; before.min(self.samples)];
        signal.extend(part(&clip.samples, clip.begin, [clip.rate, self.rate], wanted));
        signal.resize(self.samples, 0.0);
        signal
    }

    /// The word repeated until the front is full, limited to -1..=1.
    fn tile(
        &self,
        clip: &Clip,
        span: Option<(usize, usize)>,
        draw: Option<RngKey>,
    ) -> Result<Vec<f32>, DataError> {
        let (from, to) = span.unwrap_or((0, clip.length));
        let inside = |at: usize| at.saturating_sub(clip.begin).min(clip.samples.len());
        let word = &clip.samples[inside(from)..inside(to).max(inside(from))];
        if word.is_empty() {
            return Err(DataError::shape(format!(
                "samples {from} to {to} are outside the recording, which has {} samples",
                clip.length
            )));
        }
        let rates = [clip.rate, self.rate];
        let mut sound = part(word, 0, rates, 0..length(word.len(), clip.rate, self.rate).min(self.reach()));
        let skip = match (self.random_part(), draw) {
            // Half of the ten seconds is shown: a random half in training, else the middle.
            (true, Some(draw)) => draw.rng().below(self.samples + 1),
            (true, None) => self.samples / 2,
            (false, _) => 0,
        };
        sound.iter_mut().for_each(|v| *v = v.clamp(-1.0, 1.0));
        let mut tiled = Vec::with_capacity(self.samples);
        let mut begin = skip % sound.len();
        while tiled.len() < self.samples {
            let end = sound.len().min(begin + self.samples - tiled.len());
            tiled.extend_from_slice(&sound[begin..end]);
            begin = 0;
        }
        Ok(tiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Wave;

    fn grouped(align: Align) -> AudioSteps {
        let front = AudioFront::Grouped { n_fft: 4, hop: 2, bins_per_group: 1, frames: 2, floor: 1e-3 };
        AudioSteps {
            front,
            rate: 8000,
            samples: 4,
            align,
            padding: Padding::Zero,
            augment: SoundAugment::default(),
        }
    }

    fn named(front: AudioFront, rate: u32) -> AudioSteps {
        let samples = front.samples().unwrap();
        AudioSteps {
            front,
            rate,
            samples,
            align: Align::Start,
            padding: Padding::Zero,
            augment: SoundAugment::default(),
        }
    }

    #[test]
    fn cuts_and_pads_with_silence() {
        let wave = Clip::from(Wave { samples: (1..=6).map(|v| v as f32).collect(), rate: 8000 });
        assert_eq!(grouped(Align::Start).cut(&wave, None), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(grouped(Align::Centre).cut(&wave, None), [2.0, 3.0, 4.0, 5.0]);
        assert_eq!(grouped(Align::Centre).cut(&wave, Some((0, 2))), [0.0, 1.0, 2.0, 3.0]);
        let short = Clip::from(Wave { samples: vec![9.0], rate: 8000 });
        assert_eq!(grouped(Align::Start).cut(&short, None), [9.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_short_clip_is_tiled_and_limited() {
        // 1.3 s at 22 050 Hz: the second copy starts where the first ends.
        let length = 28_665;
        let wave =
            Clip::from(Wave { samples: (0..length).map(|i| i as f32 / 20_000.0).collect(), rate: 22_050 });
        let tiled = named(AudioFront::Gdl188, 22_050).tile(&wave, None, None).unwrap();
        assert_eq!((tiled.len(), tiled[length], tiled[length + 7]), (66_150, 0.0, 7.0 / 20_000.0));
        assert_eq!(tiled[length - 1], 1.0);
        assert!(named(AudioFront::Gdl188, 22_050).tile(&wave, Some((9, 9)), None).is_err());
    }

    #[test]
    fn five_of_ten_seconds_are_the_middle_unless_drawn() {
        let steps = named(AudioFront::Gdl626, 16_000);
        let wave =
            Clip::from(Wave { samples: (0..200_000).map(|i| i as f32 / 200_000.0).collect(), rate: 16_000 });
        assert_eq!(steps.tile(&wave, None, None).unwrap()[0], 0.2);
        let draw = |seed| steps.tile(&wave, None, Some(RngKey::new(seed))).unwrap()[0];
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!((0..20).all(|seed| draw(seed) <= 0.4));
    }

    /// What a clip of only the needed samples gives, and the whole recording.
    fn both_ways(
        steps: &AudioSteps,
        whole: &[f32],
        rate: u32,
        span: Option<(usize, usize)>,
        draw: Option<RngKey>,
    ) {
        let all = Clip::from(Wave { samples: whole.to_vec(), rate });
        let needed = steps.needed(rate, span, || Ok(whole.len())).unwrap();
        let inside = needed.start.min(whole.len())..needed.end.min(whole.len());
        assert!(inside.len() < whole.len() / 4, "{inside:?}");
        // A compressed recording does not tell how long it is.
        for length in [whole.len(), inside.end] {
            if steps.align == Align::Centre && span.is_none() && length < whole.len() {
                continue;
            }
            let clip = Clip { samples: whole[inside.clone()].to_vec(), rate, begin: needed.start, length };
            assert_eq!(steps.arrange(&clip, span, draw).unwrap(), steps.arrange(&all, span, draw).unwrap());
        }
    }

    #[test]
    fn what_is_needed_is_enough_to_the_bit() {
        let mut rng = RngKey::new(4).rng();
        let whole: Vec<f32> = (0..400_000).map(|_| rng.uniform() as f32 - 0.5).collect();
        let front = AudioFront::Grouped { n_fft: 64, hop: 100, bins_per_group: 4, frames: 8, floor: 1e-3 };
        for align in [Align::Start, Align::Centre] {
            let steps = AudioSteps {
                front: front.clone(),
                rate: 8000,
                samples: 4000,
                align,
                padding: Padding::Zero,
                augment: SoundAugment::default(),
            };
            for rate in [8000, 44_100] {
                both_ways(&steps, &whole, rate, None, None);
                both_ways(&steps, &whole, rate, Some((90_000, 95_000)), None);
            }
        }
        let named = named(AudioFront::Scipy299, 16_000);
        both_ways(&named, &whole, 16_000, Some((1000, 300_000)), None);
        both_ways(&named, &[whole.as_slice(), &whole].concat(), 44_100, None, None);
        let long = whole.repeat(3);
        let steps = self::named(AudioFront::Gdl626, 16_000);
        for draw in [None, Some(RngKey::new(7))] {
            both_ways(&steps, &long, 16_000, None, draw);
        }
    }
}
