//! Text files of unknown encoding, and their lines.

use std::borrow::Cow;
use std::path::Path;

use crate::error::{DataError, read};

/// The text of a file without white space around it.
///
/// # Errors
/// If it is absent or of another encoding than [`decode`] takes.
pub fn document(path: &Path) -> Result<String, DataError> {
    text_of(&read(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
}

/// The same of the content of a file.
///
/// # Errors
/// As [`decode`].
pub fn text_of(bytes: &[u8]) -> Result<String, DataError> {
    Ok(decode(bytes)?.trim().to_owned())
}

/// The text of a file in UTF-8, or in UTF-16 with or without a byte-order mark.
///
/// # Errors
/// If it is of another encoding; single-byte ones cannot be told from one another.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DataError> {
    // In the first line, which is a header, every other byte of UTF-16 is 0.
    match *bytes {
        [0xFF, 0xFE, ref rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, ref rest @ ..] => wide(rest, u16::from_be_bytes),
        [first, 0, ..] if first != 0 => wide(bytes, u16::from_le_bytes),
        [0, second, ..] if second != 0 => wide(bytes, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|cause| {
                let line = bytes[..cause.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
                DataError::format(format!(
                    "line {line} is not UTF-8; save the file as UTF-8 (\"CSV UTF-8\" in a spreadsheet)"
                ))
                .because(cause)
            })
        }
    }
}

fn wide(bytes: &[u8], order: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, DataError> {
    let units = bytes.chunks_exact(2).map(|unit| order([unit[0], unit[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(Cow::Owned).map_err(|cause| {
        DataError::format("the file looks like UTF-16, but is damaged; save it as UTF-8").because(cause)
    })
}

/// Where the lines of a text begin.
pub struct Lines<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of a text; they end in `\n`, `\r\n` or `\r`.
    pub fn new(text: &'a str) -> Self {
        let text = text.as_bytes();
        let ends = |at: &usize| text[*at] == b'\n' || text[*at] == b'\r' && text.get(at + 1) != Some(&b'\n');
        let starts = std::iter::once(0).chain((0..text.len()).filter(ends).map(|at| at + 1)).collect();
        Self { text, starts }
    }

    /// The line, from 1, of the first content at a place or after it.
    pub fn at(&self, place: usize) -> usize {
        let rest = self.text.get(place..).unwrap_or_default();
        let content = place + rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.starts.partition_point(|start| *start <= content)
    }
}
