//! Little-endian numbers in a row of bytes.

use crate::error::FormatError;

/// Bytes that are taken from the front.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// So many bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or("is truncated or damaged: a part ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of up to eight bytes.
    pub fn number(&mut self, bytes: usize) -> Result<u64, FormatError> {
        let mut wide = [0; 8];
        wide.get_mut(..bytes).ok_or("holds numbers of more than 8 bytes")?.copy_from_slice(self.take(bytes)?);
        Ok(u64::from_le_bytes(wide))
    }

    /// A byte.
    pub fn byte(&mut self) -> Result<u8, FormatError> {
        Ok(self.take(1)?[0])
    }

    /// A number of two bytes.
    pub fn short(&mut self) -> Result<usize, FormatError> {
        Ok(self.number(2)? as usize)
    }

    /// A number of four bytes.
    pub fn word(&mut self) -> Result<usize, FormatError> {
        Ok(self.number(4)? as usize)
    }
}
