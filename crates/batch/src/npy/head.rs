//! What stands before the values in a `.npy` file.

use super::{Element, MAGIC, NpyError, value};

/// Shape and kind of an array, and where its values begin.
#[derive(Clone, Debug)]
pub struct Head {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The kind of its elements.
    pub element: Element,
    /// Whether the bytes of an element begin with the largest.
    pub big_endian: bool,
    /// Whether values are column-major.
    pub fortran: bool,
    /// The first byte of the values.
    pub begin: usize,
}

impl Head {
    /// Bytes that hold the header of every file that NumPy writes.
    pub const MOST: u64 = 1 << 17;

    /// Reads the beginning of a `.npy` file.
    ///
    /// # Errors
    /// If it is not one, is cut off, or holds a type other than numbers and texts.
    pub fn read(bytes: &[u8]) -> Result<Self, NpyError> {
        let foreign = || NpyError("is not an npy file; save it with numpy.save or numpy.savez".into());
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(foreign)?;
        let (&[major, _minor], rest) = rest.split_first_chunk::<2>().ok_or_else(foreign)?;
        if !(1..=3).contains(&major) {
            return Err(NpyError(format!(
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
                    .map_err(|_| NpyError(format!("the npy header has no shape: {header}")))
            })
            .collect::<Result<_, _>>()?;
        let (element, big_endian) = Element::named(descr).ok_or_else(|| {
            NpyError(format!(
                "the npy file holds elements of type `{descr}`, expected numbers or texts; convert it with .astype"
            ))
        })?;
        Ok(Self { shape, element, big_endian, fortran, begin: bytes.len() - data.len() })
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        self.shape.iter().fold(self.element.size(), |n: usize, &side| n.saturating_mul(side))
    }
}
