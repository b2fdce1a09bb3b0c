//! HDF5 as MATLAB 7.3 and h5py write it by default: superblocks of version 0 to 3, groups with
//! symbol tables or links in their headers, contiguous and chunked data sets with `deflate` and
//! `shuffle`, whole numbers, fractions, fixed texts and references to objects.
//!
//! The format is described in the HDF5 File Format Specification, version 3.0. What it has beyond
//! that (dense groups, later chunk indices, texts of variable length, compound types) is refused by name.

mod chunk;
mod dataset;
mod file;
mod group;
mod header;
mod kind;

use std::io::{Read, Seek};

pub use dataset::Dataset;

use crate::error::FormatError;
use file::File;

/// Where an object is, relative to the file's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub u64);

/// An opened file.
#[derive(Debug)]
pub struct Hdf5<R> {
    file: File<R>,
    root: Address,
}

impl<R: Read + Seek> Hdf5<R> {
    /// Opens a file.
    ///
    /// # Errors
    /// If it is not HDF5, or of a version that is not read.
    pub fn open(file: R) -> Result<Self, FormatError> {
        let (file, root) = File::open(file)?;
        Ok(Self { file, root })
    }

    /// The group that holds all others.
    pub fn root(&self) -> Address {
        self.root
    }

    /// Names and places of a group's members, sorted by name.
    ///
    /// # Errors
    /// If the object is no group, damaged or of a kind that is not read.
    pub fn members(&mut self, group: Address) -> Result<Vec<(String, Address)>, FormatError> {
        group::members(&mut self.file, group)
    }

    /// The object at a path of names below a group, separated by `/`.
    ///
    /// # Errors
    /// If there is none; the message lists what there is instead.
    pub fn find(&mut self, group: Address, path: &str) -> Result<Address, FormatError> {
        path.split('/').try_fold(group, |at, name| {
            let members = self.members(at)?;
            match members.iter().find(|(member, _)| member == name) {
                Some((_, found)) => Ok(*found),
                None => {
                    let names: Vec<&str> =
                        members.iter().take(10).map(|(member, _)| member.as_str()).collect();
                    Err(format!("holds no `{name}`; there are: {}", names.join(", ")).into())
                }
            }
        })
    }

    /// Opens a data set: its shape, type and the places of its parts.
    ///
    /// # Errors
    /// If the object is no data set, damaged or of a kind that is not read.
    pub fn dataset(&mut self, at: Address) -> Result<Dataset, FormatError> {
        Dataset::open(&mut self.file, at)
    }

    /// All values of a data set; references are whole numbers, for [`Address`].
    ///
    /// # Errors
    /// If a part is missing or damaged, or they do not fit into the free memory.
    pub fn values(&mut self, set: &Dataset) -> Result<counterpoint_batch::npy::NpyArray, FormatError> {
        let rows = set.shape.first().map_or(0..1, |&count| 0..count);
        set.rows(&mut self.file, rows)
    }

    /// Some entries of the first axis of a data set.
    ///
    /// # Errors
    /// As for [`values`](Self::values), and if there are fewer.
    pub fn rows(
        &mut self,
        set: &Dataset,
        rows: std::ops::Range<usize>,
    ) -> Result<counterpoint_batch::npy::NpyArray, FormatError> {
        set.rows(&mut self.file, rows)
    }
}
