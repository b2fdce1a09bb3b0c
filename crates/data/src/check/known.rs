//! Files that were decoded without a fault before.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use counterpoint_batch::file::StagedFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::stamp;
use crate::error::{DataError, read};
use crate::source::Source;

/// What a file was when it passed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Passed {
    bytes: u64,
    time: u128,
    /// SHA-256 of the content, in hexadecimal.
    content: String,
}

/// The list of files that passed, kept in the user's cache folder. Losing it
/// costs time, so nothing that goes wrong with it is an error.
pub struct Known {
    place: Option<PathBuf>,
    passed: Mutex<(BTreeMap<String, Passed>, bool)>,
}

impl Known {
    /// The list of the user; an empty one where there is none.
    pub fn open() -> Self {
        let folder = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Self::at(folder.or_else(home).map(|folder| folder.join("counterpoint").join("checked-1.json")))
    }

    fn at(place: Option<PathBuf>) -> Self {
        let text = place.as_ref().and_then(|place| std::fs::read(place).ok());
        let passed = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { place, passed: Mutex::new((passed, false)) }
    }

    /// Runs a test on a source unless all of its files passed before, and
    /// remembers those that pass.
    ///
    /// # Errors
    /// Those of the test.
    pub fn unless_known(
        &self,
        source: &Source,
        test: impl FnOnce() -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut now = Vec::new();
        let mut all_known = true;
        for file in source.files()? {
            let key = std::path::absolute(&file).unwrap_or_else(|_| file.clone()).display().to_string();
            let before = self.locked().0.get(&key).cloned();
            let (bytes, time) = stamp(&file)?;
            match before {
                Some(passed) if (passed.bytes, passed.time) == (bytes, time) => {}
                before => {
                    let content: String =
                        Sha256::digest(read(&file)?).iter().map(|byte| format!("{byte:02x}")).collect();
                    // Copied or touched, it is still the file that passed.
                    all_known &= before.is_some_and(|passed| passed.content == content);
                    now.push((key, Passed { bytes, time, content }));
                }
            }
        }
        if !all_known {
            test()?;
        }
        if !now.is_empty() {
            let mut locked = self.locked();
            locked.0.extend(now);
            locked.1 = true;
        }
        Ok(())
    }

    /// Writes the list if it changed.
    pub fn keep(&self) {
        let locked = self.locked();
        let (passed, true) = &*locked else { return };
        let Some(place) = &self.place else { return };
        let write = || -> std::io::Result<()> {
            let folder = place.parent().unwrap_or(place);
            std::fs::create_dir_all(folder)?;
            // Two processes at once each write a whole list; the later one stays.
            let ending = format!("{}.partial", std::process::id());
            let text = serde_json::to_vec(passed)?;
            StagedFile::under(place, &ending, |file| file.write_all(&text))?.place()
        };
        let _ = write();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, (BTreeMap<String, Passed>, bool)> {
        self.passed.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_decoded_again_only_when_its_content_changed() {
        let folder = std::env::temp_dir().join(format!("counterpoint-known-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (list, file) = (folder.join("list/known.json"), folder.join("a.png"));
        let source = Source::Picture { path: file.clone() };
        let decoded = Cell::new(0);
        let check = |passes: bool| {
            let known = Known::at(Some(list.clone()));
            let result = known.unless_known(&source, || {
                decoded.set(decoded.get() + 1);
                if passes { Ok(()) } else { Err(DataError::format("broken")) }
            });
            known.keep();
            (result.is_ok(), decoded.get())
        };
        fs::write(&file, "one").unwrap();
        assert_eq!(check(false), (false, 1));
        assert_eq!(check(true), (true, 2), "one that failed is tried again");
        assert_eq!(check(false), (true, 2), "one that passed is not");
        let hour = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
        fs::File::options().append(true).open(&file).unwrap().set_modified(hour).unwrap();
        assert_eq!(check(false), (true, 2), "another time, the same content");
        fs::write(&file, "two").unwrap();
        assert_eq!(check(false), (false, 3), "the same size, another content");
        fs::remove_dir_all(&folder).unwrap();
    }
}
