//! Files of a target, which take their names when they are complete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use counterpoint_data::media::Encoding;

use crate::content::{Content, content};
use crate::error::PrepareError;

/// Ending of what is being written.
const PARTIAL: &str = ".partial";

/// Writes a file beside its place in a target, and renames it.
///
/// # Errors
/// If it cannot be written.
pub fn place(to: &Path, file: PathBuf, bytes: &[u8]) -> Result<Content, PrepareError> {
    let path = to.join(&file);
    let partial = partial(&path);
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&partial, bytes)?;
        fs::rename(&partial, &path)
    };
    write().map_err(|cause| PrepareError::target("write", &path, &cause))?;
    Ok(content(file, bytes))
}

fn partial(path: &Path) -> PathBuf {
    let mut partial = path.to_owned().into_os_string();
    partial.push(PARTIAL);
    partial.into()
}

/// Removes a folder that may be there.
fn clear(folder: &Path) -> Result<(), PrepareError> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(PrepareError::target("remove", folder, &cause))
        }
        _ => Ok(()),
    }
}

/// A folder of frames.
pub struct FrameFolder {
    /// Relative to the target.
    place: PathBuf,
    folder: PathBuf,
    encoding: Encoding,
    contents: Vec<Content>,
    refused: Option<PrepareError>,
}

impl FrameFolder {
    /// An empty one; `name` is its path below `frames`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(to: &Path, name: &str, encoding: Encoding) -> Result<Self, PrepareError> {
        let place = Path::new("frames").join(name);
        let folder = to.join(&place);
        let partial = partial(&folder);
        // What a killed call left.
        clear(&partial)?;
        fs::create_dir_all(&partial)
            .map_err(|cause| PrepareError::target("make the folder", &partial, &cause))?;
        Ok(Self { place, folder, encoding, contents: Vec::new(), refused: None })
    }

    /// Writes the next frame.
    ///
    /// # Errors
    /// If it cannot be written; [`Self::written`] says why.
    pub fn add(&mut self, picture: &[u8]) -> io::Result<()> {
        let name = format!("{:05}.{}", self.contents.len() + 1, self.encoding.ending());
        let path = partial(&self.folder).join(&name);
        if let Err(cause) = fs::write(&path, picture) {
            self.refused = Some(PrepareError::target("write", &path, &cause));
            return Err(cause);
        }
        self.contents.push(content(self.place.join(name), picture));
        Ok(())
    }

    /// The same folder, if all frames could be written.
    ///
    /// # Errors
    /// If one could not.
    pub fn written(mut self) -> Result<Self, PrepareError> {
        self.refused.take().map_or(Ok(self), Err)
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// If that is refused.
    pub fn finish(self) -> Result<Vec<Content>, PrepareError> {
        clear(&self.folder)?;
        fs::rename(partial(&self.folder), &self.folder)
            .map_err(|cause| PrepareError::target("write", &self.folder, &cause))?;
        Ok(self.contents)
    }

    /// Removes it.
    ///
    /// # Errors
    /// If that is refused.
    pub fn discard(self) -> Result<(), PrepareError> {
        clear(&partial(&self.folder))
    }
}
