//! Recordings: what the header says first, sound only as far as it is asked for.
//!
//! WAV in all its containers is read here, because data sets hold what
//! recorders and pipes write; FLAC, MP3 and Ogg Vorbis are decoded by symphonia.

mod coded;
mod pcm;
mod riff;

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use symphonia::core::io::MediaSource;

use self::coded::Coded;
use self::pcm::Layout;
use super::kind::{self, Family};
use crate::error::{DataError, HEAD, regular};

/// Sampling rates that are believed; others mean a damaged header.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// Where a recording lies; opened anew by every pass over it.
#[derive(Clone, Debug)]
pub enum Origin {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

/// A recording whose header is read.
pub struct Recording {
    origin: Origin,
    format: Format,
    /// Frames per second.
    pub rate: u32,
}

enum Format {
    Wave(Layout),
    Coded,
}

impl Origin {
    fn open(&self) -> Result<Box<dyn MediaSource>, DataError> {
        Ok(match self {
            Self::File(path) => {
                regular(path)?;
                Box::new(File::open(path).map_err(|cause| DataError::io(path, cause))?)
            }
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

impl Recording {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// If the file is absent, of another kind, damaged, or cut off.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::of(Origin::File(path.to_owned()))
    }

    /// Reads the header of a content.
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn of(origin: Origin) -> Result<Self, DataError> {
        let (mut source, mut head) = (origin.open()?, Vec::new());
        source.by_ref().take(HEAD).read_to_end(&mut head).map_err(unreadable)?;
        source.rewind().map_err(unreadable)?;
        let (format, channels, rate) = if riff::is(&head) {
            let layout = Layout::read(&mut *source)?;
            let (channels, rate) = (layout.channels, layout.rate);
            (Format::Wave(layout), channels, rate)
        } else {
            match kind::of(&head) {
                Some(("a FLAC recording" | "an Ogg recording" | "an MP3 recording", _)) => {
                    let coded = Coded::open(source)?;
                    (Format::Coded, coded.channels, coded.rate)
                }
                _ => return Err(kind::refuse(&head, Family::Sound)),
            }
        };
        if channels == 0 || !RATES.contains(&rate) {
            return Err(DataError::format(format!(
                "the header says {channels} channels at {rate} Hz, expected at least one at {} to {} Hz",
                RATES.start(),
                RATES.end()
            )));
        }
        Ok(Self { origin, format, rate })
    }

    /// Number of frames where the header is enough to know it.
    pub fn known_length(&self) -> Option<usize> {
        match &self.format {
            Format::Wave(layout) => Some(layout.frames()),
            Format::Coded => None,
        }
    }

    /// Number of frames. For compressed recordings all of it is decoded, but not kept.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn length(&self) -> Result<usize, DataError> {
        match &self.format {
            Format::Wave(layout) => Ok(layout.frames()),
            Format::Coded => Coded::open(self.origin.open()?)?.length(),
        }
    }

    /// The mean of all channels over a stretch of frames; less where the recording ends.
    ///
    /// # Errors
    /// If it is damaged there, or holds numbers that are not finite.
    pub fn read(&self, frames: Range<usize>) -> Result<Vec<f32>, DataError> {
        let mut source = self.origin.open()?;
        let samples = match &self.format {
            Format::Wave(layout) => pcm::read(&mut *source, layout, frames.clone())?,
            Format::Coded => Coded::open(source)?.read(frames.clone())?,
        };
        // Without a way out in the middle, this becomes vectors.
        if samples.iter().fold(true, |finite, v| finite & v.is_finite()) {
            return Ok(samples);
        }
        match samples.iter().position(|v| !v.is_finite()) {
            Some(bad) => Err(DataError::format(format!(
                "sample {} of the recording is not a finite number",
                frames.start + bad
            ))),
            None => Ok(samples),
        }
    }
}

/// Whether a file is WAV, whose header tells how long it is.
pub fn is_wave(file: &mut (impl Read + Seek)) -> std::io::Result<bool> {
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(riff::is(&head))
}

/// The operating system failed in the middle of a file.
fn unreadable(cause: std::io::Error) -> DataError {
    DataError::format("the recording cannot be read; copy it again").because(cause)
}

/// The mean of the channels of interleaved values, as librosa does.
fn mono(values: &[f32], channels: usize) -> impl Iterator<Item = f32> {
    values.chunks_exact(channels.max(1)).map(move |frame| match frame {
        [one] => *one,
        all => all.iter().sum::<f32>() / channels as f32,
    })
}
