//! The files of a folder that somebody put there, in the order people count.

use std::path::{Path, PathBuf};

use crate::error::DataError;

/// What lies in a folder.
pub struct Listing {
    /// Visible files with one of the endings, 2 before 10.
    pub files: Vec<PathBuf>,
    /// Visible folders, in the same order.
    pub folders: Vec<PathBuf>,
}

/// Lists a folder. Hidden entries (`.DS_Store`, and the `._*` that macOS
/// leaves beside every file of a zip archive) are left out.
///
/// # Errors
/// If it cannot be read.
pub fn list(folder: &Path, endings: &[&str]) -> Result<Listing, DataError> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(|cause| DataError::io(folder, cause))? {
        let path = entry.map_err(|cause| DataError::io(folder, cause))?.path();
        if hidden(&path) {
            continue;
        }
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        // A folder is none of the files, whatever its name.
        if path.is_dir() {
            folders.push(path);
        } else if ending.is_some_and(|ending| endings.contains(&ending.as_str())) {
            files.push(path);
        }
    }
    for paths in [&mut files, &mut folders] {
        paths.sort_by_cached_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
    }
    Ok(Listing { files, folders })
}

/// Whether a file or a folder is what an operating system leaves behind.
pub fn hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "__MACOSX"
}

/// A run of digits or of other letters.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum Run {
    /// By length, then digits, both without leading zeros: by value.
    Number(usize, String),
    Text(String),
}

/// A key that sorts names as people count: `f2_a` before `f10_a`.
pub fn natural(name: &str) -> (Vec<Run>, String) {
    let mut runs = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        runs.push(if digits {
            let number = run.trim_start_matches('0');
            Run::Number(number.len(), number.to_owned())
        } else {
            Run::Text(run.to_owned())
        });
        rest = behind;
    }
    (runs, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_people_count() {
        let mut names = ["f10_a.png", "f2_a.png", "10.png", "9.png", "009.png", "f2_b1.png", "a.png"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["009.png", "9.png", "10.png", "a.png", "f2_a.png", "f2_b1.png", "f10_a.png"]);
    }
}
