//! What is done to each kind of modality, and how its files are read and decoded for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AudioSteps, CategorySteps, Frames, ImageSteps, Raw, SceneSteps, TextSteps, TokenSteps, VectorSteps,
    VideoSteps, frames_of_strip,
};
use crate::decode::Clip;
use crate::decode::sound::{Origin, Recording};
use crate::decode::{Bitmap, Levels, document, text_of};
use crate::error::{DataError, ErrorKind};
use crate::media::{self, Extract, FilmRule, Want};
use crate::source::{Holds, Source};

/// Bytes from which on a text of a list is hardly written twice.
const TELLING: usize = 40;

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
    /// Text.
    Text(TextSteps),
    /// Categories: cells of a CSV.
    Category(CategorySteps),
}

impl Steps {
    /// Whether two samples with the same content are likely to be one. Many people are 30 years old,
    /// and many answer "yes".
    pub(crate) fn telling(&self, source: &Source) -> bool {
        match (self, source) {
            (Self::Category(_), _) => false,
            (Self::Vector(steps), _) => steps.names.is_empty(),
            (Self::Text(_), Source::Cells { cells }) => {
                cells.iter().map(String::len).sum::<usize>() >= TELLING
            }
            _ => true,
        }
    }

    /// Whether files are decoded, which takes long, by settings that nothing is fitted into.
    pub(crate) fn decodes(&self) -> bool {
        match self {
            Self::Audio(_) | Self::Image(_) | Self::Scene(_) | Self::Video(_) => true,
            Self::Vector(_) | Self::Tokens(_) | Self::Text(_) | Self::Category(_) => false,
        }
    }

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
    ///
    /// `extract` is what ffmpeg took out of it for [`Self::want`], where it is not read here.
    pub(crate) fn load(&self, source: &Source, extract: Option<Extract>) -> Result<Raw, DataError> {
        if let Some(Extract { files, .. }) = extract {
            return self.taken(files).map_err(|e| e.at(source.place().unwrap_or_default()));
        }
        let gone = || DataError::shape("lies beyond the end of its array");
        Ok(match source {
            Source::Wave { path, span } => {
                let clip = self.clip(Origin::File(path.clone()), *span);
                Raw::Wave { clip: clip.map_err(|e| e.at(format_args!("`{}`", path.display())))?, span: *span }
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
            Source::TableRow { rows, begin, end } => Raw::Vector(rows.get(*begin..*end)?),
            Source::Cells { cells } => Raw::Cells(Arc::clone(cells)),
            Source::Document { path } => Raw::Cells([document(path)?].into()),
            Source::Packed { members, holds: Holds::Frames } => {
                Raw::Film { frames: Frames::Packed(Arc::clone(members)), span: None }
            }
            Source::Packed { members, holds } => {
                let member = members.first().ok_or_else(gone)?;
                self.unpack(&member.read()?, *holds).map_err(|e| e.at(member.place()))?
            }
        })
    }

    /// What these steps want of a film, or of a recording of another kind than they read.
    pub(crate) fn want(&self) -> Option<Want> {
        match self {
            Self::Audio(steps) => Some(Want::Sound(steps.rate)),
            // The frame in the middle.
            Self::Image(_) => {
                Some(Want::Film(FilmRule { frames: media::Frames::Spread(1), ..FilmRule::default() }))
            }
            Self::Video(steps) => Some(Want::Film(steps.film)),
            _ => None,
        }
    }

    /// What was taken out of a film.
    fn taken(&self, files: Vec<Vec<u8>>) -> Result<Raw, DataError> {
        if let Self::Video(_) = self {
            return Ok(Raw::Film { frames: Frames::Taken(files), span: None });
        }
        let nothing = || DataError::new(ErrorKind::Internal, "nothing was taken out of the file");
        let file = files.into_iter().next().ok_or_else(nothing)?;
        match self {
            Self::Audio(_) => {
                Ok(Raw::Wave { clip: self.clip(Origin::Memory(file.into()), None)?, span: None })
            }
            _ => Bitmap::decode(&file).map(Raw::Picture),
        }
    }

    /// As much of a recording as these steps need.
    fn clip(&self, origin: Origin, span: Option<(usize, usize)>) -> Result<Clip, DataError> {
        let Self::Audio(steps) = self else {
            return Err(DataError::new(ErrorKind::Internal, "a recording that is not prepared as sound"));
        };
        let recording = Recording::of(origin)?;
        let needed = steps.needed(recording.rate, span, || recording.length())?;
        Clip::read(&recording, needed)
    }

    /// Decodes a file of an archive.
    fn unpack(&self, bytes: &[u8], holds: Holds) -> Result<Raw, DataError> {
        Ok(match holds {
            Holds::Wave => Raw::Wave { clip: self.clip(Origin::Memory(bytes.into()), None)?, span: None },
            Holds::Picture | Holds::Frames => Raw::Picture(Bitmap::decode(bytes)?),
            Holds::Strip { frame_width } => {
                let frames = Frames::Decoded(frames_of_strip(&Bitmap::decode(bytes)?, frame_width)?);
                Raw::Film { frames, span: None }
            }
            Holds::Text => Raw::Cells([text_of(bytes)?].into()),
        })
    }
}
