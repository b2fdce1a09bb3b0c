//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is written in full beside its target and has not taken its name
/// yet. Dropped without [`StagedFile::place`], it leaves nothing.
#[derive(Debug)]
pub struct StagedFile {
    partial: PathBuf,
    target: PathBuf,
    placed: bool,
    /// Whether it is still there after a crash of the machine.
    lasting: bool,
}

impl StagedFile {
    /// Writes the content to `NAME.partial` in the target's folder, and to the disk.
    ///
    /// # Errors
    /// If `write` fails, or the file cannot be made.
    pub fn new(target: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Self> {
        Self::under(target, "partial", write)
    }

    /// As [`Self::new`] under `NAME.ENDING`, for a target that several processes
    /// write at once without a lock.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn under(
        target: &Path,
        ending: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut staged = Self::losable(target, ending, |file| write(file).and_then(|()| file.sync_all()))?;
        staged.lasting = true;
        Ok(staged)
    }

    /// As [`Self::under`] for what can be made again: it does not wait for the disk, so a crash of
    /// the machine may lose it or leave any content. A crash of the process does not.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn losable(
        target: &Path,
        ending: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{ending}"));
        let (partial, target) = (target.with_file_name(name), target.to_owned());
        let staged = Self { partial, target, placed: false, lasting: false };
        let mut file = File::create(&staged.partial)?;
        write(&mut file)?;
        Ok(staged)
    }

    /// Gives the file its name, in place of what has it. After this call a crash
    /// of the machine loses neither.
    ///
    /// # Errors
    /// If it cannot be renamed, or its folder cannot be written to the disk.
    pub fn place(mut self) -> io::Result<()> {
        fs::rename(&self.partial, &self.target)?;
        self.placed = true;
        if !self.lasting {
            return Ok(());
        }
        // The new name lives in the folder; that of a bare file name is the current one.
        match self.target.parent() {
            Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Writes a file in one step: a crash at any moment leaves the old one or the new one.
///
/// # Errors
/// If it cannot be written; the old one is still there then.
///
/// ```
/// let path = std::env::temp_dir().join(format!("counterpoint-replace-{}", std::process::id()));
/// counterpoint_batch::file::replace(&path, b"one")?;
/// counterpoint_batch::file::replace(&path, b"two")?;
/// assert_eq!(std::fs::read(&path)?, b"two");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    StagedFile::new(path, |file| file.write_all(bytes))?.place()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_leaves_the_old_file_and_nothing_beside() {
        let folder = std::env::temp_dir().join(format!("counterpoint-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("record.json");
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        replace(&path, b"old").unwrap();
        let torn = StagedFile::new(&path, |file| {
            file.write_all(b"ne")?;
            Err(io::Error::other("the disk is full"))
        });
        assert_eq!(torn.unwrap_err().to_string(), "the disk is full");
        assert_eq!((names(), fs::read(&path).unwrap()), (vec!["record.json".into()], b"old".to_vec()));
        let staged = StagedFile::under(&path, "7.partial", |file| file.write_all(b"new")).unwrap();
        assert_eq!(names(), ["record.json", "record.json.7.partial"]);
        assert_eq!(fs::read(&path).unwrap(), b"old", "before it is placed");
        staged.place().unwrap();
        assert_eq!((names(), fs::read(&path).unwrap()), (vec!["record.json".into()], b"new".to_vec()));
        assert!(replace(&folder, b"x").is_err(), "a folder is not replaced");
        assert!(!folder.with_extension("partial").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
