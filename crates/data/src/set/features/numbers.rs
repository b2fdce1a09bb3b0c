//! The numbers of a modality, in memory or on the disc.

use counterpoint_batch::npy::{Element, NpyArray, Values};

use crate::decode::archive::Archive;
use crate::decode::npy_file::NpyFile;
use crate::error::DataError;
use crate::rows::Rows;

/// The numbers of a modality, in memory or on the disc.
pub(super) enum Numbers {
    Array(NpyArray),
    File(NpyFile),
}

impl Numbers {
    /// An array of an archive; only its header is read if it is to stay on the disc.
    pub fn read(archive: &mut Archive, name: &str, stream: bool) -> Result<Self, DataError> {
        if !stream {
            return archive.get(name).map(Self::Array);
        }
        let Some(path) = archive.file(name) else {
            return Err(DataError::config(
                "`stream` reads .npy files sample by sample, but the data are packed in one file; unpack it into a \
                 folder of .npy files",
            ));
        };
        let place = |e: DataError| e.at(format_args!("`{}`", path.display()));
        NpyFile::open(path).map(Self::File).map_err(place)
    }

    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Array(array) => &array.shape,
            Self::File(file) => &file.shape,
        }
    }

    /// Whether 32 bits may round them.
    pub fn wide(&self) -> bool {
        match self {
            Self::Array(array) => matches!(array.values, Values::Double(_) | Values::Whole(_)),
            Self::File(file) => !matches!(file.element, Element::Float(2 | 4) | Element::Bfloat),
        }
    }

    /// Hands over all numbers in their order, a row of `stride` at a time.
    pub fn each(&self, stride: usize, mut with: impl FnMut(usize, &[f64])) -> Result<(), DataError> {
        match self {
            Self::File(file) => file.each(stride, with),
            Self::Array(array) => {
                let mut row = vec![0.0; stride];
                for number in 0..array.shape.iter().product::<usize>() / stride.max(1) {
                    let values = row.iter_mut().enumerate();
                    values.for_each(|(at, to)| *to = array.get(number * stride + at).unwrap_or(f64::NAN));
                    with(number, &row);
                }
                Ok(())
            }
        }
    }

    /// As rows of `origin.len()` columns; what 32 bits cannot hold becomes `gap`.
    pub fn rows(self, origin: Vec<f64>, gap: f32) -> Rows {
        match self {
            Self::File(file) => Rows::on_disc(file, origin, gap),
            Self::Array(array) => {
                let count = array.shape.iter().product();
                let values = (0..count).map(|at| {
                    let value = array.get(at).unwrap_or(f64::NAN);
                    if ((value - origin[at % origin.len()]) as f32).is_finite() {
                        value
                    } else {
                        f64::from(gap)
                    }
                });
                Rows::new(values, origin.clone())
            }
        }
    }
}
