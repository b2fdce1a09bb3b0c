//! Files that commands write where the user says.
//!
//! They never take the place of what a run or a study recorded, replace other
//! files only with `--force`, and appear whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use counterpoint_batch::file::StagedFile;

use crate::exit::{Code, Failure};

/// What a run keeps in its folder, and a study in its own.
const RECORDS: [&str; 14] = [
    "config.toml",
    "run.json",
    "samples.jsonl",
    "metrics.jsonl",
    "steps.jsonl",
    "test_accesses.jsonl",
    "looks.jsonl",
    "predictions.npz",
    "fitted.npz",
    "study.toml",
    "study.json",
    "failure.json",
    "lock",
    "owner.json",
];

/// Folders of theirs that hold nothing else.
const FOLDERS: [&str; 3] = ["checkpoints", "tensorboard", "configs"];

/// Refuses a place where a file must not be written, before any work is done
/// for it.
///
/// # Errors
/// If the file belongs to a run or a study or would lie in a folder of its
/// records, if the folder does not exist, if something else than a file is
/// there, or if a file is there and `force` is not given.
pub fn check(path: &Path, force: bool) -> Result<(), Failure> {
    let usage = |why: String| Err(Failure::new(Code::Usage, format!("{}: {why}", path.display())));
    let Some(name) = path.file_name() else {
        return usage("names no file".into());
    };
    let folder = folder_of(path);
    // The name itself may be a link to a record.
    for place in [Some(existing(folder).join(name)), path.canonicalize().ok()].into_iter().flatten() {
        if let Some((owner, part)) = record(&place) {
            return usage(format!(
                "`{part}` belongs to the records of {}; choose another --out",
                owner.display()
            ));
        }
    }
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(_) if path.is_dir() => usage("is a folder; name a file in it".into()),
        Ok(_) if path.exists() && !path.is_file() => {
            usage("is not a regular file; choose another --out".into())
        }
        Ok(_) if force => Ok(()),
        Ok(_) => usage("exists; --force replaces it".into()),
    }
}

/// As [`check`], for a file whose folder must be there.
///
/// # Errors
/// As [`check`], or if the folder does not exist.
pub fn check_in_folder(path: &Path, force: bool) -> Result<(), Failure> {
    check(path, force)?;
    match fs::metadata(folder_of(path)) {
        Ok(_) => Ok(()),
        Err(e) => Err(Failure::io("write", path, &e)),
    }
}

/// The folder a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A folder as the system knows it; what does not exist yet is appended as it is written.
fn existing(folder: &Path) -> PathBuf {
    match (folder.canonicalize(), folder.parent(), folder.file_name()) {
        (Ok(path), ..) => path,
        (Err(_), Some(above), Some(name)) if !above.as_os_str().is_empty() => existing(above).join(name),
        (Err(_), _, Some(name)) => existing(Path::new(".")).join(name),
        _ => folder.to_owned(),
    }
}

/// The run or study that a place belongs to the records of, and as which part.
fn record(place: &Path) -> Option<(PathBuf, String)> {
    place.ancestors().skip(1).find_map(|owner| {
        let holds = ["config.toml", "run.json", "metrics.jsonl", "study.toml", "study.json"];
        let part = place.strip_prefix(owner).ok()?;
        let first = part.components().next()?.as_os_str().to_str()?;
        let alone = part.components().count() == 1;
        let taken = if alone { RECORDS.contains(&first) } else { FOLDERS.contains(&first) };
        (taken && holds.iter().any(|file| owner.join(file).is_file()))
            .then(|| (owner.to_owned(), part.display().to_string()))
    })
}

/// Writes files, all or none: each beside its target first, then all renamed.
/// Folders are made as needed.
///
/// # Errors
/// If one cannot be written; nothing of this call is left then.
pub fn write(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    let mut made = Vec::new();
    let mut place = || {
        let mut staged = Vec::new();
        for (path, bytes) in files {
            let fail = |e| Failure::io("write", path, &e);
            let folder = folder_of(path);
            let missing: Vec<&Path> =
                folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
            fs::create_dir_all(folder).map_err(fail)?;
            made.extend(missing.into_iter().rev().map(Path::to_owned));
            staged.push(StagedFile::new(path, |file| file.write_all(bytes)).map_err(fail)?);
        }
        for ((path, _), staged) in files.iter().zip(staged) {
            staged.place().map_err(|e| Failure::io("write", path, &e))?;
        }
        Ok(())
    };
    let done = place();
    if done.is_err() {
        made.iter().rev().for_each(|folder: &PathBuf| drop(fs::remove_dir(folder)));
    }
    done
}
