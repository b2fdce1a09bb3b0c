//! The library's one error.

use std::{error, fmt};

/// What went wrong, coarse enough to choose an exit code or a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is impossible or two settings exclude each other.
    Config,
    /// Two parts do not fit together; the message names both and both shapes.
    Shape,
    /// A batch could not be read or does not fit the model.
    Data,
    /// A loss or gradient is not finite.
    Diverged,
    /// A checkpoint is missing, damaged, of another model or of a newer version.
    Checkpoint,
    /// The file system refused.
    Io,
    /// It was asked to stop; nothing is wrong.
    Interrupted,
}

/// An error with its kind, a message that names the part and the value, and
/// the error below it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl Error {
    /// An error of the given kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A setting that cannot be.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Parts that do not fit.
    pub fn shape(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, message)
    }

    /// A checkpoint that cannot be used.
    pub fn checkpoint(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Checkpoint, message)
    }

    /// A file operation that failed, with the path it was about.
    pub fn io(action: &str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {action} {}", path.display())).because(source)
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}
