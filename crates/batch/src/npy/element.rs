//! How the bytes of an array's elements are read.

use super::{NpyArray, NpyError, Values};

/// How the bytes of one element are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE numbers of 2, 4 or 8 bytes.
    Float(usize),
    /// The upper half of a 32-bit float.
    Bfloat,
    /// Two's complement of 1, 2, 4 or 8 bytes.
    Signed(usize),
    /// Unsigned or truth values of 1, 2, 4 or 8 bytes.
    Unsigned(usize),
    /// UTF-32 texts of a number of characters.
    Wide(usize),
    /// Byte texts of a number of characters.
    Narrow(usize),
}

impl Element {
    /// The kind that NumPy calls so (`<f4`), and whether its bytes are big-endian; `None` if it holds
    /// neither numbers nor texts.
    pub fn named(descr: &str) -> Option<(Self, bool)> {
        let mut chars = descr.chars();
        let (order, kind) = (chars.next()?, chars.next()?);
        let size: usize = chars.as_str().parse().ok()?;
        let element = match (kind, size) {
            ('f', 2 | 4 | 8) => Self::Float(size),
            ('i', 1 | 2 | 4 | 8) => Self::Signed(size),
            ('u', 1 | 2 | 4 | 8) | ('b', 1) => Self::Unsigned(size),
            ('U', _) => Self::Wide(size),
            ('S', _) => Self::Narrow(size),
            _ => return None,
        };
        Some((element, order == '>'))
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Float(n) | Self::Signed(n) | Self::Unsigned(n) | Self::Narrow(n) => n,
            Self::Bfloat => 2,
            Self::Wide(n) => n.saturating_mul(4),
        }
    }

    /// Reads all elements of an array from little- or big-endian bytes.
    ///
    /// # Errors
    /// If the bytes are not as many as the shape asks for.
    pub fn decode(self, shape: Vec<usize>, bytes: &[u8], big_endian: bool) -> Result<NpyArray, NpyError> {
        let size = self.size();
        let expected = shape.iter().try_fold(size, |n, &side| n.checked_mul(side));
        if size == 0 || expected != Some(bytes.len()) {
            return Err(NpyError(format!(
                "an array of shape {shape:?} with {size} bytes an element does not fit the {} bytes that are there; \
                 the file is truncated or damaged",
                bytes.len()
            )));
        }
        let word = |chunk: &[u8]| {
            let push = |n: u64, &b: &u8| (n << 8) | u64::from(b);
            if big_endian { chunk.iter().fold(0, push) } else { chunk.iter().rev().fold(0, push) }
        };
        let words = bytes.chunks_exact(size);
        let values = match self {
            Self::Float(8) => Values::Double(words.map(|c| f64::from_bits(word(c))).collect()),
            Self::Float(2) => {
                Values::Real(words.map(|c| half::f16::from_bits(word(c) as u16).to_f32()).collect())
            }
            Self::Float(_) => Values::Real(words.map(|c| f32::from_bits(word(c) as u32)).collect()),
            Self::Bfloat => {
                Values::Real(words.map(|c| half::bf16::from_bits(word(c) as u16).to_f32()).collect())
            }
            Self::Signed(n) => {
                let unused = 64 - 8 * n as u32; // shifting up and down again extends the sign
                Values::Whole(words.map(|c| ((word(c) as i64) << unused) >> unused).collect())
            }
            Self::Unsigned(_) => Values::Whole(words.map(|c| signed(word(c))).collect::<Result<_, _>>()?),
            Self::Wide(_) => Values::Text(
                words
                    .map(|c| {
                        let text: String =
                            c.chunks_exact(4).filter_map(|u| char::from_u32(word(u) as u32)).collect();
                        text.trim_end_matches('\0').to_owned()
                    })
                    .collect(),
            ),
            Self::Narrow(_) => Values::Text(
                words.map(|c| String::from_utf8_lossy(c).trim_end_matches('\0').to_owned()).collect(),
            ),
        };
        Ok(NpyArray { shape, values })
    }
}

/// An unsigned number that 63 bits hold.
fn signed(number: u64) -> Result<i64, NpyError> {
    i64::try_from(number).map_err(|_| {
        NpyError(format!(
            "holds the whole number {number}, which is above {}; convert the array with .astype(\"float64\")",
            i64::MAX
        ))
    })
}
