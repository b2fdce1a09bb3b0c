//! Decoded files, before they are arranged.

use std::sync::Arc;

use super::Frames;
use crate::decode::{Bitmap, Clip, Levels};

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
    /// Cells of a list, or the text of a file.
    Cells(Arc<[String]>),
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
            Self::Cells(_) => "text",
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
            Self::Cells(cells) => cells.iter().map(String::len).sum(),
        }
    }
}
