//! MATLAB's `.mat` of level 5 (what `save` writes without `-v7.3`): numbers, texts and cells.
//!
//! The format is described in MATLAB's "MAT-File Format". Version 7.3 is [`hdf5`](crate::hdf5).

use std::io::Read;

use counterpoint_batch::npy::{NpyArray, Values, row_major};
use flate2::read::ZlibDecoder;

use crate::bytes::Bytes;
use crate::error::FormatError;

/// Levels of cells in cells.
const DEPTH: usize = 8;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Real numbers, row-major.
    Numbers(NpyArray),
    /// A row of characters; of several rows, one after another as MATLAB has them, column by column.
    Text(String),
    /// Values in MATLAB's order: the first axis runs fastest.
    Cell(Vec<Value>),
    /// Something else, by its name.
    Other(&'static str),
}

/// The variables of a file by their names.
///
/// # Errors
/// If the bytes are no such file, are truncated or damaged.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, Value)>, FormatError> {
    let mut file = Bytes(bytes);
    let head = file.take(128).map_err(|_| "is not a MATLAB file, or its start is missing")?;
    match &head[124..128] {
        [0, 1, b'I', b'M'] => {}
        [1, 0, b'M', b'I'] => {
            return Err("is a big-endian MATLAB file; save it again on a machine of today".into());
        }
        [0, 2, b'I', b'M'] => return Err("is a MATLAB file of version 7.3, expected one of level 5".into()),
        _ => return Err("is not a MATLAB file of level 5; save it in MATLAB with `save(.., '-v7')`".into()),
    }
    let mut variables = Vec::new();
    while !file.0.is_empty() {
        let (kind, content) = part(&mut file)?;
        match kind {
            MATRIX => variables.push(matrix(content, 0)?),
            COMPRESSED => {
                // `deflate` makes a thousand bytes of one at most.
                let mut unpacked = Vec::new();
                ZlibDecoder::new(content)
                    .read_to_end(&mut unpacked)
                    .map_err(|cause| format!("is damaged: a variable cannot be unpacked: {cause}"))?;
                let (kind, content) = part(&mut Bytes(&unpacked))?;
                if kind == MATRIX {
                    variables.push(matrix(content, 0)?);
                }
            }
            _ => {}
        }
    }
    Ok(variables)
}

const MATRIX: usize = 14;
const COMPRESSED: usize = 15;

/// One part: its kind and what it holds.
fn part<'a>(file: &mut Bytes<'a>) -> Result<(usize, &'a [u8]), FormatError> {
    let word = file.word()?;
    // Up to four bytes lie in the tag itself.
    if word >> 16 != 0 {
        let held = file.take(4)?;
        return Ok((word & 0xffff, held.get(..word >> 16).ok_or("is damaged: a short part is too long")?));
    }
    let size = file.word()?;
    let content = file.take(size)?;
    if word != COMPRESSED {
        // Parts begin at multiples of eight; behind the last one nothing need follow.
        file.take((size.next_multiple_of(8) - size).min(file.0.len()))?;
    }
    Ok((word, content))
}

/// A variable with its name.
fn matrix(content: &[u8], depth: usize) -> Result<(String, Value), FormatError> {
    // An empty cell has no parts at all.
    if content.is_empty() {
        return Ok((String::new(), Value::Other("nothing")));
    }
    let mut file = Bytes(content);
    let (_, flags) = part(&mut file)?;
    let flags = Bytes(flags).word()?;
    let (_, sides) = part(&mut file)?;
    let side = |side: &[u8]| Bytes(side).word();
    let shape: Vec<usize> = sides.chunks_exact(4).map(side).collect::<Result<_, _>>()?;
    let (_, name) = part(&mut file)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let count =
        shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side)).ok_or("has an impossible shape")?;
    let value = match flags & 0xff {
        1 if depth >= DEPTH => return Err(format!("nests cells more than {DEPTH} deep").into()),
        1 => {
            let mut values = Vec::new();
            for _ in 0..count {
                let (kind, content) = part(&mut file)?;
                if kind != MATRIX {
                    return Err(format!("is damaged: a cell of `{name}` holds no value").into());
                }
                values.push(matrix(content, depth + 1)?.1);
            }
            Value::Cell(values)
        }
        4 => {
            let (kind, content) = part(&mut file)?;
            Value::Text(if kind == 4 || kind == 17 {
                let units = content.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
                String::from_utf16_lossy(&units.collect::<Vec<u16>>())
            } else {
                String::from_utf8_lossy(content).into_owned()
            })
        }
        6..=15 if flags & 0x800 == 0 => {
            let (kind, content) = part(&mut file)?;
            let values = numbers(kind, content)?;
            if values.len() != count {
                return Err(format!(
                    "is damaged: `{name}` of shape {shape:?} holds {} numbers",
                    values.len()
                )
                .into());
            }
            Value::Numbers(row_major(NpyArray { shape, values: Values::Double(values) }))
        }
        2 => Value::Other("a structure"),
        5 => Value::Other("a sparse matrix"),
        6..=15 => Value::Other("complex numbers"),
        _ => Value::Other("an object"),
    };
    Ok((name, value))
}

/// Numbers as they are stored, which may be narrower than their class.
fn numbers(kind: usize, content: &[u8]) -> Result<Vec<f64>, FormatError> {
    fn all<const N: usize>(content: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        content.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
    }
    Ok(match kind {
        1 => all(content, |b| i8::from_le_bytes(b).into()),
        2 => all(content, |b| u8::from_le_bytes(b).into()),
        3 => all(content, |b| i16::from_le_bytes(b).into()),
        4 => all(content, |b| u16::from_le_bytes(b).into()),
        5 => all(content, |b| i32::from_le_bytes(b).into()),
        6 => all(content, |b| u32::from_le_bytes(b).into()),
        7 => all(content, |b| f32::from_le_bytes(b).into()),
        9 => all(content, f64::from_le_bytes),
        12 => all(content, |b| i64::from_le_bytes(b) as f64),
        13 => all(content, |b| u64::from_le_bytes(b) as f64),
        _ => return Err(format!("holds numbers of the unknown kind {kind}").into()),
    })
}
