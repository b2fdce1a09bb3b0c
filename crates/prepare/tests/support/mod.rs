//! Folders of tests, and the lists that are written into them.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder for one test, empty at first.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("counterpoint-prepare-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The cells of a list that was written, with its header.
pub fn table(root: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root.join("set").join(name)).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Cells of some columns, for each row, joined by blanks and sorted.
pub fn cells(root: &Path, name: &str, columns: &[&str]) -> Vec<String> {
    let table = table(root, name);
    let at = |column: &&str| table[0].iter().position(|c| c == column).unwrap_or_else(|| panic!("{column}"));
    let columns: Vec<usize> = columns.iter().map(at).collect();
    let line = |row: &Vec<String>| columns.iter().map(|&c| row[c].as_str()).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = table[1..].iter().map(line).collect();
    lines.sort();
    lines
}
