//! The preparation of one modality: everything between a file and the model.

use std::path::Path;

use counterpoint_batch::npy::{self, NpyArray};
use counterpoint_batch::{Array, ModalitySpec};
use serde::{Deserialize, Serialize};

use super::{
    AudioSteps, AugmentKeys, Frames, ImageSteps, Normalise, Raw, SceneSteps, TokenSteps, VectorSteps,
    VideoSteps, frames_of_strip,
};
use crate::decode::Clip;
use crate::decode::archive::Archive;
use crate::decode::sound::Recording;
use crate::decode::{Bitmap, Levels};
use crate::error::{DataError, ErrorKind, read};
use crate::source::Source;

/// What turns a raw file into the model's input for one modality.
///
/// It holds everything that was configured or fitted, so a run folder that
/// keeps it (it is a plain serde value) can prepare new files without the
/// data set.
///
/// ```
/// # fn show(json: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use counterpoint_data::Preparation;
///
/// let saved: Preparation = serde_json::from_str(json)?;
/// let array = saved.prepare_file("question.wav".as_ref())?;
/// assert_eq!(array.shape(), saved.spec().shape);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Name of the modality.
    pub modality: String,
    /// From the decoded file to an array.
    pub steps: Steps,
    /// Applied to that array.
    pub normalise: Normalise,
}

/// The steps of each kind of modality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Steps {
    /// A recording: WAV, FLAC, MP3 or Ogg Vorbis.
    Audio(AudioSteps),
    /// A picture, PNG or JPEG.
    Image(ImageSteps),
    /// A colour picture of a scene (PNG or JPEG), or a picture of its depth (PNG).
    Scene(SceneSteps),
    /// A film strip (PNG or JPEG) or a folder of pictures in order of their names.
    Video(VideoSteps),
    /// Features, npy.
    Vector(VectorSteps),
    /// Token ids, npy.
    Tokens(TokenSteps),
}

impl Steps {
    /// All that [`Self::load`] depends on beside the source.
    pub(crate) fn decoding(&self) -> String {
        match self {
            Self::Image(_) => "decoded picture".to_owned(),
            // Only the part of a recording that is shown is decoded, and a film is cut into its frames.
            _ => format!("decoded {self:?}"),
        }
    }

    /// All that an array before normalisation depends on beside the source, without a draw.
    pub(crate) fn arranging(&self) -> String {
        format!("arranged {self:?}")
    }

    /// Reads and decodes what these steps need of a source.
    pub(crate) fn load(&self, source: &Source) -> Result<Raw, DataError> {
        let gone = || DataError::shape("lies beyond the end of its array");
        Ok(match source {
            Source::Wave { path, span } => {
                let Self::Audio(steps) = self else {
                    return Err(DataError::new(
                        ErrorKind::Internal,
                        "a recording that is not prepared as sound",
                    ));
                };
                let read = || {
                    let recording = Recording::open(path)?;
                    let needed = steps.needed(recording.rate, *span, || recording.length())?;
                    Clip::read(&recording, needed)
                };
                let clip = read().map_err(|e| e.at(format_args!("`{}`", path.display())))?;
                Raw::Wave { clip, span: *span }
            }
            Source::Picture { path } => Raw::Picture(Bitmap::read(path)?),
            Source::Levels { path } => Raw::Levels(Levels::read(path)?),
            Source::Film { path, frame_width, span } => {
                let frames = if path.is_dir() {
                    Frames::Files(source.files()?)
                } else {
                    let strip = frames_of_strip(&Bitmap::read(path)?, *frame_width);
                    Frames::Decoded(strip.map_err(|e| e.at(format_args!("`{}`", path.display())))?)
                };
                Raw::Film { frames, span: *span }
            }
            Source::Pixels { images, index } => Raw::Picture(images.bitmap(*index).ok_or_else(gone)?),
            Source::TableRow { rows, begin, end } => Raw::Vector(rows.get(*begin..*end).ok_or_else(gone)?),
        })
    }
}

impl Preparation {
    /// Name and shape of the result.
    pub fn spec(&self) -> ModalitySpec {
        let shape = match &self.steps {
            Steps::Audio(steps) => steps.shape(),
            Steps::Image(steps) => vec![steps.channels, steps.size[0], steps.size[1]],
            Steps::Scene(steps) => vec![steps.channels(), steps.size[0], steps.size[1]],
            Steps::Video(VideoSteps { frame, frames, .. }) => {
                vec![frame.channels, *frames, frame.size[0], frame.size[1]]
            }
            Steps::Vector(steps) => steps.shape(),
            Steps::Tokens(steps) => vec![steps.length],
        };
        let spec = ModalitySpec::new(&self.modality, shape);
        match &self.steps {
            Steps::Tokens(steps) => spec.with_vocabulary(steps.vocabulary).with_lengths(),
            Steps::Vector(steps) if steps.ragged => spec.with_lengths(),
            _ => spec,
        }
    }

