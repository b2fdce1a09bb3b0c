//! Files of other programs as plain arrays: Python's pickles, HDF5 and MATLAB's `.mat`.
//!
//! Each reader understands the part of its format that data sets and weights use and refuses the
//! rest by name. None executes anything, and none asks for more memory than the bytes of a file
//! justify, whatever its headers claim.
//!
//! ```
//! use std::io::Cursor;
//!
//! use counterpoint_formats::pickle::{Object, Pickle};
//!
//! // pickle.dumps([7, "a"], protocol=2)
//! let mut file = Cursor::new(b"\x80\x02]q\x00(K\x07X\x01\x00\x00\x00aq\x01e.");
//! let pickle = Pickle::read(&mut file)?;
//! let Object::Sequence(items) = pickle.get(pickle.root()) else { panic!("a list") };
//! assert!(matches!(pickle.get(items[0]), Object::Int(7)));
//! assert_eq!(pickle.text(items[1]), Some("a"));
//! # Ok::<(), counterpoint_formats::pickle::PickleError>(())
//! ```

mod bytes;
mod error;
pub mod hdf5;
pub mod mat;
pub mod pickle;

pub use error::FormatError;
