//! Why a data set cannot be prepared at all; what is wrong with a single clip is a [`crate::Problem`].

use std::error::Error;
use std::fmt;
use std::path::Path;

use counterpoint_data::DataError;

/// What kind of thing went wrong, for programs; people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A wish that cannot be met: an unknown layout, a target that holds something else.
    Usage,
    /// The raw recordings cannot be used, or the program that decodes them is absent.
    Data,
    /// The target cannot be written or read.
    Files,
    /// Stopped from outside; the same call continues.
    Interrupted,
}

/// Kind and message: what was found, what was expected, what to do.
#[derive(Debug)]
pub struct PrepareError {
    kind: ErrorKind,
    message: String,
}

impl PrepareError {
    /// An error from its parts.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The target refused something.
    pub(crate) fn target(action: &str, path: &Path, cause: &std::io::Error) -> Self {
        let advice = match cause.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                "; give --to a folder that may be written"
            }
            std::io::ErrorKind::StorageFull => "; free some space, the same command then continues",
            _ => "",
        };
        Self::new(ErrorKind::Files, format!("cannot {action} `{}`: {cause}{advice}", path.display()))
    }
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PrepareError {}

impl From<DataError> for PrepareError {
    fn from(error: DataError) -> Self {
        let mut message = error.to_string();
        let mut cause = Error::source(&error);
        while let Some(error) = cause {
            message += &format!(": {error}");
            cause = error.source();
        }
        Self::data(message)
    }
}
