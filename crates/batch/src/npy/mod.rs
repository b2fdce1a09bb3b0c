//! NumPy's `.npy` format: one array of numbers or short texts.

mod element;
mod head;

pub use element::Element;
pub use head::Head;

use std::error::Error;
use std::fmt;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Why bytes are not an array; the message says what was found and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyError(pub String);

impl fmt::Display for NpyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NpyError {}

/// Values of an array, in the widest type that is used for its kind.
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

/// A row-major array of any kind of value.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// All values, row-major.
    pub values: Values,
}

impl NpyArray {
    /// An array with one axis of texts.
    pub fn texts<S: AsRef<str>>(texts: &[S]) -> Self {
        let values = texts.iter().map(|text| text.as_ref().to_owned()).collect();
        Self { shape: vec![texts.len()], values: Values::Text(values) }
    }

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

/// The content of a `.npy` file of version 1, as `numpy.save` writes it.
///
/// ```
/// use counterpoint_batch::npy::{NpyArray, Values, decode, encode};
/// let array = NpyArray { shape: vec![2, 1], values: Values::Real(vec![0.5, 1.0]) };
/// assert_eq!(decode(&encode(&array))?, array);
/// # Ok::<(), counterpoint_batch::npy::NpyError>(())
/// ```
pub fn encode(array: &NpyArray) -> Vec<u8> {
    fn bytes<T: Copy, const N: usize>(values: &[T], of: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|&value| of(value)).collect()
    }
    let (kind, body): (String, Vec<u8>) = match &array.values {
        Values::Real(v) => ("<f4".into(), bytes(v, f32::to_le_bytes)),
        Values::Double(v) => ("<f8".into(), bytes(v, f64::to_le_bytes)),
        Values::Whole(v) => ("<i8".into(), bytes(v, i64::to_le_bytes)),
        Values::Text(v) => {
            // NumPy has no texts of width 0 and trims zeros at the end anyway.
            let width = v.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
            let padded = |text: &String| -> Vec<u8> {
                let units = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
                units.flat_map(u32::to_le_bytes).collect()
            };
            (format!("<U{width}"), v.iter().flat_map(padded).collect())
        }
    };
    [head(&kind, &array.shape), body].concat()
}

/// What stands before the values in a `.npy` file, for one that is written piece by piece; `kind` is
/// NumPy's name of the elements, as `<f4`.
pub fn head(kind: &str, shape: &[usize]) -> Vec<u8> {
    let shape: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The data begin at a multiple of 64, after a line break.
    let used = MAGIC.len() + 4 + head.len() + 1;
    head.extend(std::iter::repeat_n(' ', used.next_multiple_of(64) - used));
    head.push('\n');
    let length = u16::try_from(head.len()).expect("a header of a few numbers is short");
    [MAGIC, &[1, 0], &length.to_le_bytes(), head.as_bytes()].concat()
}

/// Reads the content of a `.npy` file.
///
/// # Errors
/// If it is not one, is cut off, or holds a type other than numbers and texts.
pub fn decode(bytes: &[u8]) -> Result<NpyArray, NpyError> {
    let head = Head::read(bytes)?;
    let data = bytes.get(head.begin..).unwrap_or_default();
    let array =
        head.element.decode(head.shape.clone(), data.get(..head.bytes()).unwrap_or(data), head.big_endian)?;
    Ok(if head.fortran { row_major(array) } else { array })
}

/// Text of one value of the header's dictionary.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let after = header.split_once(&format!("'{key}':"))?.1.trim_start();
    let end = if after.starts_with('(') { after.find(')')? + 1 } else { after.find([',', '}'])? };
    Some(after[..end].trim())
}

/// Makes an array row-major whose values are column-major.
pub fn row_major(array: NpyArray) -> NpyArray {
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
    NpyArray { shape: array.shape, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version 1 file as NumPy writes it.
    fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
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
        assert!(decode(&file("<U9223372036854775807", false, "(1,)", &[0; 8])).is_err());
        assert!(decode(&file("<f4", false, "(x,)", &[0; 8])).is_err());
        assert!(message(&file("<u8", false, "(1,)", &[0xFF; 8])).contains("18446744073709551615"));
        let mut ninth = file("<f4", false, "(1,)", &[0; 4]);
        ninth[6] = 9;
        assert!(message(&ninth).contains("version 9"));
        assert!(decode(&file("<f4", true, "(3,)", &[0; 12])[..9]).is_err());
    }

    #[test]
    fn the_bytes_are_those_of_numpy() {
        // np.save of np.arange(6, dtype="<f4").reshape(2, 3), NumPy 2.
        let array = NpyArray { shape: vec![2, 3], values: Values::Real(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) };
        let bytes = encode(&array);
        assert_eq!(bytes.len(), 128 + 24);
        assert!(bytes.starts_with(
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3"
        ));
        assert_eq!(bytes[127], b'\n');
        assert_eq!(bytes[132..136], 1.0_f32.to_le_bytes());
    }

    #[test]
    fn arrays_survive_a_round_trip() {
        let arrays = [
            NpyArray { shape: vec![3], values: Values::Real(vec![1.5, -0.0, f32::INFINITY]) },
            NpyArray { shape: vec![1, 2], values: Values::Double(vec![0.1, f64::MIN_POSITIVE]) },
            NpyArray { shape: vec![2, 1], values: Values::Whole(vec![i64::MIN, 7]) },
            NpyArray::texts(&["größe", "", "x\u{1f600}"]),
            NpyArray::texts(&[""; 0]),
            NpyArray { shape: vec![0, 4], values: Values::Real(Vec::new()) },
        ];
        for array in arrays {
            assert_eq!(decode(&encode(&array)).unwrap(), array);
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let whole = encode(&NpyArray::texts(&["one", "two"]));
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length} bytes");
        }
        let huge = String::from_utf8_lossy(&whole).replace("(2, )", "(99999999999999999999, )");
        assert!(decode(huge.as_bytes()).is_err());
    }
}
