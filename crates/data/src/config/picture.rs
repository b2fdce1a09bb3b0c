//! Keys of picture and film modalities.

use serde::{Deserialize, Serialize};

use super::NormaliseName;
use crate::error::DataError;
use crate::image::FrameRule;
use crate::prepare::{Draft, Fit, ImageSteps, Normalise, Preparation, Steps, VideoSteps};

/// `112` or `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Side {
    /// A square.
    Square(usize),
    /// Height and width.
    Both([usize; 2]),
}

impl Side {
    fn sides(self) -> [usize; 2] {
        match self {
            Self::Square(side) => [side; 2],
            Self::Both(sides) => sides,
        }
    }
}

/// Keys of a picture modality; what is left out has the default of the data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageConfig {
    /// Side or `[height, width]`, 1 to 4096; scaled bilinearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Side>,
    /// 1 (grey) or 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Averages blocks of so many pixels each way, 1 to 64; default 1 when `size` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduce: Option<usize>,
    /// Least area of a random crop, above 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<f64>,
    /// Whether random mirror images are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<bool>,
    /// Default: `imagenet` for three channels, `train` for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalise: Option<NormaliseName>,
}

/// Keys of a film modality: those of a picture, and which frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoConfig {
    /// Side or `[height, width]` of a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Side>,
    /// 1 (grey) or 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Averages blocks of so many pixels each way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduce: Option<usize>,
    /// Least area of a random crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<f64>,
    /// Whether random mirror images are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<bool>,
    /// Default: `imagenet` for three channels, `train` for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalise: Option<NormaliseName>,
    /// Number of frames, 1 to 1024; default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<usize>,
    /// Which frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<FrameRule>,
    /// Width of one frame of a film strip in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_width: Option<usize>,
}

/// A set's defaults for pictures.
pub(crate) struct PictureDefaults {
    /// Height and width of the files; `None` = not known, so `size` is required.
    pub native: Option<[usize; 2]>,
    pub reduce: usize,
    pub crop: f64,
    pub flip: bool,
    pub rule: FrameRule,
    pub frame_width: usize,
}

impl ImageConfig {
    /// All steps, checked.
    pub(crate) fn draft(&self, modality: &str, default: &PictureDefaults) -> Result<Draft, DataError> {
        let draft = || {
            let steps = self.steps(default)?;
            finish(modality, steps.channels, self.normalise, Steps::Image(steps))
        };
        draft().map_err(|e| e.at(format_args!("modality `{modality}`")))
    }

    fn steps(&self, default: &PictureDefaults) -> Result<ImageSteps, DataError> {
        let reduce = self.reduce.unwrap_or(if self.size.is_some() { 1 } else { default.reduce });
        let size = match (self.size, default.native) {
            (Some(size), _) => size.sides(),
            (None, Some(native)) => native.map(|side| side / reduce.max(1)),
            (None, None) => {
                return Err(DataError::config("`size` is missing: a side like 112 or [height, width]"));
            }
        };
        Ok(ImageSteps {
            size,
            channels: self.channels.unwrap_or(1),
            reduce,
            crop: self.crop.unwrap_or(default.crop),
            flip: self.flip.unwrap_or(default.flip),
        })
    }
}

impl VideoConfig {
    /// All steps, checked.
    pub(crate) fn draft(&self, modality: &str, default: &PictureDefaults) -> Result<Draft, DataError> {
        let frame = ImageConfig {
            size: self.size,
            channels: self.channels,
            reduce: self.reduce,
            crop: self.crop,
            flip: self.flip,
            normalise: self.normalise,
        };
        let draft = || {
            let steps = VideoSteps {
                frame: frame.steps(default)?,
                frames: self.frames.unwrap_or(3),
                rule: self.rule.unwrap_or(default.rule),
                frame_width: self.frame_width.unwrap_or(default.frame_width),
            };
            finish(modality, steps.frame.channels, self.normalise, Steps::Video(steps))
        };
        draft().map_err(|e| e.at(format_args!("modality `{modality}`")))
    }
}

fn finish(
    modality: &str,
    channels: usize,
    normalise: Option<NormaliseName>,
    steps: Steps,
) -> Result<Draft, DataError> {
    let usual = if channels == 3 { NormaliseName::Imagenet } else { NormaliseName::Train };
    let (normalise, fit) = match normalise.unwrap_or(usual) {
        NormaliseName::None => (Normalise::None, Fit::Nothing),
        NormaliseName::Clip => (Normalise::Clip, Fit::Nothing),
        NormaliseName::Imagenet => (Normalise::imagenet(), Fit::Nothing),
        NormaliseName::Train => (Normalise::None, Fit::Scalar),
    };
    let preparation = Preparation { modality: modality.to_owned(), steps, normalise };
    preparation.check()?;
    Ok(Draft { preparation, fit })
}
