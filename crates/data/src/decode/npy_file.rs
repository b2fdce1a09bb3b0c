//! A `.npy` file whose values stay on the disc: stretches of it are read when they are needed.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use counterpoint_batch::npy::{Element, Head};

use crate::error::{DataError, regular};

/// An opened file; reading from it needs no lock.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyFile {
    path: PathBuf,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The kind of its numbers.
    pub element: Element,
    big_endian: bool,
    begin: u64,
}

impl NpyFile {
    /// Reads the header.
    ///
    /// # Errors
    /// If the file holds no row-major array of numbers, or is shorter than its header says.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        regular(path)?;
        let io = |cause| DataError::io(path, cause);
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut bytes = Vec::new();
        file.take(Head::MOST).read_to_end(&mut bytes).map_err(io)?;
        let head = Head::read(&bytes)?;
        let begin = head.begin as u64;
        if begin.checked_add(head.bytes() as u64).is_none_or(|end| end > size) {
            return Err(DataError::format(format!(
                "has {size} bytes, an array of shape {:?} with {} bytes an element needs {}; the file is truncated or \
                 damaged",
                head.shape,
                head.element.size(),
                begin.saturating_add(head.bytes() as u64)
            )));
        }
        if matches!(head.element, Element::Wide(_) | Element::Narrow(_)) {
            return Err(DataError::format("holds texts, expected numbers"));
        }
        if head.fortran && head.shape.len() > 1 {
            return Err(DataError::format(
                "is column-major, so a sample is not in one place; save numpy.ascontiguousarray of it",
            ));
        }
        let Head { shape, element, big_endian, .. } = head;
        Ok(Self { path: path.to_owned(), shape, element, big_endian, begin })
    }

    /// The numbers of a stretch.
    ///
    /// # Errors
    /// If it ends beyond the array, or the file cannot be read any more.
    pub fn read(&self, at: Range<usize>) -> Result<Vec<f64>, DataError> {
        let mut bytes = vec![0; at.len() * self.element.size()];
        let mut file = self.at(at.start)?;
        file.read_exact(&mut bytes).map_err(|cause| self.changed(cause))?;
        self.numbers(&bytes)
    }

    /// Hands over all numbers in their order, `stride` at a time.
    ///
    /// # Errors
    /// If the file cannot be read any more.
    pub fn each(&self, stride: usize, mut with: impl FnMut(usize, &[f64])) -> Result<(), DataError> {
        let mut file = BufReader::with_capacity(1 << 20, self.at(0)?);
        let mut bytes = vec![0; stride * self.element.size()];
        let count = self.shape.iter().product::<usize>() / stride.max(1);
        for number in 0..count {
            file.read_exact(&mut bytes).map_err(|cause| self.changed(cause))?;
            with(number, &self.numbers(&bytes)?);
        }
        Ok(())
    }

    fn at(&self, place: usize) -> Result<File, DataError> {
        let io = |cause| DataError::io(&self.path, cause);
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(self.begin + (place * self.element.size()) as u64)).map_err(io)?;
        Ok(file)
    }

    fn numbers(&self, bytes: &[u8]) -> Result<Vec<f64>, DataError> {
        let array = self.element.decode(vec![bytes.len() / self.element.size()], bytes, self.big_endian)?;
        array.doubles().ok_or_else(|| DataError::format("holds texts, expected numbers"))
    }

    fn changed(&self, cause: std::io::Error) -> DataError {
        let message = format!("`{}` is shorter than when it was opened", self.path.display());
        DataError::format(message).because(cause)
    }
}
