//! Files that `torch.save` wrote, of either layout.
//!
//! Since version 1.6 it is a zip archive: `data.pkl` tells names and shapes,
//! `data/0`, `data/1`, .. hold the numbers. Before, it was a row of pickles (magic
//! number, protocol, system, weights, keys of the storages) and then for every
//! key a count of numbers and the numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use counterpoint_batch::memory;
use counterpoint_formats::pickle::{Object, Pickle, PickleError, Ref};
use half::{bf16, f16};

use super::{Array, Weights};

/// `torch.save`'s first object in the layout before 1.6, `0x1950a86a20f9469cfc6c`:
/// pickled as a number of ten bytes.
const LEGACY: [u8; 14] = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Levels of dictionaries and lists that weights lie below.
const DEPTH: usize = 64;

/// Bytes of the storages by key.
type Storages = BTreeMap<String, Vec<u8>>;

/// Whether a file starts as either layout does.
pub(super) fn recognises(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&LEGACY)
}

pub(super) fn read(bytes: &[u8]) -> Result<Weights, String> {
    let (pickle, storages) = if bytes.starts_with(&LEGACY) { legacy(bytes)? } else { archive(bytes)? };
    let mut weights = Weights::default();
    for (name, tensor) in tensors(&pickle)? {
        if let Object::Tensor { storage, offset, shape, strides } = pickle.get(tensor) {
            let values = view(&pickle, &storages, *storage, *offset, shape, strides)
                .map_err(|what| format!("`{name}` {what}"))?;
            if let Some(values) = values {
                weights.insert(name, Array { shape: shape.clone(), values });
            }
        }
    }
    Ok(weights)
}

/// Every tensor, by the way to it.
fn tensors(pickle: &Pickle) -> Result<Vec<(String, Ref)>, String> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    walk(pickle, pickle.root(), String::new(), 0, &mut seen, &mut found)?;
    match pickle.get(pickle.root()) {
        Object::Dict(_) | Object::Sequence(_) => Ok(found),
        _ => Err("it does not contain a dictionary of weights".into()),
    }
}

