//! The values of NumPy's arrays, read from the file when they are asked for.

use std::io::{Read, Seek};
use std::ops::Range;

use counterpoint_batch::memory;
use counterpoint_batch::npy::{Element, NpyArray, Values, row_major};

use super::tape::failed;
use super::{Object, Payload, Pickle, PickleError, Ref};

/// An array as it was pickled.
#[derive(Clone, Debug, Default)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Type of the elements, as `<f4`.
    pub dtype: String,
    /// Whether the first axis runs fastest.
    pub fortran: bool,
    /// Its elements.
    pub data: Data,
}

/// Where the elements of an array are.
#[derive(Clone, Copy, Debug, Default)]
pub enum Data {
    /// Nowhere yet.
    #[default]
    Nothing,
    /// In bytes or a text.
    Bytes(Ref),
    /// In a list of objects.
    Objects(Ref),
}

impl Pickle {
    /// All values of an array, of a number, or of a list of numbers or of texts (a list of arrays of one
    /// element each, too).
    ///
    /// # Errors
    /// If the object is something else, or its bytes do not fit its shape.
    pub fn values<R: Read + Seek>(&self, file: &mut R, at: Ref) -> Result<NpyArray, PickleError> {
        match self.get(at) {
            Object::Array(array) => match array.data {
                Data::Objects(list) => {
                    let mut values = self.list(file, list)?;
                    let count: Option<usize> =
                        array.shape.iter().try_fold(1, |n: usize, s| n.checked_mul(*s));
                    if count != Some(values.shape[0]) {
                        let held = values.shape[0];
                        return Err(format!("holds {held} objects, expected shape {:?}", array.shape).into());
                    }
                    values.shape.clone_from(&array.shape);
                    Ok(if array.fortran { row_major(values) } else { values })
                }
                _ => self.decode(file, array, None),
            },
            Object::Sequence(_) => self.list(file, at),
            Object::Int(value) => Ok(single(Values::Whole(vec![*value]))),
            Object::Float(value) => Ok(single(Values::Double(vec![*value]))),
            Object::Text(_) | Object::Bytes(Payload::Held(_)) => {
                let text = self.text(at).ok_or("holds bytes, expected numbers or texts")?;
                Ok(single(Values::Text(vec![text.to_owned()])))
            }
            _ => Err("is neither an array nor a list".into()),
        }
    }

    /// Some rows (entries of the first axis) of an array. Of a row-major array of numbers only their
    /// bytes are read.
    ///
    /// # Errors
    /// If the object is no array, has fewer rows, or its bytes do not fit its shape.
    pub fn rows<R: Read + Seek>(
        &self,
        file: &mut R,
        at: Ref,
        rows: Range<usize>,
    ) -> Result<NpyArray, PickleError> {
        let Object::Array(array) = self.get(at) else { return Err("is not an array".into()) };
        if array.shape.first().is_none_or(|&count| rows.end > count || rows.start > rows.end) {
            return Err(format!("has shape {:?}, expected {} rows", array.shape, rows.end).into());
        }
        self.decode(file, array, Some(rows))
    }

    /// Whether rows can be read one by one; otherwise each call reads the whole array.
    pub fn by_rows(&self, at: Ref) -> bool {
        let Object::Array(array) = self.get(at) else { return false };
        let Data::Bytes(data) = array.data else { return false };
        !array.fortran && matches!(self.get(data), Object::Bytes(Payload::Raw(_) | Payload::Held(_)))
    }

