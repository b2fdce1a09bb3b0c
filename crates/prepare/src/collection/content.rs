//! What an opened collection can do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint_data::set::Part;

use crate::clip::Clip;
use crate::content::Content;
use crate::error::PrepareError;
use crate::problem::Problem;

/// A collection of which ids, labels and splits are known.
pub struct Opened {
    /// Its samples in the order in which they are written.
    pub samples: Vec<Clip>,
    /// What is left out, and remarks.
    pub problems: Vec<Problem>,
    /// Things worth telling.
    pub notes: Vec<String>,
    /// Files that are read, relative to the folder.
    pub sources: Vec<PathBuf>,
    /// Makes the files.
    pub maker: Box<dyn Maker>,
}

/// What was made in one step.
pub enum Made {
    /// Files, relative to the target, and remarks.
    Files(Vec<Content>, Vec<Problem>),
    /// Nothing: the sample of that number is left out.
    LeftOut(usize, Problem),
}

/// Makes the files of a collection, step by step.
pub trait Maker {
    /// The word for a sample in the plural.
    fn unit(&self) -> &'static str;

    /// Names of the steps; none is twice.
    fn steps(&self, samples: &[Clip]) -> Vec<String>;

    /// Does a step; its files appear whole or not at all.
    ///
    /// # Errors
    /// If a source is damaged, or the target not written.
    fn make(&mut self, step: usize, samples: &[Clip], to: &Path) -> Result<Made, PrepareError>;

    /// The lists beside, by their names; `used` are numbers of samples with their splits.
    fn lists(&self, samples: &[Clip], used: &[(usize, Part)]) -> Vec<(String, Vec<u8>)>;

    /// Samples of each modality.
    fn modalities(&self, used: usize) -> BTreeMap<String, usize>;

    /// Number of classes.
    fn classes(&self, samples: &[Clip]) -> usize;

    /// A configuration that trains it.
    fn config(&self) -> String;
}
