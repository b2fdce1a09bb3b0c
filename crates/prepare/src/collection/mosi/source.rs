//! Where utterances and their features come from.

use std::path::PathBuf;

use counterpoint_data::set::Part;

use crate::error::PrepareError;
use crate::problem::Finding;

/// One utterance.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// Its name.
    pub id: String,
    /// The video that it is of.
    pub video: Option<String>,
    /// Its sentiment.
    pub score: f64,
    /// Its published split.
    pub part: Option<Part>,
    /// What is said, where that is known.
    pub words: Option<String>,
    /// The file that holds it, for messages.
    pub file: PathBuf,
    /// Its number in the source.
    pub number: usize,
}

/// One modality of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modality {
    /// Its name.
    pub name: String,
    /// Steps at most; `None` for one vector per utterance.
    pub longest: Option<usize>,
    /// Numbers of a step.
    pub width: usize,
}

/// The features of one utterance, without padding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Steps one after another.
    pub values: Vec<f32>,
    /// What is to be told of it.
    pub finding: Option<Finding>,
}

/// Features that are read utterance by utterance.
pub trait Source {
    /// What there is.
    fn modalities(&self) -> &[Modality];

    /// The features of an utterance in a modality, by its number.
    ///
    /// # Errors
    /// If the file is damaged.
    fn row(&mut self, modality: usize, utterance: usize) -> Result<Row, PrepareError>;
}
