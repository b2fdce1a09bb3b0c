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

/// Where one modality of one sample comes from: a file, or a place in memory.
#[derive(Clone, Debug)]
pub enum Source {
    /// A recording.
    Wave {
        /// The file.
        path: PathBuf,
        /// Where in it the sample is, from and to, in samples of the file; `None` = everywhere.
        span: Option<(usize, usize)>,
    },
    /// A picture.
    Picture {
        /// The file.
        path: PathBuf,
    },
    /// A picture whose values are numbers: class ids or depth.
    Levels {
        /// The file.
        path: PathBuf,
    },
    /// A film strip, or a folder of pictures.
    Film {
        /// The file or folder.
        path: PathBuf,
        /// Width of one frame of a strip, in pixels.
        frame_width: usize,
        /// Where in it the sample is, from and to, in frames; `None` = everywhere.
        span: Option<(f64, f64)>,
    },
    /// One of many pictures in memory.
    Pixels {
        /// The pictures.
        images: Arc<IdxImages>,
        /// Which one.
        index: usize,
    },
    /// A stretch of an array in memory.
    TableRow {
        /// The array.
        rows: Arc<Rows>,
        /// Where the stretch begins.
        begin: usize,
        /// Where it ends.
        end: usize,
    },
}

impl Source {
    /// Numbers of this sample alone.
    pub fn row(values: Vec<f32>) -> Self {
        let end = values.len();
        Self::TableRow { rows: Arc::new(Rows::plain(values)), begin: 0, end }
    }

    /// Decodes all files to their ends and keeps nothing.
    pub(crate) fn test(&self) -> Result<(), DataError> {
        match self {
            Self::Wave { path, .. } => Wave::read(path).map(drop),
            Self::Picture { path } => Bitmap::read(path).map(drop),
            Self::Levels { path } => Levels::read(path).map(drop),
            Self::Film { .. } => self.files()?.iter().try_for_each(|file| Bitmap::read(file).map(drop)),
            Self::Pixels { .. } | Self::TableRow { .. } => Ok(()),
        }
    }

    /// Takes what the files decode to into a hash: not how they are encoded, nor
    /// what stands beside it in them. Grey and its three equal colours are the same.
    ///
    /// # Errors
    /// If a file cannot be decoded.
    pub fn hash_decoded(&self, hasher: &mut impl Update) -> Result<(), DataError> {
        let bitmap = |path: &Path, hasher: &mut _| -> Result<(), DataError> {
            let picture = Bitmap::read(path)?.with_channels(3);
            hash::field(hasher, format!("{} {}", picture.width, picture.height).as_bytes());
            hash::field(hasher, &picture.pixels);
            Ok(())
        };
        match self {
            Self::Wave { path, span } => {
                let wave = Wave::read(path)?;
                hash::field(hasher, format!("wave {} {span:?}", wave.rate).as_bytes());
                let bytes: Vec<u8> = wave.samples.iter().flat_map(|v| v.to_le_bytes()).collect();
                hash::field(hasher, &bytes);
                Ok(())
            }
            Self::Levels { path } => {
                let Levels { width, height, bits, values, .. } = Levels::read(path)?;
                hash::field(hasher, format!("levels {width} {height} {bits}").as_bytes());
                hash::field(hasher, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
                Ok(())
            }
            Self::Picture { path } => bitmap(path, hasher),
            Self::Film { span, .. } => {
                hash::field(hasher, format!("film {span:?}").as_bytes());
                self.files()?.iter().try_for_each(|file| bitmap(file, hasher))
            }
            Self::Pixels { .. } | Self::TableRow { .. } => self.hash(hasher),
        }
    }

    /// The rows of an in-memory array and the stretch that is meant.
    pub(crate) fn stretch(&self) -> Option<(&Rows, Range<usize>)> {
        match self {
            Self::TableRow { rows, begin, end } => Some((rows, *begin..*end)),
            _ => None,
        }
    }

    /// The file or folder, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Wave { path, .. }
            | Self::Picture { path }
            | Self::Levels { path }
            | Self::Film { path, .. } => Some(path),
            Self::Pixels { .. } | Self::TableRow { .. } => None,
        }
    }

    /// The files that are read; none for what is in memory.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, DataError> {
        match self {
            Self::Film { path, .. } if path.is_dir() => pictures_in(path),
            _ => Ok(self.path().map(Path::to_owned).into_iter().collect()),
        }
    }

    /// Corrects the path if the file is there under another spelling.
    pub(crate) fn respell(&mut self) {
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

    /// Which part of its file it is, for hashes.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Wave { span: Some((a, b)), .. } => format!("wave {a} {b}"),
            Self::Wave { .. } => "wave".into(),
            Self::Film { span: Some((a, b)), .. } => format!("film {a} {b}"),
            Self::Film { .. } => "film".into(),
            Self::Picture { .. } | Self::Levels { .. } | Self::Pixels { .. } => "picture".into(),
            Self::TableRow { .. } => "row".into(),
        }
    }

    /// Takes content and place into a hash; names of folders above are left out.
    pub(crate) fn hash(&self, hasher: &mut impl Update) -> Result<(), DataError> {
        hash::field(hasher, self.place().as_bytes());
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
            Self::TableRow { rows, begin, end } => rows.hash(*begin..*end, hasher),
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
            "the folder `{}` does not contain a PNG or JPEG picture{below}",
            folder.display()
        )));
    }
    Ok(files)
}