fn walk(
    pickle: &Pickle,
    at: Ref,
    name: String,
    depth: usize,
    seen: &mut BTreeSet<Ref>,
    found: &mut Vec<(String, Ref)>,
) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("it nests dictionaries and lists more than {DEPTH} deep"));
    }
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match pickle.get(at) {
        Object::Tensor { .. } if !name.is_empty() => found.push((name, at)),
        // A dictionary may hold itself.
        Object::Dict(entries) if seen.insert(at) => {
            for &(key, value) in entries {
                let key = match pickle.get(key) {
                    Object::Text(text) => below(text),
                    Object::Int(number) => below(&number.to_string()),
                    _ => continue,
                };
                walk(pickle, value, key, depth + 1, seen, found)?;
            }
        }
        Object::Sequence(items) if seen.insert(at) => {
            for (place, &item) in items.iter().enumerate() {
                walk(pickle, item, below(&place.to_string()), depth + 1, seen, found)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// A refusal with what people can do.
fn advised(error: PickleError) -> String {
    match error {
        PickleError::Refused(_) => format!("{error}; save only weights: torch.save(model.state_dict(), ..)"),
        PickleError::Damaged(what) => what,
    }
}

fn archive(bytes: &[u8]) -> Result<(Pickle, Storages), String> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| format!("the archive is truncated or damaged: {e}"))?;
    // The folder inside is named after the file that was first written.
    let names: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let folder = names.iter().find_map(|name| name.strip_suffix("data.pkl"));
    let folder = folder.ok_or("it is an archive, but not one of torch.save: it lacks data.pkl")?;
    let folder = folder.to_owned();
    // Few bytes can unpack to any number of them: what does not fit is not begun.
    let claimed = (0..zip.len()).map(|at| zip.by_index_raw(at).map_or(0, |part| part.size()));
    let claimed = claimed.fold(0, u64::saturating_add);
    if let Some(free) = memory::free().filter(|&free| claimed > free) {
        let (claimed, free) = (memory::shown(claimed), memory::shown(free));
        return Err(format!("it unpacks to {claimed}, and {free} of memory are free"));
    }
    let mut part = |name: &str| {
        let mut content = Vec::new();
        let read = zip.by_name(name).map(|file| {
            let size = file.size();
            file.take(size.saturating_add(1)).read_to_end(&mut content).map(|_| size)
        });
        match read {
            Ok(Ok(size)) if content.len() as u64 > size => {
                Err(format!("its part {name} is longer than the {size} bytes that the archive states"))
            }
            Ok(Ok(_)) => Ok(content),
            Ok(Err(e)) => Err(format!("its part {name} is damaged: {e}")),
            Err(e) => Err(format!("its part {name} cannot be read: {e}")),
        }
    };
    // Older versions do not say; they wrote the order of the machine, which is this one nearly always.
    let order = format!("{folder}byteorder");
    if names.contains(&order) && part(&order)? != b"little" {
        return Err("its numbers are big-endian".into());
    }
    let pickle = Pickle::read(&mut Cursor::new(part(&format!("{folder}data.pkl"))?)).map_err(advised)?;
    let mut storages = Storages::new();
    for name in &names {
        if let Some(key) = name.strip_prefix(&format!("{folder}data/")) {
            storages.insert(key.to_owned(), part(name)?);
        }
    }
    Ok((pickle, storages))
}

fn legacy(bytes: &[u8]) -> Result<(Pickle, Storages), String> {
    let mut file = Cursor::new(bytes);
    let mut next = || Pickle::read(&mut file).map_err(advised);
    for _magic_protocol_system in 0..3 {
        next()?;
    }
    let (pickle, keys) = (next()?, next()?);
    let Object::Sequence(order) = keys.get(keys.root()) else {
        return Err("it does not list its storages".into());
    };
    // Within the bytes.
    let mut at = file.position() as usize;
    let widths = widths(&pickle);
    let mut storages = Storages::new();
    for &key in order {
        let Object::Text(key) = keys.get(key) else { return Err("a storage has no name".into()) };
        let ends = "it ends too early";
        let count = bytes.get(at..at + 8).ok_or(ends)?;
        let count = u64::from_le_bytes(count.try_into().expect("eight bytes")) as usize;
        let size = widths.get(key.as_str()).and_then(|kind| kind.width().checked_mul(count)).ok_or(ends)?;
        at += 8;
        let end = at.checked_add(size).ok_or(ends)?;
        storages.insert(key.clone(), bytes.get(at..end).ok_or(ends)?.to_vec());
        at = end;
    }
    Ok((pickle, storages))
}

/// The kind of every storage, which the layout before 1.6 needs to know its size.
fn widths(pickle: &Pickle) -> BTreeMap<&str, Kind> {
    let storages = pickle.objects().filter_map(|object| match object {
        Object::Storage { class, key } => Some((key.as_str(), Kind::of(class)?)),
        _ => None,
    });
    storages.collect()
}

/// The numbers that a tensor shows of its storage, row-major; `None` if they are
/// of a type that weights never have.
fn view(
    pickle: &Pickle,
    storages: &Storages,
    storage: Ref,
    offset: usize,
    shape: &[usize],
    strides: &[usize],
) -> Result<Option<Vec<f32>>, String> {
    let Object::Storage { class, key } = pickle.get(storage) else {
        return Err("has no storage".into());
    };
    let Some(kind) = Kind::of(class) else { return Ok(None) };
    let bytes = storages.get(key).ok_or(format!("lies in the storage {key}, which is missing"))?;
    if shape.len() != strides.len() {
        return Err(format!("has the shape {shape:?}, but the strides {strides:?}"));
    }
    let count = shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side));
    let last = shape.iter().zip(strides).try_fold(offset, |at, (side, stride)| {
        side.saturating_sub(1).checked_mul(*stride).and_then(|step| at.checked_add(step))
    });
    // A stride of zero could ask for any amount of memory.
    let held = bytes.len() / kind.width();
    match (count, last) {
        (Some(0), _) => return Ok(Some(Vec::new())),
        (Some(count), Some(last)) if last < held && count <= held => {}
        _ => return Err(format!("of shape {shape:?} reaches beyond its storage of {held} numbers")),
    }
    let mut places = vec![offset];
    for (side, stride) in shape.iter().zip(strides) {
        places = places.into_iter().flat_map(|at| (0..*side).map(move |i| at + i * stride)).collect();
    }
    Ok(Some(places.into_iter().map(|at| kind.number(&bytes[at * kind.width()..])).collect()))
}

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
}

impl Kind {
    /// By the name of its storage class.
    fn of(class: &str) -> Option<Self> {
        Some(match class {
            "torch.DoubleStorage" => Self::F64,
            "torch.FloatStorage" => Self::F32,
            "torch.HalfStorage" => Self::F16,
            "torch.BFloat16Storage" => Self::Bf16,
            "torch.LongStorage" => Self::I64,
            "torch.IntStorage" => Self::I32,
            "torch.ShortStorage" => Self::I16,
            "torch.CharStorage" => Self::I8,
            "torch.ByteStorage" | "torch.BoolStorage" => Self::U8,
            _ => return None,
        })
    }

    fn width(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// The first number of some bytes, which hold one.
    fn number(self, bytes: &[u8]) -> f32 {
        let eight = || *bytes.first_chunk().expect("the view ends inside its storage");
        let four = || *bytes.first_chunk().expect("the view ends inside its storage");
        let two = || *bytes.first_chunk().expect("the view ends inside its storage");
        match self {
            Self::F64 => f64::from_le_bytes(eight()) as f32,
            Self::F32 => f32::from_le_bytes(four()),
            Self::F16 => f16::from_le_bytes(two()).to_f32(),
            Self::Bf16 => bf16::from_le_bytes(two()).to_f32(),
            Self::I64 => i64::from_le_bytes(eight()) as f32,
            Self::I32 => i32::from_le_bytes(four()) as f32,
            Self::I16 => f32::from(i16::from_le_bytes(two())),
            Self::I8 => f32::from(bytes[0].cast_signed()),
            Self::U8 => f32::from(bytes[0]),
        }
    }
}
