//! How much of the folder's limit is used, and what is removed when it is full.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Ending of an entry that is not complete.
pub const PARTIAL: &str = "partial";

/// After this time nobody completes a file any more: its process was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The bytes of a folder, counted again from time to time because other processes write, too.
#[derive(Debug)]
pub struct Room {
    limit: u64,
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    used: u64,
    /// Bytes written by this process since all were counted.
    since: u64,
}

impl Room {
    /// Counts what is there, and removes what is too much.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn new(folder: &Path, limit: u64) -> io::Result<Self> {
        let used = shrink(folder, limit, limit)?;
        Ok(Self { limit, counted: Mutex::new(Counted { used, since: 0 }) })
    }

    /// Makes room for an entry; `false` if there cannot be any.
    pub fn make(&self, folder: &Path, bytes: u64) -> bool {
        if bytes > self.limit {
            return false;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.used + bytes > self.limit || counted.since > self.limit / 16 {
            // A little more than is needed, so that the next entries find room at once.
            let goal = (self.limit - self.limit / 16).min(self.limit - bytes);
            match shrink(folder, self.limit - bytes, goal) {
                Ok(used) => *counted = Counted { used, since: 0 },
                Err(_) => return false,
            }
        }
        counted.used += bytes;
        counted.since += bytes;
        true
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether this is a part of a key as it is written in names.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Removes entries, those first that were not used for the longest time, down to `goal` bytes where there are
/// more than `limit`. Returns the bytes that are left.
fn shrink(folder: &Path, limit: u64, goal: u64) -> io::Result<u64> {
    let now = SystemTime::now();
    let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for part in fs::read_dir(folder)? {
        let part = part?.path();
        // The folder may hold what is not ours: that is neither counted nor removed.
        if !is_hex(&name(&part), 2) {
            continue;
        }
        // Other processes remove entries at the same time, so what is gone is no error.
        let Ok(files) = fs::read_dir(&part) else { continue };
        let ours = |file: &fs::DirEntry| is_hex(name(&file.path()).split('.').next().unwrap_or_default(), 62);
        for file in files.flatten().filter(ours) {
            let Ok(facts) = file.metadata() else { continue };
            let used = facts.modified().unwrap_or(now);
            let partial = file.path().extension().is_some_and(|ending| ending == PARTIAL);
            if partial && now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(file.path());
            } else {
                entries.push((used, facts.len(), file.path()));
            }
        }
    }
    let mut used: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
    if used > limit {
        entries.sort();
        for (_, bytes, path) in entries {
            if used <= goal {
                break;
            }
            if fs::remove_file(path).is_ok() {
                used -= bytes;
            }
        }
    }
    Ok(used)
}
