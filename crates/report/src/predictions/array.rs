//! NumPy's `.npy` format (version 1.0), for the three kinds of array that are written here.

use std::io;

/// An array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Values by kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// `<f4`
    Real(Vec<f32>),
    /// `<i8`
    Whole(Vec<i64>),
    /// `<U`: UTF-32, padded with zeros to the longest.
    Text(Vec<String>),
}

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

impl Array {
    pub fn texts<S: AsRef<str>>(texts: &[S]) -> Self {
        let values = texts.iter().map(|t| t.as_ref().to_owned()).collect();
        Self { shape: vec![texts.len()], values: Values::Text(values) }
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body): (String, Vec<u8>) = match &self.values {
            Values::Real(v) => ("<f4".into(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Values::Whole(v) => ("<i8".into(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Values::Text(v) => {
                // NumPy knows no texts of width 0 and trims zeros at the end anyway.
                let width = v.iter().map(|t| t.chars().count()).max().unwrap_or(0).max(1);
                let padded = |t: &String| -> Vec<u8> {
                    let units = t.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
                    units.flat_map(u32::to_le_bytes).collect()
                };
                (format!("<U{width}"), v.iter().flat_map(padded).collect())
            }
        };
        let shape: String = self.shape.iter().map(|side| format!("{side}, ")).collect();
        let mut head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
        // The data begin at a multiple of 64, after a line break.
        let used = MAGIC.len() + 2 + head.len() + 1;
        head.extend(std::iter::repeat_n(' ', used.next_multiple_of(64) - used));
        head.push('\n');
        let length = u16::try_from(head.len()).expect("a header of a few numbers is short");
        [MAGIC, &length.to_le_bytes(), head.as_bytes(), &body].concat()
    }

    /// Reads what [`Self::encode`] writes, and what NumPy writes of the same kinds.
    pub fn decode(bytes: &[u8]) -> io::Result<Self> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "an array is cut off or damaged");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (head, body) = rest.split_at_checked(u16::from_le_bytes(*length).into()).ok_or_else(damaged)?;
        let head = str::from_utf8(head).map_err(|_| damaged())?;
        let after = |key: &str| head.split_once(key).map(|(_, rest)| rest.trim_start_matches([':', ' ']));
        let kind = after("'descr'").and_then(|t| t.split('\'').nth(1)).ok_or_else(damaged)?;
        let shape = after("'shape'").and_then(|t| t.split(['(', ')']).nth(1)).ok_or_else(damaged)?;
        let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
        let shape: Vec<usize> = sides.map(str::parse).collect::<Result<_, _>>().map_err(|_| damaged())?;
        let count = shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(side)).ok_or_else(damaged)?;
        let chunks = |size: usize| match count.checked_mul(size) {
            Some(length) if length == body.len() && !head.contains("'fortran_order': True") => {
                Ok(body.chunks_exact(size.max(1)))
            }
            _ => Err(damaged()),
        };
        let values = match kind {
            "<f4" => Values::Real(chunks(4)?.map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()),
            "<i8" => {
                let word = |c: &[u8]| i64::from_le_bytes(c.try_into().expect("chunks of eight"));
                Values::Whole(chunks(8)?.map(word).collect())
            }
            _ => {
                let width: usize =
                    kind.strip_prefix("<U").and_then(|w| w.parse().ok()).ok_or_else(damaged)?;
                let unit = |c: &[u8]| char::from_u32(u32::from_le_bytes([c[0], c[1], c[2], c[3]]));
                let text = |c: &[u8]| {
                    let text: Option<String> = c.chunks_exact(4).map(unit).collect();
                    text.map(|t| t.trim_end_matches('\0').to_owned())
                };
                let width = width.checked_mul(4).ok_or_else(damaged)?;
                Values::Text(chunks(width)?.map(text).collect::<Option<_>>().ok_or_else(damaged)?)
            }
        };
        Ok(Self { shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_numpy() {
        // np.save of np.arange(6, dtype="<f4").reshape(2, 3), NumPy 2.
        let array = Array { shape: vec![2, 3], values: Values::Real(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) };
        let bytes = array.encode();
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
            Array { shape: vec![3], values: Values::Real(vec![1.5, -0.0, f32::INFINITY]) },
            Array { shape: vec![2, 1], values: Values::Whole(vec![i64::MIN, 7]) },
            Array::texts(&["größe", "", "x\u{1f600}"]),
            Array::texts(&[""; 0]),
            Array { shape: vec![0, 4], values: Values::Real(Vec::new()) },
        ];
        for array in arrays {
            assert_eq!(Array::decode(&array.encode()).unwrap(), array);
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let whole = Array::texts(&["one", "two"]).encode();
        for length in 0..whole.len() {
            assert!(Array::decode(&whole[..length]).is_err(), "{length} bytes");
        }
        let huge = String::from_utf8_lossy(&whole).replace("(2, )", "(99999999999999999999, )");
        assert!(Array::decode(huge.as_bytes()).is_err());
    }
}
