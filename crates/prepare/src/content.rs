//! Files by size, time and SHA-256.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use counterpoint_data::content_name;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::problem::Finding;

/// A file with its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Relative path.
    pub file: PathBuf,
    /// Size.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A raw file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
    /// Time of its last change, nanoseconds since 1970: while it and the size stay, it is not read again.
    pub modified: u64,
}

/// Size and time of a raw file; its kind is looked at.
///
/// # Errors
/// If it is absent, empty or nothing that holds sound or pictures.
pub fn look(path: &Path) -> Result<(u64, u64), Finding> {
    let unreadable = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => Finding::Missing,
        _ => Finding::Unreadable { cause: cause.to_string() },
    };
    let facts = fs::metadata(path).map_err(unreadable)?;
    if !facts.is_file() {
        let cause = if facts.is_dir() { "it is a folder" } else { "it is a device, pipe or socket" };
        return Err(Finding::Unreadable { cause: cause.into() });
    }
    if facts.len() == 0 {
        return Err(Finding::Empty);
    }
    let mut head = Vec::new();
    File::open(path).and_then(|f| f.take(64).read_to_end(&mut head)).map_err(unreadable)?;
    let what = content_name(&head);
    if let Some(what) = what.filter(|what| {
        ["pointer", "web page", "archive", "gzip", "document", "array", "AppleDouble"]
            .iter()
            .any(|w| what.contains(w))
    }) {
        return Err(Finding::NotMedia { what: what.into() });
    }
    let time = facts.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    Ok((facts.len(), time.map_or(0, |t| t.as_nanos() as u64)))
}

/// SHA-256 of a file in hexadecimal.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(hasher)),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// A finished hash in hexadecimal.
pub fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of ours, by what is written into it.
pub fn content(file: PathBuf, bytes: &[u8]) -> Content {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    Content { file, bytes: bytes.len() as u64, sha256: hex(hasher) }
}
