//! Why a file is not read.

use std::error::Error;
use std::fmt;
use std::io;

/// The message says what was found and what to do; it goes on after the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError(pub String);

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FormatError {}

impl From<String> for FormatError {
    fn from(what: String) -> Self {
        Self(what)
    }
}

impl From<&str> for FormatError {
    fn from(what: &str) -> Self {
        Self(what.into())
    }
}

impl From<io::Error> for FormatError {
    fn from(cause: io::Error) -> Self {
        Self(format!("cannot be read: {cause}"))
    }
}

impl From<counterpoint_batch::npy::NpyError> for FormatError {
    fn from(error: counterpoint_batch::npy::NpyError) -> Self {
        Self(error.0)
    }
}
