//! Data sets that come as arrays, not as recordings: read, checked and written as the data sets
//! `features` and `rgbd` read them. No program decodes anything.

mod content;
mod conversion;
mod mosi;
mod nyuv2;
mod output;

pub use conversion::{Conversion, ConversionPlan, ConversionSettings};

use crate::error::PrepareError;
use crate::folder::Folder;
use crate::layout::Words;
use content::Opened;

/// A data set that comes as arrays.
pub trait Collection: Sync {
    /// Its name in commands.
    fn name(&self) -> &'static str;

    /// What it reads, in words.
    fn words(&self) -> Words;

    /// Finds the files and reads ids, labels and splits.
    ///
    /// # Errors
    /// If a file is absent, damaged or something else.
    fn open(&self, folder: &Folder, settings: &ConversionSettings) -> Result<Opened, PrepareError>;
}

/// All collections, in the order in which they are listed.
pub const ALL: [&dyn Collection; 3] = [&mosi::MOSI, &mosi::MOSEI, &nyuv2::NyuV2];

/// The collection of a name.
pub fn named(name: &str) -> Option<&'static dyn Collection> {
    ALL.into_iter().find(|collection| collection.name() == name)
}
