//! The bytes of a pickle in order: small ones are read, large ones passed over.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::PickleError;

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub at: u64,
    /// Its length.
    pub bytes: u64,
}

impl Span {
    /// Reads a piece of it: `bytes` from `from` on.
    ///
    /// # Errors
    /// If the file ends before, or cannot be read.
    pub fn read<R: Read + Seek>(self, file: &mut R, from: u64, bytes: usize) -> io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(self.at + from))?;
        let mut content = Vec::new();
        file.take(bytes as u64).read_to_end(&mut content)?;
        if content.len() < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(content)
    }
}

/// Where the machine reads.
pub struct Tape<'a, R: Read + Seek> {
    file: BufReader<&'a mut R>,
    at: u64,
    end: u64,
}

pub const ENDS: &str = "its pickle ends too early";
/// Characters of a name.
const LINE: u64 = 1024;

impl<'a, R: Read + Seek> Tape<'a, R> {
    /// From where a file stands.
    pub fn new(file: &'a mut R) -> Result<Self, PickleError> {
        let at = file.stream_position().map_err(failed)?;
        let end = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        Ok(Self { file: BufReader::new(file), at, end })
    }

    /// Leaves the file where the tape stands.
    pub fn leave(mut self) -> Result<(), PickleError> {
        let at = self.at;
        self.file.seek(SeekFrom::Start(at)).map(drop).map_err(failed)
    }

    /// So many bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let mut bytes = [0; N];
        self.advance(N as u64)?;
        self.file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// A count of up to eight bytes.
    pub fn count<const N: usize>(&mut self) -> Result<u64, PickleError> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        Ok(u64::from_le_bytes(wide))
    }

    /// So many bytes, which are there.
    pub fn bytes(&mut self, count: u64) -> Result<Vec<u8>, PickleError> {
        self.advance(count)?;
        let mut bytes = vec![0; count as usize];
        self.file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// Passes over so many bytes and says where they are.
    pub fn skip(&mut self, count: u64) -> Result<Span, PickleError> {
        let at = self.at;
        self.advance(count)?;
        // No longer than the file.
        self.file.seek_relative(count as i64).map_err(failed)?;
        Ok(Span { at, bytes: count })
    }

    /// A name up to the end of its line.
    pub fn line(&mut self) -> Result<String, PickleError> {
        let mut line = Vec::new();
        loop {
            match self.array::<1>()? {
                [b'\n'] => return Ok(String::from_utf8_lossy(&line).into_owned()),
                [byte] => line.push(byte),
            }
            if line.len() as u64 > LINE {
                return Err(format!("it holds a name of more than {LINE} bytes").into());
            }
        }
    }

    fn advance(&mut self, count: u64) -> Result<(), PickleError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.end).ok_or(ENDS)?;
        self.at = end;
        Ok(())
    }
}

pub fn failed(cause: io::Error) -> PickleError {
    format!("cannot be read: {cause}").into()
}
