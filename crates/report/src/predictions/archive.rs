//! NumPy's `.npz`: a zip of `.npy` files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use counterpoint_batch::file::StagedFile;
use counterpoint_batch::npy::{self, NpyArray};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Writes all arrays in one step, so that nobody reads half of them.
pub(super) fn write(path: &Path, arrays: &BTreeMap<String, NpyArray>) -> io::Result<()> {
    let staged = StagedFile::new(path, |file| {
        let mut zip = ZipWriter::new(BufWriter::new(file));
        for (name, array) in arrays {
            zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
            zip.write_all(&npy::encode(array))?;
        }
        zip.finish()?.flush()
    });
    staged?.place()
}

/// Reads all arrays.
pub(super) fn read(path: &Path) -> io::Result<BTreeMap<String, NpyArray>> {
    let mut zip = ZipArchive::new(BufReader::new(File::open(path)?))?;
    let mut arrays = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index)?;
        let name = file.name()?.into_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let array = npy::decode(&bytes)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {e}")))?;
        arrays.insert(name.strip_suffix(".npy").unwrap_or(&name).to_owned(), array);
    }
    Ok(arrays)
}
