//! What a sample asks to be predicted, before it is decoded.

use sha2::digest::Update;

use crate::error::DataError;
use crate::hash::field;
use crate::prepare::MapSteps;
use crate::source::Source;

/// The truth about one sample.
#[derive(Clone, Debug)]
pub enum Truth {
    /// Index of a class.
    Class(usize),
    /// A number.
    Value(f32),
    /// For every label whether it applies.
    Labels(Vec<bool>),
    /// A picture of class ids.
    Map(Source),
}

/// The kind of truth that all samples of a set have.
#[derive(Clone, Copy, Debug)]
pub enum Labelling {
    /// Every sample is of one class.
    Classes,
    /// Every sample has a number.
    Values,
    /// Every sample has any number of labels.
    Labels,
    /// Every sample has a picture of class ids, prepared like this.
    Maps(MapSteps),
}

impl Truth {
    /// The class, if it is one.
    pub(crate) fn class(&self) -> Option<usize> {
        match self {
            Self::Class(class) => Some(*class),
            _ => None,
        }
    }

    /// The label map, if it is one.
    pub(crate) fn map(&self) -> Option<&Source> {
        match self {
            Self::Map(source) => Some(source),
            _ => None,
        }
    }

    /// Takes it into a hash.
    pub(crate) fn hash(&self, hasher: &mut impl Update) -> Result<(), DataError> {
        match self {
            Self::Class(class) => field(hasher, &(*class as u64).to_le_bytes()),
            Self::Value(value) => field(hasher, &value.to_le_bytes()),
            Self::Labels(flags) => field(hasher, &flags.iter().map(|&on| u8::from(on)).collect::<Vec<_>>()),
            Self::Map(source) => source.hash(hasher)?,
        }
        Ok(())
    }
}
