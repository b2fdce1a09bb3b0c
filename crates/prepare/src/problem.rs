//! What was found wrong with a clip, each finding a type with its words.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One entry of `problems.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The clip; the name of the file where no clip has it.
    pub id: String,
    /// The file, relative to the raw recordings; empty if none is named.
    pub file: PathBuf,
    /// What it is.
    pub finding: Finding,
    /// Whether the clip is in the manifest all the same.
    pub kept: bool,
}

/// What can be wrong with a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// The list names it, and no file has its name.
    Missing,
    /// A file or folder that cannot be read.
    Unreadable {
        /// What the system says.
        cause: String,
    },
    /// Nothing in it.
    Empty,
    /// By its first bytes it is something else.
    NotMedia {
        /// What it is.
        what: String,
    },
    /// The decoder gives nothing.
    Undecodable {
        /// What the decoder says.
        cause: String,
    },
    /// It ends before the time that its header says.
    CutOff {
        /// Seconds by the header.
        expected: f64,
        /// Seconds that are there.
        found: f64,
    },
    /// The decoder went on, and complained.
    Damaged {
        /// What the decoder says first.
        cause: String,
    },
    /// No sound in it.
    NoSound,
    /// No moving picture in it.
    NoPicture,
    /// Neither of them.
    Nothing,
    /// Sound and picture are of different length.
    Lengths {
        /// Seconds of sound.
        sound: f64,
        /// Seconds of picture.
        picture: f64,
    },
    /// Fewer frames than were asked for.
    FewFrames {
        /// Frames that there are.
        found: usize,
        /// Frames that were wanted.
        wanted: usize,
    },
    /// Several files of one name, and nothing says which is meant.
    Ambiguous {
        /// The others.
        others: Vec<PathBuf>,
    },
    /// A media file that no list names.
    Unlisted,
    /// The name is not one of this data set.
    Name {
        /// What names look like.
        expected: String,
    },
    /// Two sources disagree about its label.
    Label {
        /// What one says.
        found: String,
        /// What the other says.
        expected: String,
    },
    /// A line that repeats the name of another.
    Repeated,
    /// The same sample in two splits.
    InTwoSplits {
        /// The split in which it stays.
        kept: String,
    },
    /// Numbers that are none.
    NotFinite {
        /// Where they are.
        modality: String,
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
    },
    /// A sequence without a step.
    NoSteps {
        /// Which one.
        modality: String,
    },
    /// Another length than there is.
    Length {
        /// Of what.
        modality: String,
        /// The length that is said.
        said: i64,
        /// Steps that there are.
        held: usize,
    },
    /// Pixels without a depth that the file can hold.
    NoDepth {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
    },
    /// Depth in coarse steps.
    FewBits {
        /// Bits of a value.
        bits: u32,
    },
    /// A label or another value that the data set does not have.
    OutOfRange {
        /// What was found.
        found: String,
        /// What there is.
        expected: String,
    },
}

impl Finding {
    /// A word for programs, the column `found`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable { .. } => "unreadable",
            Self::Empty => "empty",
            Self::NotMedia { .. } => "not-media",
            Self::Undecodable { .. } => "undecodable",
            Self::CutOff { .. } => "cut-off",
            Self::Damaged { .. } => "damaged",
            Self::NoSound => "no-sound",
            Self::NoPicture => "no-picture",
            Self::Nothing => "nothing",
            Self::Lengths { .. } => "lengths",
            Self::FewFrames { .. } => "few-frames",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Unlisted => "unlisted",
            Self::Name { .. } => "name",
            Self::Label { .. } => "label",
            Self::Repeated => "repeated",
            Self::InTwoSplits { .. } => "in-two-splits",
            Self::NotFinite { .. } => "not-finite",
            Self::NoSteps { .. } => "no-steps",
            Self::Length { .. } => "length",
            Self::NoDepth { .. } => "no-depth",
            Self::FewBits { .. } => "few-bits",
            Self::OutOfRange { .. } => "out-of-range",
        }
    }

    /// For people, the column `reason`: what it means and what to do.
    pub fn words(&self) -> String {
        match self {
            Self::Missing => {
                "the list names it, but no file has its name; get the file, or leave it out".into()
            }
            Self::Unreadable { cause } => format!("cannot be read: {cause}"),
            Self::Empty => "the file has 0 bytes; get it again".into(),
            Self::NotMedia { what } => format!("the file is {what}"),
            Self::Undecodable { cause } => format!("cannot be decoded, get it again: {cause}"),
            Self::CutOff { expected, found } => format!(
                "its header says {expected:.2} s, {found:.2} s are there; get it again, or use it with --keep-damaged"
            ),
            Self::Damaged { cause } => format!("decoded with complaints, the first: {cause}"),
            Self::NoSound => "the file has no sound".into(),
            Self::NoPicture => "the file has no moving picture".into(),
            Self::Nothing => "neither sound nor picture can be used".into(),
            Self::Lengths { sound, picture } => {
                format!("the sound lasts {sound:.2} s, the picture {picture:.2} s")
            }
            Self::FewFrames { found, wanted } => {
                format!("the film has {found} frames, {wanted} were asked for; all of them are used")
            }
            Self::Ambiguous { others } => {
                let names: Vec<String> =
                    others.iter().take(3).map(|p| format!("`{}`", p.display())).collect();
                format!("several files have this name, remove all but one; the others: {}", names.join(", "))
            }
            Self::Unlisted => "no list names this file, so its label or split is not known".into(),
            Self::Name { expected } => format!("the name says nothing about its label; expected {expected}"),
            Self::Label { found, expected } => format!("labelled `{found}` here and `{expected}` elsewhere"),
            Self::InTwoSplits { kept } => {
                format!("it is in two splits; it stays in {kept}, and its other copy is left out")
            }
            Self::NotFinite { modality, count, of } => format!(
                "{count} of the {of} numbers of `{modality}` are NaN or infinite; they are kept as they are, `nan` in \
                 the configuration says what becomes of them"
            ),
            Self::NoSteps { modality } => format!("there is no step of {modality} for it, so it lacks that"),
            Self::Length { modality, said, held } => {
                format!("`{modality}` is said to have {said} steps and has {held}; these are used")
            }
            Self::NoDepth { count, of } => {
                format!("{count} of {of} depths are no distance up to 65.535 m; they are 0, no measurement")
            }
            Self::FewBits { bits } => {
                format!("depth of {bits} bits has coarse steps; the original has 16. It is used as it is")
            }
            Self::OutOfRange { found, expected } => format!("it is {found}, expected {expected}"),
            Self::Repeated => "an earlier line has this name already; give each its own".into(),
        }
    }
}

impl Problem {
    /// A clip that is left out.
    pub fn left_out(id: &str, file: impl Into<PathBuf>, finding: Finding) -> Self {
        Self { id: id.to_owned(), file: file.into(), finding, kept: false }
    }

    /// A remark on a clip that is used.
    pub fn kept(id: &str, file: impl Into<PathBuf>, finding: Finding) -> Self {
        Self { id: id.to_owned(), file: file.into(), finding, kept: true }
    }
}
