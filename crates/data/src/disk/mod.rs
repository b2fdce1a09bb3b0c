//! Decoded samples kept in a folder, for later runs and for sets that do not fit into memory.
//!
//! An entry is a file of its own, named by a hash of the source file (path, size, time), of how it is
//! prepared and of the version of this program's arithmetic. It takes its name when it is complete, so that other processes and a
//! process that is killed leave nothing half done; a checksum finds what a disk or a hand has changed. Such an
//! entry is removed and made again.

mod entry;
mod room;

use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use counterpoint_batch::file::StagedFile;
use sha2::{Digest, Sha256};

pub use self::entry::Entry;
use self::room::Room;
use crate::error::DataError;
use crate::hash;
use crate::source::Source;

/// Changes when decoding or preparing gives other bits for the same file and settings.
const VERSION: &str = "counterpoint samples 2";

/// How long an entry keeps the time of its last use before a further use renews it.
const RENEWAL: Duration = Duration::from_secs(60);

/// A folder of decoded samples.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    room: Room,
    damaged: AtomicU64,
    failed: AtomicU64,
}

/// The name of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// Of a file with the steps that prepare it; `None` of what is no single file.
    pub fn new(source: &Source, steps: &str) -> Option<Self> {
        let (path, stretches) = source.stored()?;
        let facts = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let time = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let mut hasher = Sha256::new();
        hash::field(&mut hasher, VERSION.as_bytes());
        hash::field(&mut hasher, std::path::absolute(path).ok()?.as_os_str().as_encoded_bytes());
        hash::field(&mut hasher, &facts.len().to_le_bytes());
        hash::field(&mut hasher, &time.as_nanos().to_le_bytes());
        for member in stretches {
            hash::field(&mut hasher, &member.begin.to_le_bytes());
            hash::field(&mut hasher, &member.length.to_le_bytes());
        }
        hash::field(&mut hasher, source.part().as_bytes());
        hash::field(&mut hasher, steps.as_bytes());
        Some(Self(hasher.finalize().into()))
    }

    /// Of something that is made of a content with this hash.
    pub fn of_content(content: [u8; 32], steps: &str) -> Self {
        let mut hasher = Sha256::new();
        hash::field(&mut hasher, VERSION.as_bytes());
        hash::field(&mut hasher, &content);
        hash::field(&mut hasher, steps.as_bytes());
        Self(hasher.finalize().into())
    }

    fn path(&self, folder: &Path) -> PathBuf {
        let name: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        folder.join(&name[..2]).join(&name[2..])
    }
}

impl Disk {
    /// Opens the folder, or makes it; at most `limit` bytes lie in it.
    ///
    /// # Errors
    /// If it cannot be made or listed.
    pub fn open(folder: &Path, limit: u64) -> Result<Self, DataError> {
        let failed = |cause| {
            DataError::config(format!("`cache_dir` = {}: the folder cannot be used", folder.display()))
                .because(cause)
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let room = Room::new(&folder, limit).map_err(failed)?;
        let zero = AtomicU64::default;
        Ok(Self { folder, room, damaged: zero(), failed: zero() })
    }

    /// Whether something is kept under a key; whether it is whole is not looked at.
    pub fn has(&self, key: Key) -> bool {
        key.path(&self.folder).is_file()
    }

    /// What is kept under a key, whole and unchanged; a damaged entry is removed.
    pub fn get<T: Entry>(&self, key: Key, source: &Source) -> Option<T> {
        let path = key.path(&self.folder);
        let mut file = File::open(&path).ok()?;
        let Some(value) = entry::read(&mut file, key.0, source) else {
            self.damaged.fetch_add(1, Ordering::Relaxed);
            let _ = fs::remove_file(&path);
            return None;
        };
        let now = SystemTime::now();
        let used = file.metadata().and_then(|facts| facts.modified());
        if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > RENEWAL)) {
            // Only decides what is removed first, so a folder that cannot be written does not matter.
            let _ = File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_times(FileTimes::new().set_modified(now)));
        }
        Some(value)
    }

    /// Keeps a value if it can be kept at all. Whether that succeeds changes no result, so failures are counted only.
    pub fn put<T: Entry>(&self, key: Key, value: &T) {
        let Some((head, payload)) = entry::write(key.0, value) else { return };
        let bytes = (head.len() + payload.len()) as u64;
        if !self.room.make(&self.folder, bytes) {
            return;
        }
        let path = key.path(&self.folder);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
            // Each thread of each process has a name of its own until the entry is whole.
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let ending = format!("{}-{count}.{}", std::process::id(), room::PARTIAL);
            let content = |file: &mut File| file.write_all(&head).and_then(|()| file.write_all(&payload));
            StagedFile::losable(&path, &ending, content)?.place()
        };
        if write().is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is worth telling: entries that were damaged, or could not be written.
    pub fn notes(&self) -> Vec<String> {
        let folder = self.folder.display();
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let mut notes = Vec::new();
        if count(&self.damaged) > 0 {
            notes.push(format!(
                "damaged entries of the cache {folder}, removed and made again: {}",
                count(&self.damaged)
            ));
        }
        if count(&self.failed) > 0 {
            notes.push(format!(
                "samples that could not be written to the cache {folder}: {}; is the disk full, or the folder not yours?",
                count(&self.failed)
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests;
