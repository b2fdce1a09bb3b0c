//! Where one modality of one sample comes from.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::digest::Update;

use crate::decode::sound::Recording;
use crate::decode::{Bitmap, Clip, IdxImages, Levels, Wave};
use crate::error::{DataError, ErrorKind, regular};
use crate::folder::{Listing, list};
use crate::prepare::{Frames, Steps, frames_of_strip};
use crate::respell::respell;
use crate::rows::Rows;

/// A file, or a place in memory.
#[derive(Clone, Debug)]
pub enum Source {
    /// A recording and, if known, where in it the word is (samples).
    Wave { path: PathBuf, span: Option<(usize, usize)> },
    /// A picture file.
    Picture { path: PathBuf },
    /// A picture file whose values are numbers: class ids or depth.
    Levels { path: PathBuf },
    /// A film strip or folder of pictures and, if known, where in it the word is (frames).
    Film { path: PathBuf, frame_width: usize, span: Option<(f64, f64)> },
    /// One of many pictures in memory.
    Pixels { images: Arc<IdxImages>, index: usize },
    /// A stretch of an array in memory.
    Row { rows: Arc<Rows>, begin: usize, end: usize },
}

/// A decoded file.
#[derive(Clone, Debug)]
pub enum Raw {
    /// A recording, or as much of it as matters, with the word's place.
    Wave { clip: Clip, span: Option<(usize, usize)> },
    /// A picture.
    Picture(Bitmap),
    /// A picture of numbers.
    Levels(Levels),
    /// Frames with the word's place.
    Film { frames: Frames, span: Option<(f64, f64)> },
    /// Features.
    Vector(Vec<f64>),
}

impl Source {
    /// Reads and decodes what `steps` need of it.
    pub fn load(&self, steps: &Steps) -> Result<Raw, DataError> {
        let gone = || DataError::shape("lies beyond the end of its array");
        Ok(match self {
            Self::Wave { path, span } => {
                let Steps::Audio(steps) = steps else {
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
            Self::Picture { path } => Raw::Picture(Bitmap::read(path)?),
            Self::Levels { path } => Raw::Levels(Levels::read(path)?),
            Self::Film { path, frame_width, span } => {
                let frames = if path.is_dir() {
                    Frames::Files(pictures_in(path)?)
                } else {
                    let strip = frames_of_strip(&Bitmap::read(path)?, *frame_width);
                    Frames::Decoded(strip.map_err(|e| e.at(format_args!("`{}`", path.display())))?)
                };
                Raw::Film { frames, span: *span }
            }
            Self::Pixels { images, index } => Raw::Picture(images.bitmap(*index).ok_or_else(gone)?),
            Self::Row { rows, begin, end } => Raw::Vector(rows.get(*begin..*end).ok_or_else(gone)?),
        })
    }

    /// Decodes all files to their ends and keeps nothing.
    pub fn test(&self) -> Result<(), DataError> {
        match self {
            Self::Wave { path, .. } => Wave::read(path).map(drop),
            Self::Picture { path } => Bitmap::read(path).map(drop),
            Self::Levels { path } => Levels::read(path).map(drop),
            Self::Film { .. } => self.files()?.iter().try_for_each(|file| Bitmap::read(file).map(drop)),
            Self::Pixels { .. } | Self::Row { .. } => Ok(()),
        }
    }

    /// The rows of an in-memory array and the stretch that is meant.
    pub fn row(&self) -> Option<(&Rows, Range<usize>)> {
        match self {
            Self::Row { rows, begin, end } => Some((rows, *begin..*end)),
            _ => None,
        }
    }

    /// The file or folder, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Wave { path, .. }
            | Self::Picture { path }
            | Self::Levels { path }
            | Self::Film { path, .. } => Some(path),
            Self::Pixels { .. } | Self::Row { .. } => None,
        }
    }

    /// The files that are read; none for what is in memory.
    pub fn files(&self) -> Result<Vec<PathBuf>, DataError> {
        match self {
            Self::Film { path, .. } if path.is_dir() => pictures_in(path),
            _ => Ok(self.path().map(Path::to_owned).into_iter().collect()),
        }
    }

    /// Corrects the path if the file is there under another spelling.
    pub fn respell(&mut self) {
        let (Self::Wave { path, .. }
        | Self::Picture { path }
        | Self::Levels { path }
        | Self::Film { path, .. }) = self
        else {
            return;
        };
        if !path.exists()
            && let Some(found) = respell(path)
        {
            *path = found;
        }
    }

    /// Takes content and place into a hash; names of folders above are left out.
    pub fn hash(&self, hasher: &mut impl Update) -> Result<(), DataError> {
        let place = match self {
            Self::Wave { span: Some((a, b)), .. } => format!("wave {a} {b}"),
            Self::Wave { .. } => "wave".into(),
            Self::Film { span: Some((a, b)), .. } => format!("film {a} {b}"),
            Self::Film { .. } => "film".into(),
            Self::Picture { .. } | Self::Levels { .. } | Self::Pixels { .. } => "picture".into(),
            Self::Row { .. } => "row".into(),
        };
        field(hasher, place.as_bytes());
        match self {
            Self::Film { path, .. } if path.is_dir() => {
                for file in pictures_in(path)? {
                    hash_file(&file, hasher)?;
                }
            }
            Self::Wave { path, .. }
            | Self::Picture { path }
            | Self::Levels { path }
            | Self::Film { path, .. } => {
                hash_file(path, hasher)?;
            }
            Self::Pixels { images, index } => field(hasher, images.pixels(*index).unwrap_or_default()),
            Self::Row { rows, begin, end } => rows.hash(*begin..*end, hasher),
        }
        Ok(())
    }
}

impl Raw {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Wave { .. } => "audio",
            Self::Picture(_) => "image",
            Self::Levels(_) => "a picture of numbers",
            Self::Film { .. } => "video",
            Self::Vector(_) => "vector",
        }
    }

    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Wave { clip, .. } => clip.samples.len() * 4,
            Self::Picture(picture) => picture.pixels.len(),
            Self::Levels(levels) => levels.values.len() * 2,
            Self::Film { frames, .. } => frames.bytes(),
            Self::Vector(row) => row.len() * 8,
        }
    }
}

/// Takes a length and bytes into a hash, so that neighbours cannot run together.
pub fn field(hasher: &mut impl Update, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// Takes the content of a file into a hash, as [`field`] would, without holding it in memory.
fn hash_file(path: &Path, hasher: &mut impl Update) -> Result<(), DataError> {
    regular(path)?;
    let failed = |cause| DataError::io(path, cause);
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    hasher.update(&length.to_le_bytes());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Picture files of a folder in order of their names; numbers count as numbers.
fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let Listing { files, folders } = list(folder, &["png", "jpg", "jpeg"])?;
    if files.is_empty() {
        let below = folders.first().map_or_else(String::new, |below| {
            format!("; name the folder below it if they are in `{}`", below.display())
        });
        return Err(DataError::missing(format!(
            "the folder `{}` holds no PNG or JPEG picture{below}",
            folder.display()
        )));
    }
    Ok(files)
}
