//! One example: an array per modality (or none) and what to predict.

use crate::Array;

/// Name of a modality and the shape of one sample of it, without the batch axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModalitySpec {
    /// Name as users write it: `audio`, `image`, `text`.
    pub name: String,
    /// Shape of one sample, e.g. `[1, 64, 32]` for a one-channel spectrogram.
    pub shape: Vec<usize>,
}

impl ModalitySpec {
    /// A specification from a name and a shape.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into() }
    }
}

/// What a sample asks to be predicted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// Index of a class.
    Class(usize),
    /// A real number (regression).
    Value(f32),
}

/// One example of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name that stays the same from run to run; reports and predictions quote it.
    pub id: String,
    /// One entry per modality in the order of the specification; `None` = this sample lacks it.
    pub inputs: Vec<Option<Array>>,
    /// What to predict.
    pub target: Target,
}

impl Sample {
    /// A sample from its parts.
    pub fn new(id: impl Into<String>, inputs: Vec<Option<Array>>, target: Target) -> Self {
        Self { id: id.into(), inputs, target }
    }
}
