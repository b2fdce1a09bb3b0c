//! The idx format of MNIST: big-endian sizes, then bytes; gzip or plain.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::Bitmap;
use crate::error::{DataError, read};

/// Grey pictures of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxImages {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl IdxImages {
    /// Reads `*-images-idx3-ubyte` or the same as `.gz`.
    ///
    /// # Errors
    /// If the file is absent, is not an idx file of unsigned bytes with three
    /// axes, or its length is not what its header says.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::decode(&read(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
    }

    fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        let mut plain = Vec::new();
        if bytes.starts_with(&[0x1F, 0x8B]) {
            let mut decoder = GzDecoder::new(bytes);
            decoder.read_to_end(&mut plain).map_err(|cause| {
                DataError::format("the gzip file is truncated or damaged; copy it again").because(cause)
            })?;
        } else {
            plain.extend_from_slice(bytes);
        }
        let [0, 0, 8, 3, rest @ ..] = plain.as_slice() else {
            return Err(DataError::format("is not an idx file of pictures (unsigned bytes with three axes)"));
        };
        let Some((header, pixels)) = rest.split_at_checked(12) else {
            return Err(DataError::format("the idx header is truncated"));
        };
        let side = |i: usize| header[i..i + 4].iter().fold(0, |n, &b| (n << 8) | usize::from(b));
        let (count, height, width) = (side(0), side(4), side(8));
        let expected = count.checked_mul(height).and_then(|n| n.checked_mul(width));
        if expected != Some(pixels.len()) || pixels.is_empty() {
            return Err(DataError::format(format!(
                "the idx header announces {count} pictures of {height} x {width}, but the file has {} bytes of pixels",
                pixels.len()
            )));
        }
        Ok(Self { width, height, pixels: pixels.to_vec() })
    }

    /// Number of pictures.
    pub fn count(&self) -> usize {
        self.pixels.len() / (self.width * self.height)
    }

    /// Pixels of one picture; `None` beyond the end.
    pub fn pixels(&self, index: usize) -> Option<&[u8]> {
        self.pixels.chunks_exact(self.width * self.height).nth(index)
    }

    /// One picture; `None` beyond the end.
    pub fn bitmap(&self, index: usize) -> Option<Bitmap> {
        let pixels = self.pixels(index)?.to_vec();
        Some(Bitmap { width: self.width, height: self.height, channels: 1, pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: [u8; 20] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];

    #[test]
    fn pictures_come_in_order() {
        let images = IdxImages::decode(&FILE).unwrap();
        assert_eq!((images.count(), images.pixels(1)), (2, Some(&[3, 4][..])));
        assert!(images.bitmap(2).is_none());
    }

    #[test]
    fn cut_off_or_foreign_files_are_errors() {
        let message = |bytes: &[u8]| IdxImages::decode(bytes).unwrap_err().to_string();
        assert!(message(&FILE[..19]).contains("announces 2 pictures of 1 x 2, but the file has 3 bytes"));
        assert!(message(&FILE[..9]).contains("header is truncated"));
        assert!(message(&[0, 0, 8, 1, 0]).contains("not an idx file of pictures"));
        assert!(message(&[0x1F, 0x8B, 8]).contains("gzip file is truncated"));
    }
}
