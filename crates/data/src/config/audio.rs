//! Keys of an audio modality.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NormaliseName;
use crate::audio::{AudioFront, Padding};
use crate::augment::{Extent, MaskRule, SoundAugment};
use crate::error::DataError;
use crate::prepare::{Align, AudioSteps, Draft, Fit, Normalise, Preparation, Steps};

/// How a recording becomes a spectrogram; see [`AudioFront`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FrontName {
    /// Magnitudes averaged over groups of frequencies; every size can be chosen.
    #[default]
    Grouped,
    /// 257 frequencies x 188 frames of three seconds at 22 050 Hz.
    Gdl188,
    /// 257 frequencies x 299 frames at 16 000 Hz.
    Scipy299,
    /// 129 frequencies x 626 frames of five seconds out of ten at 16 000 Hz.
    Gdl626,
    /// 257 frequencies x 1004 frames at 16 000 Hz.
    Scipy1004,
}

/// Keys of an audio modality. What is left out has the default of the data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AudioConfig {
    /// How a recording becomes a spectrogram. The named fronts fix every size, so that keys with
    /// "`grouped` only" do not apply to them.
    pub front: FrontName,
    /// Sampling rate to which recordings are resampled, in Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1000, max = 384_000))]
    pub rate: Option<u32>,
    /// Length of the part that is shown, in samples at `rate` (`grouped` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 67_108_864))]
    pub samples: Option<usize>,
    /// Which part of a longer recording is shown (`grouped` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<Align>,
    /// Length of the window of a frame, an even number of samples (`grouped` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 65536))]
    pub n_fft: Option<usize>,
    /// Samples from one frame to the next (`grouped` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub hop: Option<usize>,
    /// Number of neighbouring frequencies that are averaged, a divisor of `n_fft` / 2 (`grouped`
    /// only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub bins_per_group: Option<usize>,
    /// Number of frames that are kept, from the first on (`grouped` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub frames: Option<usize>,
    /// Added to a magnitude before its logarithm is taken, by default 0.001 (`grouped` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub floor: Option<f64>,
    /// What lies outside the signal for the named fronts with centred frames; by default `zero`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding: Option<Padding>,
    /// How the spectrogram is shifted and scaled; by default `train` for `grouped`, `clip` for
    /// `scipy1004`, else `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalise: Option<NormaliseName>,
    /// With `augment`: number of stripes of frames that are hidden (SpecAugment), each of a random
    /// width from 0 to `time_mask_width`. They become the mean: 0 after normalisation; with
    /// `normalise` = "none" the mean of the spectrogram itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub time_masks: Option<usize>,
    /// With `augment`: width of such a stripe at most, in frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub time_mask_width: Option<usize>,
    /// With `augment`: number of stripes of frequencies that are hidden in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub frequency_masks: Option<usize>,
    /// With `augment`: width of such a stripe at most, in rows of the spectrogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub frequency_mask_width: Option<usize>,
    /// With `augment`: the sound becomes louder or softer by up to so many dB, or by a gain within
    /// `[least, most]`; at most 60 either way. Values beyond full scale are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_db: Option<Extent>,
    /// With `augment`: white noise is added so far below the sound, in dB over the samples that are
    /// shown: this ratio, or one within `[least, most]`, from -40 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_snr_db: Option<Extent>,
    /// With `augment`: the sound that is shown is moved by up to so many seconds either way, and
    /// silence fills the gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub time_shift_s: Option<f64>,
}

/// A data set's defaults for the `grouped` front.
#[derive(Clone, Debug)]
pub struct GroupedDefaults {
    /// Sampling rate, in Hz.
    pub rate: u32,
    /// Samples that are shown.
    pub samples: usize,
    /// Which part of a longer recording.
    pub align: Align,
    /// Window length in samples.
    pub n_fft: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Frequencies that are averaged.
    pub bins_per_group: usize,
    /// Frames that are kept.
    pub frames: usize,
}

