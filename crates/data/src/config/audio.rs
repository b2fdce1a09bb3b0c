//! Keys of an audio modality.

use serde::{Deserialize, Serialize};

use super::NormaliseName;
use crate::audio::{AudioFront, Padding};
use crate::error::DataError;
use crate::prepare::{Align, AudioSteps, Draft, Fit, Normalise, Preparation, Steps};

/// Names of the front ends; see [`AudioFront`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FrontName {
    /// Averaged bins, free sizes.
    #[default]
    Grouped,
    /// 257 x 188.
    Gdl188,
    /// 257 x 299.
    Scipy299,
    /// 129 x 626.
    Gdl626,
    /// 257 x 1004.
    Scipy1004,
}

/// Keys of an audio modality; what is left out has the default of the data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioConfig {
    /// Front end; default `grouped`.
    pub front: FrontName,
    /// Sampling rate that recordings are brought to, 1000 to 384000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// `grouped`: samples looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// `grouped`: which part of a longer recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<Align>,
    /// `grouped`: window length, even.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_fft: Option<usize>,
    /// `grouped`: samples between frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<usize>,
    /// `grouped`: bins averaged, a divisor of n_fft / 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bins_per_group: Option<usize>,
    /// `grouped`: frames kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<usize>,
    /// `grouped`: added under the logarithm, default 1e-3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Centred fronts: `zero` (default) or `reflect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding: Option<Padding>,
    /// Default: `train` for `grouped`, `clip` for `scipy1004`, else `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalise: Option<NormaliseName>,
}

/// A set's defaults for the `grouped` front.
pub(crate) struct GroupedDefaults {
    pub rate: u32,
    pub samples: usize,
    pub align: Align,
    pub n_fft: usize,
    pub hop: usize,
    pub bins_per_group: usize,
    pub frames: usize,
}

impl AudioConfig {
    /// All steps, checked.
    pub(crate) fn draft(&self, modality: &str, default: &GroupedDefaults) -> Result<Draft, DataError> {
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
}
