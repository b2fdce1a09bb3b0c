//! One example: an array per modality (or none) and what to predict.

use crate::Array;

/// Name of a modality and the shape of one sample of it, without the batch axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModalitySpec {
    /// Name as users write it: `audio`, `image`, `text`.
    pub name: String,
    /// Shape of one sample, e.g. `[1, 64, 32]` for a one-channel spectrogram.
    pub shape: Vec<usize>,
    /// Number of different token ids, if values are whole numbers that stand
    /// for words and the like; the shape is then `[length]`.
    pub vocabulary: Option<usize>,
    /// Whether the first axis is time and a sample may be shorter than the
    /// shape says; batches are padded with zeros and know every length.
    pub ragged: bool,
}

impl ModalitySpec {
    /// A specification from a name and a shape: numbers, all samples of one size.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into(), vocabulary: None, ragged: false }
    }

    /// The same with token ids below `vocabulary` as values.
    #[must_use]
    pub fn with_vocabulary(self, vocabulary: usize) -> Self {
        Self { vocabulary: Some(vocabulary), ..self }
    }

    /// The same with samples that may be shorter along the first axis.
    #[must_use]
    pub fn with_lengths(self) -> Self {
        Self { ragged: true, ..self }
    }

    /// Whether one sample may have this shape.
    pub(crate) fn admits(&self, shape: &[usize]) -> bool {
        if !self.ragged || shape.is_empty() {
            return shape == self.shape;
        }
        shape.len() == self.shape.len()
            && shape[1..] == self.shape[1..]
            && (1..=self.shape[0]).contains(&shape[0])
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
    /// For every label whether it applies (multilabel classification).
    Labels(Vec<bool>),
    /// A class for every pixel (segmentation).
    Map(ClassMap),
}

/// A class index for every pixel of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap {
    /// Number of rows.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Row-major; [`ClassMap::VOID`] = no class is known.
    pub pixels: Vec<u8>,
}

impl ClassMap {
    /// The class index of pixels without a label.
    pub const VOID: u8 = 255;
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
