//! Contents taken into a hash.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::digest::Update;

use crate::error::{DataError, regular};

/// Takes a length and bytes into a hash, so that neighbours cannot run together.
pub fn field(hasher: &mut impl Update, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// Takes the content of a file into a hash, as [`field`] would, without holding it in memory.
pub fn file(path: &Path, hasher: &mut impl Update) -> Result<(), DataError> {
    regular(path)?;
    let failed = |cause| DataError::io(path, cause);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    hasher.update(&length.to_le_bytes());
    stream(file, hasher).map_err(failed)
}

/// Takes all bytes of a stream into a hash.
pub fn stream(mut from: impl Read, hasher: &mut impl Update) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
