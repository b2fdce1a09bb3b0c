//! Keys of picture and film modalities.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JitterConfig, NormaliseName};
use crate::augment::{Extent, Flip};
use crate::error::DataError;
use crate::image::FrameRule;
use crate::media::{FilmRule, Frames};
use crate::prepare::{Draft, Fit, ImageSteps, Normalise, Preparation, Steps, VideoSteps};

/// Height and width in pixels: one number for both, or `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Side {
    /// Height and width alike.
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

/// Keys of a picture modality. What is left out has the default of the data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImageConfig {
    /// Height and width to which pictures are scaled bilinearly, in pixels, 1 to 4096: one number
    /// for both or `[height, width]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Side>,
    /// Number of colour channels: 1 (grey, the default) or 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 3]))]
    pub channels: Option<usize>,
    /// Averages square blocks of pixels of this side; 1, the default where `size` is given, does
    /// not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub reduce: Option<usize>,
    /// With `augment`: the least share of a picture's area that a random crop keeps, above 0 and at
    /// most 1, or `[least, most]`; 1 keeps all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Extent>,
    /// With `augment`: least and largest ratio of width to height of a random crop; by default
    /// `[0.75, 1.3333]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<[f64; 2]>,
    /// With `augment`: whether half of the pictures are mirrored, or the share of them that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Flip>,
    /// With `augment`: random changes of colours, which all frames of a film share.
    #[serde(skip_serializing_if = "JitterConfig::is_none")]
    pub jitter: JitterConfig,
    /// How pixels are shifted and scaled; by default `imagenet` for three channels and `train` for
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalise: Option<NormaliseName>,
}

/// Keys of a film modality: those of its pictures, and which frames are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VideoConfig {
    /// Keys of a frame.
    #[serde(flatten)]
    pub frame: ImageConfig,
    /// Number of frames that are shown; by default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub frames: Option<usize>,
    /// Which frames are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<FrameRule>,
    /// Width of one frame in a film strip, in pixels. Without it, films are folders of pictures, or
    /// files that ffmpeg reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_width: Option<usize>,
    /// Of a film that is one file: frames per second that are taken out of it and kept, above 0 and
    /// at most 1000; by default 1. Each is the one that is shown at the middle of its interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub film_fps: Option<f64>,
    /// Of a film that is one file: number of frames that are taken out of it and kept, the middles of
    /// as many equal parts, instead of `film_fps`. Several epochs of random frames need more than
    /// `frames`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub film_frames: Option<usize>,
    /// Of a film that is one file: height and width, in pixels, into which larger frames are scaled
    /// before they are kept; their aspect stays. By default they are kept as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub film_size: Option<Side>,
    /// With `augment`: whether all frames of a film are cropped and mirrored alike. By default each
    /// is by a draw of its own, as in the released code of the compared methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_alike: Option<bool>,
}

/// A data set's defaults for pictures.
#[derive(Clone, Debug)]
pub struct PictureDefaults {
    /// Height and width of the files; `None` = not known, so `size` is required.
    pub native: Option<[usize; 2]>,
    /// Side of the blocks that are averaged.
    pub reduce: usize,
    /// Least share of the area that a random crop keeps.
    pub crop: f64,
    /// Whether random mirror images are made.
    pub flip: bool,
}

/// A data set's defaults for films.
#[derive(Clone, Debug)]
pub struct FilmDefaults {
    /// Those of a frame.
    pub frame: PictureDefaults,
    /// Which frames are shown.
    pub rule: FrameRule,
    /// Width of one frame of a film strip in pixels; 0 = folders of pictures only.
    pub frame_width: usize,
    /// Whether a film may be one file that ffmpeg reads.
    pub files: bool,
}

impl ImageConfig {
    /// How the modality is prepared.
    ///
    /// # Errors
    /// If a key is out of range, or `size` is needed and missing.
    pub fn draft(&self, modality: &str, default: &PictureDefaults) -> Result<Draft, DataError> {
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
            crop: self.crop.unwrap_or(default.crop.into()),
            ratio: self.ratio,
            flip: self.flip.unwrap_or(default.flip.into()),
            jitter: self.jitter.limits(),
        })
    }
}

impl VideoConfig {
    /// How the modality is prepared.
    ///
    /// # Errors
    /// If a key is out of range, or `size` is needed and missing.
    pub fn draft(&self, modality: &str, default: &FilmDefaults) -> Result<Draft, DataError> {
        let draft = || {
            let steps = VideoSteps {
                frame: self.frame.steps(&default.frame)?,
                frames: self.frames.unwrap_or(3),
                rule: self.rule.unwrap_or(default.rule),
                frame_width: self.frame_width.unwrap_or(default.frame_width),
                alike: self.frames_alike.unwrap_or(false),
                film: self.film(default.files)?,
            };
            finish(modality, steps.frame.channels, self.frame.normalise, Steps::Video(steps))
        };
        draft().map_err(|e| e.at(format_args!("modality `{modality}`")))
    }
}

impl VideoConfig {
    /// What is taken out of a film that is one file.
    fn film(&self, files: bool) -> Result<FilmRule, DataError> {
        let keys = [
            ("film_fps", self.film_fps.is_some()),
            ("film_frames", self.film_frames.is_some()),
            ("film_size", self.film_size.is_some()),
        ];
        if let Some((key, _)) = keys.iter().find(|(_, given)| *given && !files) {
            return Err(DataError::config(format!(
                "`{key}` is for films that are files, which this set has not"
            )));
        }
        let frames = match (self.film_fps, self.film_frames) {
            (Some(_), Some(_)) => {
                Err("`film_fps` and `film_frames` exclude each other; leave one out".into())
            }
            (Some(rate), None) if !(rate > 0.0 && rate <= FilmRule::FASTEST) => {
                Err(format!("`film_fps` must be above 0 and at most {}, got {rate}", FilmRule::FASTEST))
            }
            (None, Some(count)) if !(1..=100_000).contains(&count) => {
                Err(format!("`film_frames` must be from 1 to 100000, got {count}"))
            }
            (Some(rate), None) => Ok(Frames::PerSecond(rate)),
            (None, Some(count)) => Ok(Frames::Spread(count)),
            (None, None) => Ok(FilmRule::default().frames),
        };
        let size = self.film_size.map(|size| {
            let [height, width] = size.sides();
            let side = |side: usize| u32::try_from(side).ok().filter(|side| FilmRule::SIDES.contains(side));
            side(width).zip(side(height)).map(|(width, height)| [width, height]).ok_or_else(|| {
                let [least, most] = [FilmRule::SIDES.start(), FilmRule::SIDES.end()];
                format!("`film_size` must be from {least} to {most} each way, got {height} x {width}")
            })
        });
        let rule =
            frames.and_then(|frames| Ok(FilmRule { frames, size: size.transpose()?, ..FilmRule::default() }));
        rule.map_err(DataError::config)
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
