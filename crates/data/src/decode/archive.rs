//! Named arrays: `.npz`, `.safetensors`, one `.npy`, or a folder of `.npy`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::npy::{self, Element, Numbers};
use crate::error::{DataError, read};

enum Store {
    Npz(Box<zip::ZipArchive<Cursor<Vec<u8>>>>),
    Safetensors { bytes: Vec<u8>, entries: BTreeMap<String, Entry> },
    Folder(BTreeMap<String, PathBuf>),
}

/// Where a tensor lies inside a safetensors file.
struct Entry {
    element: Option<Element>,
    shape: Vec<usize>,
    begin: usize,
    end: usize,
}

/// An opened collection of arrays; each is decoded when asked for.
pub struct Archive {
    path: PathBuf,
    store: Store,
}

impl Archive {
    /// Opens a file or folder by its ending.
    ///
    /// # Errors
    /// If it is absent, has another ending or its table of contents is damaged.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let place = |e: DataError| e.at(format_args!("`{}`", path.display()));
        let store = if path.is_dir() {
            Store::Folder(folder(path)?)
        } else {
            match path.extension().and_then(|e| e.to_str()) {
                Some("npz") => {
                    let archive = zip::ZipArchive::new(Cursor::new(read(path)?)).map_err(|cause| {
                        place(
                            DataError::format("the npz archive is cut off or damaged; copy it again")
                                .because(cause),
                        )
                    })?;
                    Store::Npz(Box::new(archive))
                }
                Some("safetensors") => {
                    let bytes = read(path)?;
                    let entries = safetensors(&bytes).map_err(place)?;
                    Store::Safetensors { bytes, entries }
                }
                Some("npy") => {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    Store::Folder(BTreeMap::from([(stem, path.to_owned())]))
                }
                _ => {
                    return Err(DataError::config(format!(
                        "`{}` must be an .npz, .safetensors or .npy file or a folder of .npy files",
                        path.display()
                    )));
                }
            }
        };
        Ok(Self { path: path.to_owned(), store })
    }

    /// Names of the arrays, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match &self.store {
            Store::Npz(archive) => (archive.file_names().filter_map(Result::ok))
                .map(|n| n.strip_suffix(".npy").unwrap_or(&n).to_owned())
                .collect(),
            Store::Safetensors { entries, .. } => entries.keys().cloned().collect(),
            Store::Folder(files) => files.keys().cloned().collect(),
        };
        names.sort();
        names
    }

    /// Decodes one array.
    ///
    /// # Errors
    /// If there is none of that name or it is damaged.
    pub fn get(&mut self, name: &str) -> Result<Numbers, DataError> {
        let names = self.names();
        let place = format!("array `{name}` of `{}`", self.path.display());
        if !names.iter().any(|n| n == name) {
            return Err(DataError::missing(format!(
                "`{}` has no array `{name}`, it has: {}",
                self.path.display(),
                names.join(", ")
            )));
        }
        match &mut self.store {
            Store::Npz(archive) => {
                let damaged = |cause: Box<dyn std::error::Error + Send + Sync>| {
                    DataError::format("cannot be unpacked; copy the archive again").because(cause)
                };
                let member = if archive.index_for_name(name).is_some() {
                    name.to_owned()
                } else {
                    format!("{name}.npy")
                };
                let mut bytes = Vec::new();
                archive
                    .by_name(&member)
                    .map_err(|e| damaged(e.into()))
                    .and_then(|mut file| file.read_to_end(&mut bytes).map_err(|e| damaged(e.into())))
                    .and_then(|_| npy::decode(&bytes))
            }
            Store::Safetensors { bytes, entries } => match entries.get(name) {
                Some(Entry { element: Some(element), shape, begin, end }) => {
                    let data = bytes.get(*begin..*end).unwrap_or_default();
                    element.decode(shape.clone(), data, false)
                }
                _ => Err(DataError::format("has an element type other than float, integer or bool")),
            },
            Store::Folder(files) => files
                .get(name)
                .map_or_else(|| Err(DataError::missing("is not there")), |path| npy::decode(&read(path)?)),
        }
        .map_err(|e| e.at(place))
    }
}

fn folder(path: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path).map_err(|cause| DataError::io(path, cause))? {
        let file = entry.map_err(|cause| DataError::io(path, cause))?.path();
        if file.extension().is_some_and(|e| e == "npy") {
            files.insert(file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), file);
        }
    }
    if files.is_empty() {
        return Err(DataError::missing(format!("the folder `{}` holds no .npy file", path.display())));
    }
    Ok(files)
}

/// The table of contents: eight bytes of length, then JSON.
fn safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, DataError> {
    let damaged = || DataError::format("the safetensors file is cut off or damaged; copy it again");
    let (&length, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let length = usize::try_from(u64::from_le_bytes(length)).map_err(|_| damaged())?;
    let header = rest.get(..length).ok_or_else(damaged)?;
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).map_err(|e| damaged().because(e))?;
    let start = 8 + length;
    let mut entries = BTreeMap::new();
    for (name, value) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
        let whole = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok());
        let list = |key: &str| value.get(key).and_then(Value::as_array);
        let shape = list("shape").and_then(|s| s.iter().map(whole).collect()).ok_or_else(damaged)?;
        let offsets: Vec<usize> =
            list("data_offsets").and_then(|s| s.iter().map(whole).collect()).ok_or_else(damaged)?;
        let &[begin, end] = offsets.as_slice() else { return Err(damaged()) };
        if begin > end || end > bytes.len() - start {
            return Err(damaged());
        }
        let element = match value.get("dtype").and_then(Value::as_str) {
            Some("F64") => Some(Element::Float(8)),
            Some("F32") => Some(Element::Float(4)),
            Some("F16") => Some(Element::Float(2)),
            Some("BF16") => Some(Element::Bfloat),
            Some("I64") => Some(Element::Signed(8)),
            Some("I32") => Some(Element::Signed(4)),
            Some("I16") => Some(Element::Signed(2)),
            Some("I8") => Some(Element::Signed(1)),
            Some("U64") => Some(Element::Unsigned(8)),
            Some("U32") => Some(Element::Unsigned(4)),
            Some("U16") => Some(Element::Unsigned(2)),
            Some("U8" | "BOOL") => Some(Element::Unsigned(1)),
            _ => None,
        };
        entries.insert(name, Entry { element, shape, begin: start + begin, end: start + end });
    }
    Ok(entries)
}
