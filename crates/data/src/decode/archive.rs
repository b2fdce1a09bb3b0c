//! Named arrays: `.npz`, `.safetensors`, one `.npy`, or a folder of `.npy`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use counterpoint_batch::npy::{self, Element, NpyArray};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{DataError, read};
use crate::folder::{hidden, list};
use crate::room;

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
                            DataError::format("the npz archive is truncated or damaged; copy it again")
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
                .filter(|name| !Path::new(&**name).iter().any(|part| hidden(Path::new(part))))
                .map(|n| n.strip_suffix(".npy").unwrap_or(&n).to_owned())
                .collect(),
            Store::Safetensors { entries, .. } => entries.keys().cloned().collect(),
            Store::Folder(files) => files.keys().cloned().collect(),
        };
        names.sort();
        names
    }

    /// The file of one array, where each has one.
    pub fn file(&self, name: &str) -> Option<&Path> {
        match &self.store {
            Store::Folder(files) => files.get(name).map(PathBuf::as_path),
            _ => None,
        }
    }

    /// Decodes one array.
    ///
    /// # Errors
    /// If there is none of that name or it is damaged.
    pub fn get(&mut self, name: &str) -> Result<NpyArray, DataError> {
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
                archive
                    .by_name(&member)
                    .map_err(|e| damaged(e.into()))
                    .and_then(|file| {
                        // A few bytes can promise, and unpack to, any number: first ask, then unpack.
                        let size = file.size();
                        room::require(size).map_err(DataError::format)?;
                        let mut bytes = Vec::new();
                        file.take(size).read_to_end(&mut bytes).map_err(|e| damaged(e.into()))?;
                        Ok(bytes)
                    })
                    .and_then(|bytes| Ok(npy::decode(&bytes)?))
            }
            Store::Safetensors { bytes, entries } => match entries.get(name) {
                Some(Entry { element: Some(element), shape, begin, end }) => {
                    let data = bytes.get(*begin..*end).unwrap_or_default();
                    element.decode(shape.clone(), data, false).map_err(DataError::from)
                }
                _ => Err(DataError::format("has an element type other than float, integer or bool")),
            },
            Store::Folder(files) => files.get(name).map_or_else(
                || Err(DataError::missing("is not there")),
                |path| Ok(npy::decode(&read(path)?)?),
            ),
        }
        .map_err(|e| e.at(place))
    }
}

fn folder(path: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    let stem = |file: PathBuf| (file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), file);
    let files: BTreeMap<_, _> = list(path, &["npy"])?.files.into_iter().map(stem).collect();
    if files.is_empty() {
        return Err(DataError::missing(format!(
            "the folder `{}` does not contain a .npy file",
            path.display()
        )));
    }
    Ok(files)
}

/// The table of contents: eight bytes of length, then JSON.
fn safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, DataError> {
    let damaged = || DataError::format("the safetensors file is truncated or damaged; copy it again");
    let (&length, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
    let length = usize::try_from(u64::from_le_bytes(length)).map_err(|_| damaged())?;
    let header = rest.get(..length).ok_or_else(damaged)?;
    let Members(header) = serde_json::from_slice(header).map_err(|e| damaged().because(e))?;
    let start = 8 + length;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
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
        let entry = Entry { element, shape, begin: start + begin, end: start + end };
        let shared = entries.iter().find(|(_, e)| e.begin < entry.end && entry.begin < e.end);
        if let Some((other, _)) = shared {
            return Err(DataError::format(format!(
                "arrays `{other}` and `{name}` share bytes; save the file again"
            )));
        }
        if entries.insert(name.clone(), entry).is_some() {
            return Err(DataError::format(format!("array `{name}` occurs twice; save the file again")));
        }
    }
    Ok(entries)
}

/// The members of a JSON object in order, doubled ones too.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn unsigned_tensors_are_read() {
        for (name, size) in [("U8", 1), ("U16", 2), ("U32", 4), ("U64", 8)] {
            let header =
                format!("{{\"x\":{{\"dtype\":\"{name}\",\"shape\":[1],\"data_offsets\":[0,{size}]}}}}");
            let mut data = vec![0; size];
            data[0] = 200;
            let bytes = file(&header, &data);
            let entries = safetensors(&bytes).unwrap();
            let Entry { element, begin, end, .. } = &entries["x"];
            let array = element.unwrap().decode(vec![1], &bytes[*begin..*end], false).unwrap();
            assert_eq!(array.get(0), Some(200.0), "{name}");
        }
    }

    #[test]
    fn shared_bytes_and_doubled_names_are_refused() {
        let entry = |name: &str, at: [usize; 2]| {
            format!("\"{name}\":{{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[{},{}]}}", at[0], at[1])
        };
        let message = |entries: [String; 2]| {
            safetensors(&file(&format!("{{{}}}", entries.join(",")), &[0; 4])).map(|found| found.len())
        };
        assert_eq!(message([entry("a", [0, 2]), entry("b", [2, 4])]).unwrap(), 2);
        let shared = message([entry("a", [0, 2]), entry("b", [1, 3])]).unwrap_err().to_string();
        assert!(shared.contains("`a` and `b` share bytes"), "{shared}");
        let twice = message([entry("a", [0, 2]), entry("a", [2, 4])]).unwrap_err().to_string();
        assert!(twice.contains("`a` occurs twice"), "{twice}");
    }
}
