//! Where one modality of one sample comes from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::digest::Update;

use crate::decode::{Bitmap, IdxImages, Levels, Wave};
use crate::error::DataError;
use crate::folder::{Listing, list};
use crate::hash;
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

impl Source {
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
        hash::field(hasher, place.as_bytes());
        match self {
            Self::Film { path, .. } if path.is_dir() => {
                for file in pictures_in(path)? {
                    hash::file(&file, hasher)?;
                }
            }
            Self::Wave { path, .. }
            | Self::Picture { path }
            | Self::Levels { path }
            | Self::Film { path, .. } => {
                hash::file(path, hasher)?;
            }
            Self::Pixels { images, index } => hash::field(hasher, images.pixels(*index).unwrap_or_default()),
            Self::Row { rows, begin, end } => rows.hash(*begin..*end, hasher),
        }
        Ok(())
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
