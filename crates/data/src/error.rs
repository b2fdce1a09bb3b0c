//! The one error of this crate.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::path::Path;

use counterpoint_batch::npy::NpyError;
use counterpoint_catalog::ReadError;

use crate::room;

/// What kind of thing went wrong, for programs; people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file, folder, column or array that should be there is not.
    Missing,
    /// A file is there, but its content cannot be decoded.
    Format,
    /// A label without class, or a class without label.
    Label,
    /// A split, speaker, group or sample name that does not fit the others.
    Split,
    /// An array or signal of a length that does not fit.
    Shape,
    /// A key of the configuration that is unknown, missing or out of range.
    Config,
    /// The operating system refused.
    Io,
    /// A bug of this crate, such as a worker that panicked.
    Internal,
}

/// Why data could not be opened, decoded, prepared or loaded.
///
/// The message names the file, field or shape, what was expected and what to
/// do; [`Error::source`] leads to the cause below.
///
/// ```
/// use counterpoint_data::{DataConfig, ErrorKind};
///
/// let error = DataConfig::from_toml("name = \"grid\"\nbatch_size = 0").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert!(error.to_string().contains("`batch_size` must be"));
/// ```
#[derive(Debug)]
pub struct DataError {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl DataError {
    /// An error of a kind with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with the cause below it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub(crate) fn format(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Format, message)
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Missing, message)
    }

    pub(crate) fn shape(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, message)
    }

    /// An error of the operating system about a path: absent, or refused.
    pub(crate) fn io(path: &Path, cause: std::io::Error) -> Self {
        let (kind, what) = match cause.kind() {
            std::io::ErrorKind::NotFound => (ErrorKind::Missing, "does not exist; check the path"),
            std::io::ErrorKind::PermissionDenied => (ErrorKind::Io, "may not be read; check its permissions"),
            _ => (ErrorKind::Io, "cannot be read"),
        };
        Self::new(kind, format!("`{}` {what}", path.display())).because(cause)
    }

    /// The same error with its causes in the message and words after them.
    pub(crate) fn and(mut self, more: &str) -> Self {
        let mut cause = self.source.as_deref().map(|cause| cause as &dyn Error);
        while let Some(error) = cause {
            self.message += &format!(": {error}");
            cause = error.source();
        }
        self.message += more;
        self.source = None;
        self
    }

    /// Puts the place in front of the message, unless that begins with it, and keeps kind and cause.
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        let place = place.to_string();
        if !self.message.starts_with(&place) {
            self.message = format!("{place}: {}", self.message);
        }
        self
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl From<ReadError> for DataError {
    fn from(error: ReadError) -> Self {
        Self::config(error.to_string())
    }
}

impl From<NpyError> for DataError {
    fn from(error: NpyError) -> Self {
        Self::format(error.0)
    }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    regular(path)?;
    let length = std::fs::metadata(path).map_or(0, |facts| facts.len());
    room::require(length).map_err(|why| DataError::format(format!("`{}`: {why}", path.display())))?;
    std::fs::read(path).map_err(|cause| DataError::io(path, cause))
}

/// Bytes from which the kind of a file is known.
pub(crate) const HEAD: u64 = 256;

/// The first bytes of a file, by which its kind is known.
pub(crate) fn head(path: &Path) -> Result<Vec<u8>, DataError> {
    regular(path)?;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|cause| DataError::io(path, cause))?;
    file.take(HEAD).read_to_end(&mut bytes).map_err(|cause| DataError::io(path, cause))?;
    Ok(bytes)
}

/// Refuses what is not a file: a folder, and devices and pipes, which may never end.
pub(crate) fn regular(path: &Path) -> Result<(), DataError> {
    let found = std::fs::metadata(path).map_err(|cause| DataError::io(path, cause))?;
    let what = match (found.is_file(), found.is_dir()) {
        (true, _) => return Ok(()),
        (false, true) => "a folder",
        (false, false) => "a device, pipe or socket",
    };
    Err(DataError::missing(format!("`{}` is {what}, expected a file", path.display())))
}
