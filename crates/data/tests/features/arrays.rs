//! Tiny archives made on the spot.

use counterpoint_data::{DataConfig, DataError, Splits};

use crate::support::{Folder, write_npy};

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub fn wholes(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Six rows: four train, one val, one test; `text` has a constant column.
pub fn folder(text: &[f32]) -> Folder {
    let folder = Folder::new("features");
    write_npy(&folder.file("text.npy"), "<f4", "(6, 3)", &floats(text));
    let sound: Vec<f32> = (0..12).map(|v| v as f32).collect();
    write_npy(&folder.file("sound.npy"), "<f4", "(6, 2, 1)", &floats(&sound));
    write_npy(&folder.file("label.npy"), "<i8", "(6,)", &wholes(&[1, 0, 1, 0, 1, 0]));
    write_npy(&folder.file("split.npy"), "<i8", "(6,)", &wholes(&[0, 0, 0, 0, 1, 2]));
    write_npy(&folder.file("who.npy"), "<i8", "(6,)", &wholes(&[3, 3, 5, 5, 8, 9]));
    folder
}

pub const TEXT: [f32; 18] = [
    1.0, 7.0, 0.0, 3.0, 7.0, 0.0, 1.0, 7.0, 2.0, 3.0, 7.0, 2.0, //
    99.0, 7.0, 1.0, 2.0, 5.0, 1.0,
];

pub fn open(folder: &Folder, keys: &str) -> Result<Splits, DataError> {
    DataConfig::from_toml(&format!("name = \"features\"\nroot = \".\"\n{keys}"))?.open(&folder.0)
}

pub fn message(folder: &Folder, keys: &str) -> String {
    open(folder, keys).unwrap_err().to_string()
}

pub const NAN: f32 = f32::NAN;

/// As [`folder`], with token ids `[6, 4]` and how many of them and of `sound` are real.
pub fn sequences() -> Folder {
    let folder = folder(&TEXT);
    let ids = [5, 2, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 4, 4, 4, 4, 2, 0, 0, 0, 1, 1, 0, 0];
    write_npy(&folder.file("tokens.npy"), "<i8", "(6, 4)", &wholes(&ids));
    write_npy(&folder.file("n.npy"), "<i8", "(6,)", &wholes(&[2, 1, 0, 2, 1, 2]));
    folder
}
