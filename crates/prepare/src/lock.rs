//! One call at a time in one target.

use std::fs::File;
use std::path::Path;

use crate::error::{ErrorKind, PrepareError};

/// Name of the file that keeps a second call out.
pub const FILE: &str = "prepare.lock";

/// Keeps other calls out of a target while it is held; the system frees it however the process ends.
///
/// # Errors
/// If another process holds it, or it cannot be made.
pub fn lock(target: &Path) -> Result<File, PrepareError> {
    let path = target.join(FILE);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|cause| PrepareError::target("write", &path, &cause))?;
    if file.try_lock().is_err() {
        return Err(PrepareError::new(
            ErrorKind::Usage,
            format!("another process prepares `{}` now; wait until it has ended", target.display()),
        ));
    }
    Ok(file)
}
