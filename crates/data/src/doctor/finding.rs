//! What the examination of a data set can find in a file, each a type with its words.

use std::path::PathBuf;

use serde::Serialize;

/// One thing that was found in one file of one sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The sample.
    pub sample: String,
    /// Its split.
    pub split: &'static str,
    /// The modality.
    pub modality: String,
    /// The file, or the folder of frames.
    pub file: PathBuf,
    /// What it is.
    #[serde(flatten)]
    pub fault: Fault,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// It is not there, cut off, or something else than its modality needs.
    Unusable {
        /// Why.
        why: String,
    },
    /// Sound without sound.
    Silent {
        /// Largest amplitude.
        peak: f32,
    },
    /// Sound that was recorded too loud: its peaks are cut.
    Clipped {
        /// Share of samples at full scale.
        share: f64,
    },
    /// Pictures that show nothing: black, or of one colour.
    Blank {
        /// How many.
        frames: usize,
        /// Of how many.
        of: usize,
    },
    /// Something that was found when the data were prepared.
    Noted {
        /// In words.
        what: String,
    },
}

impl Fault {
    /// Whether the sample cannot be used.
    pub fn fatal(&self) -> bool {
        matches!(self, Self::Unusable { .. })
    }

    /// A word for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "unusable",
            Self::Silent { .. } => "silent",
            Self::Clipped { .. } => "clipped",
            Self::Blank { .. } => "blank",
            Self::Noted { .. } => "noted",
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Unusable { why } => why.clone(),
            Self::Silent { peak } => format!("silent: no sample is farther from 0 than {peak:.5}"),
            Self::Clipped { share } => {
                format!("clipped: {:.1} % of the samples are at full scale", share * 100.0)
            }
            Self::Blank { frames, of: 1 } if *frames == 1 => "the picture has one colour only".into(),
            Self::Blank { frames, of } => format!("{frames} of {of} frames have one colour only"),
            Self::Noted { what } => what.clone(),
        }
    }
}
