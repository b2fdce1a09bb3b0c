//! The clips that are finished, one line each, so that a call that was killed continues.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::content::Stamp;
use crate::error::PrepareError;
use crate::made::Made;
use crate::settings::Settings;

/// Name of the file in the target.
pub const FILE: &str = "prepared.jsonl";

/// One finished clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The clip.
    pub id: String,
    /// Path of its files without ending.
    pub name: String,
    /// With what it was made.
    pub settings: Settings,
    /// Version of ffmpeg.
    pub ffmpeg: String,
    /// Which part of them, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<[u32; 2]>,
    /// From which files.
    pub sources: Vec<Stamp>,
    /// Into which.
    pub made: Made,
}

/// What a line of the list is about.
pub trait Record: Serialize + DeserializeOwned {
    /// Its name, which no other has.
    fn id(&self) -> &str;
}

impl Record for Entry {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The list while clips are added.
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// What is in the list of a target; nothing if there is none. A line that a killed call has not
    /// finished is passed over.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read<T: Record>(target: &Path) -> Result<BTreeMap<String, T>, PrepareError> {
        let path = target.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(cause) => return Err(PrepareError::target("read", &path, &cause)),
        };
        let lines = text.split(|byte| *byte == b'\n');
        let entries = lines.filter_map(|line| serde_json::from_slice::<T>(line).ok());
        Ok(entries.map(|entry| (entry.id().to_owned(), entry)).collect())
    }

    /// Opens the list for more.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(target: &Path) -> Result<Self, PrepareError> {
        let path = target.join(FILE);
        let open = || {
            let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            // After half a line the next one begins anew.
            let mut last = [b'\n'];
            if file.seek(SeekFrom::End(0))? > 0 {
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
            }
            if last != [b'\n'] {
                file.write_all(b"\n")?;
            }
            Ok(file)
        };
        let file = open().map_err(|cause| PrepareError::target("write", &path, &cause))?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Adds a clip.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add<T: Record>(&self, entry: &T) -> Result<(), PrepareError> {
        let line = line(entry);
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        file.write_all(line.as_bytes()).map_err(|cause| PrepareError::target("write", &self.path, &cause))
    }
}

/// A clip as one line.
pub fn line<T: Record>(entry: &T) -> String {
    // Numbers and texts only: this cannot fail.
    serde_json::to_string(entry).unwrap_or_default() + "\n"
}
