//! Where one modality of one sample comes from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::Sha256;
use sha2::digest::Update;

use crate::decode::shard::Member;
use crate::decode::{Bitmap, IdxImages, Levels, Wave, document, text_of};
use crate::error::DataError;
use crate::folder::{Listing, list};
use crate::hash;
use crate::media::{Extract, Input, Want, extract, foreign};
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
    /// Texts of a list: one text, or one category for each column.
    Cells {
        /// The texts.
        cells: Arc<[String]>,
    },
    /// A text file.
    Document {
        /// The file.
        path: PathBuf,
    },
    /// Files inside an archive.
    Packed {
        /// The files: one, or the frames of a film in order.
        members: Arc<[Member]>,
        /// What they are.
        holds: Holds,
    },
}

/// What files inside an archive are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A recording.
    Wave,
    /// A picture.
    Picture,
    /// A film strip.
    Strip {
        /// Width of one frame, in pixels.
        frame_width: usize,
    },
    /// The frames of a film.
    Frames,
    /// A text.
    Text,
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
            Self::Document { path } => document(path).map(drop),
            Self::Packed { .. } => self.hash_decoded(None, &mut Sha256::default()),
            Self::Pixels { .. } | Self::TableRow { .. } | Self::Cells { .. } => Ok(()),
        }
    }

    /// Takes what the files decode to into a hash: not how they are encoded, nor
    /// what stands beside it in them. Grey and its three equal colours are the same.
    /// Of what only ffmpeg reads it is what was taken out of it.
    ///
    /// # Errors
    /// If a file cannot be decoded.
    pub(crate) fn hash_decoded(
        &self,
        extract: Option<&Extract>,
        hasher: &mut impl Update,
    ) -> Result<(), DataError> {
        let picture = |picture: Bitmap, hasher: &mut _| {
            let picture = picture.with_channels(3);
            hash::field(hasher, format!("{} {}", picture.width, picture.height).as_bytes());
            hash::field(hasher, &picture.pixels);
        };
        let sound = |wave: &Wave, span: &Option<(usize, usize)>, hasher: &mut _| {
            hash::field(hasher, format!("wave {} {span:?}", wave.rate).as_bytes());
            let bytes: Vec<u8> = wave.samples.iter().flat_map(|v| v.to_le_bytes()).collect();
            hash::field(hasher, &bytes);
        };
        let text = |text: &str, hasher: &mut _| {
            hash::field(hasher, b"text");
            hash::field(hasher, text.as_bytes());
        };
        if let Some(Extract { files, .. }) = extract {
            let wave = matches!(self, Self::Wave { .. } | Self::Packed { holds: Holds::Wave, .. });
            if matches!(self, Self::Film { .. } | Self::Packed { holds: Holds::Strip { .. }, .. }) {
                hash::field(hasher, b"film None");
            }
            for file in files {
                match wave {
                    true => sound(&Wave::decode(file)?, &None, hasher),
                    false => picture(Bitmap::decode(file)?, hasher),
                }
            }
            return Ok(());
        }
        match self {
            Self::Wave { path, span } => {
                sound(&Wave::read(path)?, span, hasher);
                Ok(())
            }
            Self::Levels { path } => {
                let Levels { width, height, bits, values, .. } = Levels::read(path)?;
                hash::field(hasher, format!("levels {width} {height} {bits}").as_bytes());
                hash::field(hasher, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
                Ok(())
            }
            Self::Picture { path } => {
                picture(Bitmap::read(path)?, hasher);
                Ok(())
            }
            Self::Film { span, .. } => {
                hash::field(hasher, format!("film {span:?}").as_bytes());
                for file in self.files()? {
                    picture(Bitmap::read(&file)?, hasher);
                }
                Ok(())
            }
            Self::Document { path } => {
                text(&document(path)?, hasher);
                Ok(())
            }
            Self::Packed { members, holds } => {
                if matches!(holds, Holds::Strip { .. } | Holds::Frames) {
                    hash::field(hasher, b"film None");
                }
                for member in members.iter() {
                    let bytes = member.read()?;
                    let place = |e: DataError| e.at(member.place());
                    match holds {
                        Holds::Wave => sound(&Wave::decode(&bytes).map_err(place)?, &None, hasher),
                        Holds::Text => text(&text_of(&bytes).map_err(place)?, hasher),
                        Holds::Picture | Holds::Strip { .. } | Holds::Frames => {
                            picture(Bitmap::decode(&bytes).map_err(place)?, hasher);
                        }
                    }
                }
                Ok(())
            }
            Self::Pixels { .. } | Self::TableRow { .. } | Self::Cells { .. } => self.hash(hasher),
        }
    }

    /// The one file that ffmpeg can read it from, or its stretch of an archive.
    pub(crate) fn input(&self) -> Option<Input<'_>> {
        match self {
            Self::Wave { path, span: None } | Self::Picture { path } => Some(path.as_path().into()),
            Self::Film { path, span: None, .. } if path.is_file() => Some(path.as_path().into()),
            Self::Packed { members, .. } => match members.as_ref() {
                [member] => Some(Input {
                    path: &member.shard,
                    stretch: Some([member.begin, member.begin.checked_add(member.length)?]),
                }),
                _ => None,
            },
            _ => None,
        }
    }

    /// What is wanted of it, decoded now; `None` if it is read without ffmpeg.
    pub(crate) fn extract(&self, want: Option<Want>) -> Result<Option<Extract>, DataError> {
        let (Some(want), Some(input)) = (want, self.input()) else { return Ok(None) };
        let place = self.place().unwrap_or_default();
        let foreign = foreign(input, want)?;
        foreign.map(|_| extract(input, want, &place).map_err(|e| e.at(&place))).transpose()
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
            | Self::Film { path, .. }
            | Self::Document { path } => Some(path),
            Self::Pixels { .. } | Self::TableRow { .. } | Self::Cells { .. } | Self::Packed { .. } => None,
        }
    }

    /// The file that holds it, and where it lies there if that is an archive; `None` if it is in memory.
    pub(crate) fn stored(&self) -> Option<(&Path, &[Member])> {
        match self {
            Self::Packed { members, .. } => Some((&members.first()?.shard, members)),
            _ => self.path().map(|path| (path, [].as_slice())),
        }
    }

    /// What it is read from, for messages; `None` if it is in memory.
    pub(crate) fn place(&self) -> Option<String> {
        match self {
            Self::Packed { members, .. } => members.first().map(Member::place),
            _ => self.path().map(|path| format!("`{}`", path.display())),
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
        | Self::Film { path, .. }
        | Self::Document { path }) = self
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
    pub(crate) fn part(&self) -> String {
        match self {
            Self::Wave { span: Some((a, b)), .. } => format!("wave {a} {b}"),
            Self::Wave { .. } => "wave".into(),
            Self::Film { span: Some((a, b)), .. } => format!("film {a} {b}"),
            Self::Film { .. } => "film".into(),
            Self::Picture { .. } | Self::Levels { .. } | Self::Pixels { .. } => "picture".into(),
            Self::TableRow { .. } => "row".into(),
            Self::Cells { .. } | Self::Document { .. } => "text".into(),
            Self::Packed { holds, .. } => match holds {
                Holds::Wave => "wave".into(),
                Holds::Picture => "picture".into(),
                Holds::Strip { .. } | Holds::Frames => "film".into(),
                Holds::Text => "text".into(),
            },
        }
    }

    /// Takes content and place into a hash; names of folders above are left out.
    pub(crate) fn hash(&self, hasher: &mut impl Update) -> Result<(), DataError> {
        hash::field(hasher, self.part().as_bytes());
        match self {
            Self::Film { path, .. } if path.is_dir() => {
                for file in pictures_in(path)? {
                    hash::file(&file, hasher)?;
                }
            }
            Self::Wave { path, .. }
            | Self::Picture { path }
            | Self::Levels { path }
            | Self::Document { path }
            | Self::Film { path, .. } => {
                hash::file(path, hasher)?;
            }
            Self::Pixels { images, index } => hash::field(hasher, images.pixels(*index).unwrap_or_default()),
            Self::TableRow { rows, begin, end } => rows.hash(*begin..*end, hasher)?,
            Self::Packed { members, .. } => {
                for member in members.iter() {
                    hash::field(hasher, &member.read()?);
                }
            }
            Self::Cells { cells } => cells.iter().for_each(|cell| hash::field(hasher, cell.as_bytes())),
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