    /// `audio`, `image`, `scene`, `video`, `vector` or `tokens`.
    pub fn kind(&self) -> &'static str {
        match &self.steps {
            Steps::Audio(_) => "audio",
            Steps::Image(_) => "image",
            Steps::Scene(_) => "scene",
            Steps::Video(_) => "video",
            Steps::Vector(_) => "vector",
            Steps::Tokens(_) => "tokens",
        }
    }

    /// As [`Self::prepare_file`]; `None` for features that are NaN throughout,
    /// which a data set takes as absent.
    ///
    /// # Errors
    /// As of [`Self::prepare_file`].
    pub fn prepare_present(&self, path: &Path) -> Result<Option<Array>, DataError> {
        let place = |e: DataError| e.at(format_args!("modality `{}`", self.modality));
        self.check().map_err(place)?;
        let path_of = || path.to_owned();
        let source = match &self.steps {
            Steps::Audio(_) => Source::Wave { path: path_of(), span: None },
            Steps::Image(_) => Source::Picture { path: path_of() },
            Steps::Scene(steps) => steps.source(path_of()),
            Steps::Video(steps) => {
                Source::Film { path: path_of(), frame_width: steps.frame_width, span: None }
            }
            Steps::Vector(_) | Steps::Tokens(_) => {
                let Some(values) = self.features(path).map_err(|e| place(at(path, e)))? else {
                    return Ok(None);
                };
                return self.finished(&Raw::Vector(values), path).map(Some).map_err(place);
            }
        };
        let raw = self.steps.load(&source).map_err(place)?;
        self.finished(&raw, path).map(Some).map_err(place)
    }

    /// The array of a file that is read.
    fn finished(&self, raw: &Raw, path: &Path) -> Result<Array, DataError> {
        let mut array = self.arrange(raw, None).map_err(|e| at(path, e))?;
        self.normalise.apply(array.values_mut());
        Ok(array)
    }

    /// Prepares a file as samples of an evaluation split are: nothing random.
    ///
    /// Features are one array: a `.npy` file, or an `.npz` or safetensors file
    /// that names it as the modality or holds nothing else. Values that are no
    /// numbers are treated as in training.
    ///
    /// A data set that knows where in a file the word is (`grid`) shows that
    /// part in training; here the whole file counts as the word.
    ///
    /// # Errors
    /// If the file is absent, cannot be decoded or is too short, or if this
    /// preparation was changed by hand and its sizes do not fit each other.
    pub fn prepare_file(&self, path: &Path) -> Result<Array, DataError> {
        let nothing = || {
            let message = "every value is NaN, which stands for an absent modality";
            at(path, DataError::format(message)).at(format_args!("modality `{}`", self.modality))
        };
        self.prepare_present(path)?.ok_or_else(nothing)
    }

    /// The numbers of an array that somebody gives, held to the axes and the
    /// policy of training; `None` if all are NaN.
    fn features(&self, path: &Path) -> Result<Option<Vec<f64>>, DataError> {
        let array = self.array(path)?;
        match &self.steps {
            Steps::Vector(steps) => steps.admit(&array.shape)?,
            Steps::Tokens(steps) => steps.admit(&array.shape)?,
            _ => return Err(DataError::format(format!("expected {}, got an array", self.kind()))),
        }
        let mut values = array.doubles().ok_or_else(|| DataError::format("holds texts, expected numbers"))?;
        if values.iter().all(|value| value.is_nan()) {
            return Ok(None);
        }
        if let Steps::Vector(steps) = &self.steps {
            steps.nan.apply(&mut values)?;
        }
        Ok(Some(values))
    }

    /// The array of a file: the only one, or the one with the modality's name.
    fn array(&self, path: &Path) -> Result<NpyArray, DataError> {
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        if !matches!(ending.as_deref(), Some("npz" | "safetensors")) {
            return Ok(npy::decode(&read(path)?)?);
        }
        let mut archive = Archive::open(path)?;
        let names = archive.names();
        match names.as_slice() {
            [only] => archive.get(only),
            _ => archive.get(&self.modality),
        }
    }

    /// Refuses sizes that do not fit each other.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        match &self.steps {
            Steps::Audio(steps) => steps.check()?,
            Steps::Image(steps) => steps.check()?,
            Steps::Scene(steps) => steps.check()?,
            Steps::Video(steps) => steps.check()?,
            Steps::Vector(steps) => steps.check()?,
            Steps::Tokens(steps) => steps.check()?,
        }
        let shape = self.spec().shape;
        if !self.normalise.fits(shape[0]) {
            return Err(DataError::config(format!(
                "the normalisation does not fit {} channels; ImageNet's needs `channels` = 3",
                shape[0]
            )));
        }
        Ok(())
    }

    /// Whether a draw changes the result.
    pub(crate) fn random(&self) -> bool {
        match &self.steps {
            Steps::Audio(steps) => steps.random(),
            Steps::Image(_) | Steps::Scene(_) | Steps::Video(_) => true,
            Steps::Vector(_) | Steps::Tokens(_) => false,
        }
    }

    /// The array before normalisation.
    pub(crate) fn arrange(&self, raw: &Raw, chance: Option<AugmentKeys>) -> Result<Array, DataError> {
        let draw = chance.map(|chance| chance.own);
        let values = match (&self.steps, raw) {
            (Steps::Audio(steps), Raw::Wave { clip, span }) => steps.arrange(clip, *span, draw)?,
            (Steps::Image(steps), Raw::Picture(picture)) => steps.arrange(picture, draw)?,
            (Steps::Scene(steps), Raw::Picture(picture)) => steps.colour(picture, chance),
            (Steps::Scene(steps), Raw::Levels(levels)) => steps.numbers(levels, chance),
            (Steps::Video(steps), Raw::Film { frames, span }) => steps.arrange(frames, *span, draw)?,
            (Steps::Vector(steps), Raw::Vector(row)) => steps.arrange(row)?,
            (Steps::Tokens(steps), Raw::Vector(row)) => steps.arrange(row)?,
            (_, raw) => {
                return Err(DataError::format(format!("expected {}, got {}", self.kind(), raw.kind())));
            }
        };
        let ModalitySpec { mut shape, ragged, .. } = self.spec();
        if ragged {
            shape[0] = values.len() / shape[1..].iter().product::<usize>().max(1);
        }
        Array::new(shape, values).map_err(|cause| {
            DataError::shape("the prepared array does not have the announced shape").because(cause)
        })
    }
}

/// Names the file of an error.
fn at(path: &Path, error: DataError) -> DataError {
    error.at(format_args!("`{}`", path.display()))
}
