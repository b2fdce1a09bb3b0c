//! What a page shows of one modality of a sample.

use super::picture::{frames, spectrogram, thumbnail, unpacked, wave};
use crate::decode::{document, text_of};
use crate::error::DataError;
use crate::media::Extract;
use crate::prepare::Frames;
use crate::source::{Holds, Source};

/// Characters of a text that are shown.
const LONGEST: usize = 240;

/// A modality of a sample, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sketch {
    /// A small picture, PNG: the first, the middle and the last frame of a film, and of a recording the spectrogram of
    /// its first ten seconds, low frequencies below, loud is bright, down to 80 dB below the loudest.
    Picture(Vec<u8>),
    /// The begin of a text in one line, or the cells of categories.
    Text(String),
}

impl Sketch {
    /// Of a source, or of what ffmpeg took out of it; `None` of numbers.
    ///
    /// # Errors
    /// If it cannot be decoded.
    pub fn of(source: &Source, extract: Option<&Extract>) -> Result<Option<Self>, DataError> {
        Ok(Some(match source {
            Source::Wave { .. } | Source::Packed { holds: Holds::Wave, .. } => {
                Self::Picture(spectrogram(wave(source, extract)?)?)
            }
            Source::Cells { cells } => Self::Text(excerpt(&cells.join(", "))),
            Source::Document { path } => Self::Text(excerpt(&document(path)?)),
            Source::Packed { members, holds: Holds::Text } => {
                Self::Text(excerpt(&unpacked(members, text_of)?))
            }
            Source::TableRow { .. } => return Ok(None),
            Source::Pixels { images, index } => {
                let Some(picture) = images.bitmap(*index) else { return Ok(None) };
                Self::Picture(thumbnail(&Frames::Decoded(vec![picture]))?)
            }
            _ => Self::Picture(thumbnail(&frames(source, extract)?)?),
        }))
    }
}

/// The begin of a text, with single blanks for all white space.
fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(LONGEST).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_line_and_cut_between_characters() {
        assert_eq!(excerpt(" how\n\tnice  "), "how nice");
        assert_eq!(excerpt(&"ä".repeat(LONGEST)), "ä".repeat(LONGEST));
        assert_eq!(excerpt(&"ä ".repeat(1000)), format!("{}...", "ä ".repeat(LONGEST / 2).trim_end()));
    }
}
