//! One array of numbers or short texts, and NumPy's `.npy` format.

use crate::error::DataError;

/// Values of an array, in the widest type this crate uses for its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Real numbers of up to 32 bits.
    Real(Vec<f32>),
    /// Real numbers of 64 bits.
    Double(Vec<f64>),
    /// Integers and truth values.
    Whole(Vec<i64>),
    /// Texts of fixed width, without their padding.
    Text(Vec<String>),
}

/// A row-major array.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// All values, row-major.
    pub values: Values,
}

impl Numbers {
    /// The value at a place in double precision; `None` for texts and beyond the end.
    pub fn get(&self, at: usize) -> Option<f64> {
        match &self.values {
            Values::Real(v) => v.get(at).map(|&x| f64::from(x)),
            Values::Double(v) => v.get(at).copied(),
            Values::Whole(v) => v.get(at).map(|&x| x as f64),
            Values::Text(_) => None,
        }
    }

    /// The values as real numbers; `None` for texts.
    pub fn real(&self) -> Option<Vec<f32>> {
        match &self.values {
            Values::Real(v) => Some(v.clone()),
            Values::Double(v) => Some(v.iter().map(|&x| x as f32).collect()),
            Values::Whole(v) => Some(v.iter().map(|&x| x as f32).collect()),
            Values::Text(_) => None,
        }
    }