impl AudioConfig {
    /// How the modality is prepared.
    ///
    /// # Errors
    /// If a key is out of range, or does nothing with this front.
    pub fn draft(&self, modality: &str, default: &GroupedDefaults) -> Result<Draft, DataError> {
        self.steps(modality, default).map_err(|e| e.at(format_args!("modality `{modality}`")))
    }

    fn steps(&self, modality: &str, default: &GroupedDefaults) -> Result<Draft, DataError> {
        let front = match self.front {
            FrontName::Grouped => AudioFront::Grouped {
                n_fft: self.n_fft.unwrap_or(default.n_fft),
                hop: self.hop.unwrap_or(default.hop),
                bins_per_group: self.bins_per_group.unwrap_or(default.bins_per_group),
                frames: self.frames.unwrap_or(default.frames),
                floor: self.floor.unwrap_or(1e-3),
            },
            FrontName::Gdl188 => AudioFront::Gdl188,
            FrontName::Scipy299 => AudioFront::Scipy299,
            FrontName::Gdl626 => AudioFront::Gdl626,
            FrontName::Scipy1004 => AudioFront::Scipy1004,
        };
        let fixed = front.samples();
        if fixed.is_some() {
            let given = [
                ("samples", self.samples.is_some()),
                ("align", self.align.is_some()),
                ("n_fft", self.n_fft.is_some()),
                ("hop", self.hop.is_some()),
                ("bins_per_group", self.bins_per_group.is_some()),
                ("frames", self.frames.is_some()),
                ("floor", self.floor.is_some()),
            ];
            if let Some((key, _)) = given.iter().find(|(_, given)| *given) {
                return Err(DataError::config(format!(
                    "`{key}` applies to front = \"grouped\" only; the named fronts fix it"
                )));
            }
        }
        let (rate, normalise) = match self.front {
            FrontName::Grouped => (default.rate, NormaliseName::Train),
            FrontName::Gdl188 => (22_050, NormaliseName::None),
            FrontName::Scipy299 | FrontName::Gdl626 => (16_000, NormaliseName::None),
            FrontName::Scipy1004 => (16_000, NormaliseName::Clip),
        };
        let steps = AudioSteps {
            front,
            rate: self.rate.unwrap_or(rate),
            samples: fixed.unwrap_or(self.samples.unwrap_or(default.samples)),
            align: self.align.unwrap_or(default.align),
            padding: self.padding.unwrap_or_default(),
            augment: self.augment(),
        };
        let (normalise, fit) = match self.normalise.unwrap_or(normalise) {
            NormaliseName::None => (Normalise::None, Fit::Nothing),
            NormaliseName::Clip => (Normalise::Clip, Fit::Nothing),
            NormaliseName::Train => (Normalise::None, Fit::Scalar),
            NormaliseName::Imagenet => {
                return Err(DataError::config(
                    "`normalise` = \"imagenet\" is for pictures; use train, clip or none",
                ));
            }
        };
        let preparation =
            Preparation { modality: modality.to_owned(), steps: Steps::Audio(steps), normalise };
        preparation.check()?;
        Ok(Draft { preparation, fit })
    }

    /// What training changes at random.
    fn augment(&self) -> SoundAugment {
        let masks = |count: Option<usize>, width: Option<usize>| MaskRule {
            count: count.unwrap_or(0),
            width: width.unwrap_or(0),
        };
        SoundAugment {
            time_shift_s: self.time_shift_s.unwrap_or(0.0),
            gain_db: self.gain_db.map(|gain| gain.limits(|most| [-most, most])),
            noise_snr_db: self.noise_snr_db.map(|ratio| ratio.limits(|ratio| [ratio; 2])),
            time: masks(self.time_masks, self.time_mask_width),
            frequency: masks(self.frequency_masks, self.frequency_mask_width),
        }
    }
}