    fn decode<R: Read + Seek>(
        &self,
        file: &mut R,
        array: &Array,
        rows: Option<Range<usize>>,
    ) -> Result<NpyArray, PickleError> {
        let Data::Bytes(data) = array.data else { return Err("holds objects, expected numbers".into()) };
        let (element, big_endian) = Element::named(&array.dtype)
            .ok_or_else(|| format!("holds elements of type `{}`, expected numbers or texts", array.dtype))?;
        let damaged = |e: counterpoint_batch::npy::NpyError| PickleError::Damaged(e.0);
        let all = |bytes: &[u8]| -> Result<NpyArray, PickleError> {
            let values = element.decode(array.shape.clone(), bytes, big_endian).map_err(damaged)?;
            Ok(if array.fortran { row_major(values) } else { values })
        };
        let (rows, mut shape) = match rows {
            Some(rows) => (rows, array.shape.clone()),
            None => (0..array.shape.first().copied().unwrap_or(1), array.shape.clone()),
        };
        let row = shape.iter().skip(1).try_fold(element.size(), |n, side| n.checked_mul(*side));
        let total = row.and_then(|row| row.checked_mul(shape.first().copied().unwrap_or(1)));
        let held = match self.get(data) {
            Object::Text(text) => return self.cut(all(&latin(text)?)?, rows),
            Object::Bytes(Payload::Utf8(span)) => {
                room(span.bytes)?;
                let bytes = span.read(file, 0, span.bytes as usize).map_err(failed)?;
                let text = String::from_utf8(bytes).map_err(|_| "a text is not UTF-8")?;
                return self.cut(all(&latin(&text)?)?, rows);
            }
            Object::Bytes(Payload::Held(bytes)) if array.fortran => return self.cut(all(bytes)?, rows),
            Object::Bytes(Payload::Raw(span)) if array.fortran => {
                room(span.bytes)?;
                let bytes = span.read(file, 0, span.bytes as usize).map_err(failed)?;
                return self.cut(all(&bytes)?, rows);
            }
            Object::Bytes(Payload::Held(bytes)) => bytes.len() as u64,
            Object::Bytes(Payload::Raw(span)) => span.bytes,
            _ => return Err("holds no bytes".into()),
        };
        let (Some(row), Some(total)) = (row, total.filter(|total| *total as u64 == held)) else {
            return Err(format!(
                "of shape {:?} and type `{}` does not fit the {held} bytes that are there",
                array.shape, array.dtype
            )
            .into());
        };
        let (from, count) = (rows.start * row, rows.len() * row);
        let bytes = match self.get(data) {
            Object::Bytes(Payload::Raw(span)) => {
                room(count as u64)?;
                span.read(file, from as u64, count).map_err(failed)?
            }
            Object::Bytes(Payload::Held(bytes)) if total > 0 => bytes[from..from + count].to_vec(),
            _ => Vec::new(),
        };
        if let Some(first) = shape.first_mut() {
            *first = rows.len();
        }
        element.decode(shape, &bytes, big_endian).map_err(damaged)
    }

    /// Some rows of values.
    fn cut(&self, array: NpyArray, rows: Range<usize>) -> Result<NpyArray, PickleError> {
        let Some((&count, rest)) = array.shape.split_first() else { return Ok(array) };
        if rows == (0..count) {
            return Ok(array);
        }
        let row: usize = rest.iter().product();
        let range = rows.start * row..rows.end * row;
        let values = match array.values {
            Values::Real(v) => Values::Real(v[range].to_vec()),
            Values::Double(v) => Values::Double(v[range].to_vec()),
            Values::Whole(v) => Values::Whole(v[range].to_vec()),
            Values::Text(v) => Values::Text(v[range].to_vec()),
        };
        let mut shape = array.shape;
        shape[0] = rows.len();
        Ok(NpyArray { shape, values })
    }

    /// A list of numbers or texts.
    fn list<R: Read + Seek>(&self, file: &mut R, at: Ref) -> Result<NpyArray, PickleError> {
        let Object::Sequence(items) = self.get(at) else { return Err("is not a list".into()) };
        let (mut numbers, mut texts, mut whole) = (Vec::new(), Vec::new(), true);
        for &item in items {
            // A list within a list is not looked into: it could hold itself.
            if matches!(self.get(item), Object::Sequence(_)) {
                return Err("is a list of lists, expected numbers or texts".into());
            }
            if let Object::Array(array) = self.get(item)
                && (matches!(array.data, Data::Objects(_)) || array.shape.iter().any(|&side| side != 1))
            {
                return Err("is a list of arrays, expected numbers or texts".into());
            }
            let values = self.values(file, item)?;
            match &values.values {
                Values::Text(text) if text.len() == 1 => texts.push(text[0].clone()),
                other => {
                    whole &= matches!(other, Values::Whole(_));
                    let one = values.get(0).filter(|_| values.get(1).is_none());
                    numbers.push(one.ok_or("is a list of arrays, expected numbers or texts")?);
                }
            }
        }
        let values = match (numbers.is_empty(), texts.is_empty()) {
            (false, false) => return Err("mixes numbers and texts".into()),
            (true, false) => Values::Text(texts),
            // 2^53 and more are rounded.
            (false, true) if whole && numbers.iter().all(|n| n.abs() < 9e15) => {
                Values::Whole(numbers.iter().map(|n| *n as i64).collect())
            }
            _ => Values::Double(numbers),
        };
        Ok(NpyArray { shape: vec![items.len()], values })
    }
}

fn single(values: Values) -> NpyArray {
    NpyArray { shape: Vec::new(), values }
}

/// A text of which each character stands for a byte.
fn latin(text: &str) -> Result<Vec<u8>, PickleError> {
    let byte = |c: char| u8::try_from(u32::from(c)).map_err(|_| "holds a text, expected bytes".into());
    text.chars().map(byte).collect()
}

/// Refuses what the free memory cannot hold.
fn room(bytes: u64) -> Result<(), PickleError> {
    match memory::free().filter(|&free| bytes > free) {
        Some(free) => {
            Err(format!("takes {} of memory, and {} are free", memory::shown(bytes), memory::shown(free))
                .into())
        }
        None => Ok(()),
    }
}