    /// The values in double precision; `None` for texts.
    pub fn doubles(&self) -> Option<Vec<f64>> {
        match &self.values {
            Values::Real(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Values::Double(v) => Some(v.clone()),
            Values::Whole(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Values::Text(_) => None,
        }
    }

    /// The values as names: texts, or whole numbers in decimal; `None` for fractions.
    pub fn names(&self) -> Option<Vec<String>> {
        match &self.values {
            Values::Text(v) => Some(v.clone()),
            Values::Whole(v) => Some(v.iter().map(i64::to_string).collect()),
            Values::Real(v) => v.iter().map(|&x| whole(f64::from(x))).collect(),
            Values::Double(v) => v.iter().map(|&x| whole(x)).collect(),
        }
    }
}

/// A whole number in decimal; `None` for fractions and for what 64 bits round.
fn whole(x: f64) -> Option<String> {
    (x.fract() == 0.0 && x.abs() < 9e15).then(|| (x as i64).to_string())
}

/// How the bytes of one element are to be read.
#[derive(Clone, Copy, Debug)]
pub enum Element {
    /// IEEE numbers of 2, 4 or 8 bytes.
    Float(usize),
    /// The upper half of a 32-bit float.
    Bfloat,
    /// Two's complement of 1, 2, 4 or 8 bytes.
    Signed(usize),
    /// Unsigned or truth values of 1, 2, 4 or 8 bytes.
    Unsigned(usize),
    /// UTF-32 texts of so many characters.
    Wide(usize),
    /// Byte texts of so many characters.
    Narrow(usize),
}

impl Element {
    fn size(self) -> usize {
        match self {
            Self::Float(n) | Self::Signed(n) | Self::Unsigned(n) | Self::Narrow(n) => n,
            Self::Bfloat => 2,
            Self::Wide(n) => 4 * n,
        }
    }

    /// Reads all elements of an array from little- or big-endian bytes.
    ///
    /// # Errors
    /// If the bytes are not as many as the shape asks for.
    pub fn decode(self, shape: Vec<usize>, bytes: &[u8], big_endian: bool) -> Result<Numbers, DataError> {
        let size = self.size();
        let expected = shape.iter().try_fold(size, |n, &side| n.checked_mul(side));
        if size == 0 || expected != Some(bytes.len()) {
            return Err(DataError::format(format!(
                "an array of shape {shape:?} with {size} bytes an element does not fit the {} bytes that are there; \
                 the file is cut off or damaged",
                bytes.len()
            )));
        }
        let word = |chunk: &[u8]| {
            let push = |n: u64, &b: &u8| (n << 8) | u64::from(b);
            if big_endian { chunk.iter().fold(0, push) } else { chunk.iter().rev().fold(0, push) }
        };
        let words = bytes.chunks_exact(size);
        let values = match self {
            Self::Float(8) => Values::Double(words.map(|c| f64::from_bits(word(c))).collect()),
            Self::Float(2) => Values::Real(words.map(|c| half(word(c) as u16)).collect()),
            Self::Float(_) => Values::Real(words.map(|c| f32::from_bits(word(c) as u32)).collect()),
            Self::Bfloat => Values::Real(words.map(|c| f32::from_bits((word(c) as u32) << 16)).collect()),
            Self::Signed(n) => {
                let unused = 64 - 8 * n as u32; // shifting up and down again extends the sign
                Values::Whole(words.map(|c| ((word(c) as i64) << unused) >> unused).collect())
            }
            Self::Unsigned(_) => Values::Whole(words.map(|c| signed(word(c))).collect::<Result<_, _>>()?),
            Self::Wide(_) => Values::Text(
                words
                    .map(|c| {
                        let text: String =
                            c.chunks_exact(4).filter_map(|u| char::from_u32(word(u) as u32)).collect();
                        text.trim_end_matches('\0').to_owned()
                    })
                    .collect(),
            ),
            Self::Narrow(_) => Values::Text(
                words.map(|c| String::from_utf8_lossy(c).trim_end_matches('\0').to_owned()).collect(),
            ),
        };
        Ok(Numbers { shape, values })
    }
}

/// An unsigned number that 63 bits hold.
fn signed(number: u64) -> Result<i64, DataError> {
    i64::try_from(number).map_err(|cause| {
        let message = format!(
            "holds the whole number {number}, which is above {}; convert the array with .astype(\"float64\")",
            i64::MAX
        );
        DataError::format(message).because(cause)
    })
}

/// A 16-bit float.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// Reads the content of a `.npy` file.
///
/// # Errors
/// If it is none, is cut off, or holds a type other than numbers and texts.
pub fn decode(bytes: &[u8]) -> Result<Numbers, DataError> {
    let foreign = || DataError::format("is not an npy file; save it with numpy.save or numpy.savez");
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(foreign)?;
    let (&[major, _minor], rest) = rest.split_first_chunk::<2>().ok_or_else(foreign)?;
    if !(1..=3).contains(&major) {
        return Err(DataError::format(format!(
            "is an npy file of version {major}, expected 1, 2 or 3; save it again with numpy.save"
        )));
    }
    let (length, rest) = if major == 1 {
        let (&n, rest) = rest.split_first_chunk::<2>().ok_or_else(foreign)?;
        (usize::from(u16::from_le_bytes(n)), rest)
    } else {
        let (&n, rest) = rest.split_first_chunk::<4>().ok_or_else(foreign)?;
        (u32::from_le_bytes(n) as usize, rest)
    };
    let (header, data) = rest.split_at_checked(length).ok_or_else(foreign)?;
    let header = String::from_utf8_lossy(header);
    let descr = value(&header, "descr").unwrap_or("").trim_matches(['\'', '"']);
    let fortran = value(&header, "fortran_order") == Some("True");
    let shape: Vec<usize> = value(&header, "shape")
        .unwrap_or("(?)")
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .map(|side| {
            // Python 2 on Windows wrote long integers: (48L, 3L).
            side.trim_end_matches('L')
                .parse()
                .map_err(|_| DataError::format(format!("the npy header has no shape: {header}")))
        })
        .collect::<Result<_, _>>()?;
    let (element, big_endian) = element(descr).ok_or_else(|| {
        DataError::format(format!(
            "the npy file holds elements of type `{descr}`, expected numbers or texts; convert it with .astype"
        ))
    })?;
    let size = element.size().saturating_mul(shape.iter().fold(1, |n: usize, &s| n.saturating_mul(s)));
    let array = element.decode(shape, data.get(..size).unwrap_or(data), big_endian)?;
    Ok(if fortran { row_major(array) } else { array })
}

/// Text of one value of the header's dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let after = header.split_once(&format!("'{key}':"))?.1.trim_start();
    let end = if after.starts_with('(') { after.find(')')? + 1 } else { after.find([',', '}'])? };
    Some(after[..end].trim())
}

fn element(descr: &str) -> Option<(Element, bool)> {
    let mut chars = descr.chars();
    let (order, kind) = (chars.next()?, chars.next()?);
    let size: usize = chars.as_str().parse().ok()?;
    let element = match (kind, size) {
        ('f', 2 | 4 | 8) => Element::Float(size),
        ('i', 1 | 2 | 4 | 8) => Element::Signed(size),
        ('u', 1 | 2 | 4 | 8) | ('b', 1) => Element::Unsigned(size),
        ('U', _) => Element::Wide(size),
        ('S', _) => Element::Narrow(size),
        _ => return None,
    };
    Some((element, order == '>'))
}

/// Reorders column-major values.
fn row_major(array: Numbers) -> Numbers {
    fn reorder<T: Clone>(shape: &[usize], values: &[T]) -> Vec<T> {
        let mut index = vec![0; shape.len()];
        let mut out = Vec::with_capacity(values.len());
        for _ in 0..values.len() {
            let (mut at, mut stride) = (0, 1);
            for (&i, &side) in index.iter().zip(shape) {
                at += i * stride;
                stride *= side;
            }
            out.push(values[at].clone());
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                if index[axis] < shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        out
    }
    let values = match &array.values {
        Values::Real(v) => Values::Real(reorder(&array.shape, v)),
        Values::Double(v) => Values::Double(reorder(&array.shape, v)),
        Values::Whole(v) => Values::Whole(reorder(&array.shape, v)),
        Values::Text(v) => Values::Text(reorder(&array.shape, v)),
    };
    Numbers { shape: array.shape, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version 1 file as NumPy writes it.
    pub(crate) fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let fortran = if fortran { "True" } else { "False" };
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn numbers_of_every_width() {
        let real =
            |descr: &str, data: &[u8]| decode(&file(descr, false, "(1,)", data)).unwrap().real().unwrap();
        assert_eq!(real("<f4", &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(real(">f8", &(-2.5f64).to_be_bytes()), [-2.5]);
        assert_eq!(real("<f2", &0x3E00u16.to_le_bytes()), [1.5]);
        assert_eq!(real("<f2", &0x8001u16.to_le_bytes()), [-(2f32.powi(-24))]);
        assert_eq!(real("<i2", &(-3i16).to_le_bytes()), [-3.0]);
        assert_eq!(real("|u1", &[200]), [200.0]);
        assert_eq!(real("<i8", &(-1i64).to_le_bytes()), [-1.0]);
        let time = decode(&file("<f8", false, "(1L,)", &1_700_000_010.25f64.to_le_bytes())).unwrap();
        assert_eq!(
            (time.shape.as_slice(), time.get(0), time.get(1)),
            (&[1][..], Some(1_700_000_010.25), None)
        );
    }

    #[test]
    fn texts_lose_their_padding_and_whole_numbers_become_names() {
        let wide: Vec<u8> = ['a', 'é', '\0'].iter().flat_map(|&c| (c as u32).to_le_bytes()).collect();
        assert_eq!(decode(&file("<U3", false, "(1,)", &wide)).unwrap().names().unwrap(), ["aé"]);
        assert_eq!(decode(&file("|S2", false, "(2,)", b"xyz\0")).unwrap().names().unwrap(), ["xy", "z"]);
        assert_eq!(decode(&file("|b1", false, "(2,)", &[0, 1])).unwrap().names().unwrap(), ["0", "1"]);
        assert_eq!(decode(&file("<f4", false, "(1,)", &0.5f32.to_le_bytes())).unwrap().names(), None);
    }

    #[test]
    fn column_major_is_reordered() {
        let array = decode(&file("|u1", true, "(2, 3)", &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(array.real().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn damaged_files_are_errors() {
        let message = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
        assert!(message(b"PK").contains("not an npy file"));
        assert!(message(&file("<f4", false, "(3,)", &[0; 8])).contains("shape [3]"));
        assert!(message(&file("|O8", false, "(1,)", &[0; 8])).contains("type `|O8`"));
        assert!(message(&file("<f4", false, "(99999999999, 99999999999, 99)", &[])).contains("does not fit"));
        assert!(decode(&file("<f4", false, "(x,)", &[0; 8])).is_err());
        assert!(message(&file("<u8", false, "(1,)", &[0xFF; 8])).contains("18446744073709551615"));
        let mut ninth = file("<f4", false, "(1,)", &[0; 4]);
        ninth[6] = 9;
        assert!(message(&ninth).contains("version 9"));
        assert!(decode(&file("<f4", true, "(3,)", &[0; 12])[..9]).is_err());
    }
}
