//! One sample of a data set, as its list has it.

use crate::media::Want;
use crate::source::Source;
use crate::truth::Truth;

/// The three parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Weights are fitted on it.
    Train,
    /// Epochs and settings are chosen on it.
    Val,
    /// The final figures are of it.
    Test,
}

impl Part {
    /// All parts, in their order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// As files write it: `train`, `val`, `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// The part of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Val),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// One sample before anything is decoded.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name, which no other sample has.
    pub id: String,
    /// Who or what it is of (speaker, video), if that is known.
    pub group: Option<String>,
    /// The part it belongs to. A random split overwrites it.
    pub part: Part,
    /// What to predict.
    pub truth: Truth,
    /// One entry per modality; `None` = this sample lacks it.
    pub sources: Vec<Option<Source>>,
}

impl Record {
    /// The sources that are there, each with what its modality wants of a film.
    pub fn wants(
        &self,
        of: impl Iterator<Item = Option<Want>>,
    ) -> impl Iterator<Item = (&Source, Option<Want>)> {
        self.sources.iter().zip(of).filter_map(|(source, want)| Some((source.as_ref()?, want)))
    }
}
