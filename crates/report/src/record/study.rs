//! What a study folder says of its runs: `study.json`.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::RecordError;

/// Methods, seeds and variants that are compared, and the state of every run.
///
/// A run's scores stand in its own folder; nothing is told twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Study {
    /// Version of this format.
    pub format: u32,
    /// Method the others are compared with.
    pub baseline: String,
    /// Name of the score that chooses settings on validation.
    pub metric: String,
    /// Seeds of every method and variant.
    pub seeds: Vec<u64>,
    /// Names of the variants, such as held-out speakers; empty if there is one configuration.
    pub variants: Vec<String>,
    /// The methods in the order of the tables.
    pub methods: Vec<StudyMethod>,
    /// Every run.
    pub runs: Vec<StudyRun>,
    /// What was tried and chosen on validation; empty if nothing was tuned.
    pub choices: Vec<Choice>,
    /// Leaks between splits, in words.
    pub leaks: Vec<String>,
    /// What is to be known of its references, such as why a control does not exist.
    pub notes: Vec<String>,
}

/// One line of the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyMethod {
    /// Name; also that of its folder.
    pub name: String,
    /// Why it is there.
    pub kind: Kind,
    /// The only modality of its models; `None` for models of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    /// What it is, in words.
    pub about: String,
}

impl StudyMethod {
    /// Format 1 tells by names only which references have one modality.
    fn infer_modality(&mut self) {
        let added = matches!(self.kind, Kind::Reference | Kind::Control);
        let name = self.name.strip_prefix("only-").filter(|_| added);
        self.modality = name.map(|name| name.strip_suffix("-lr-matched").unwrap_or(name).to_owned());
    }
}

/// Why a method is in a comparison, in the order of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A reference that takes larger steps: whose encoders', or every, learning rate is multiplied by alpha.
    /// Does a method gain more than larger steps do?
    Control,
    /// Asked for.
    #[default]
    Method,
    /// Joint training or a single modality, added for comparison.
    Reference,
    /// The average of the models of single modalities; never trained.
    Average,
}

impl Kind {
    /// Whether it only shows what can be reached without the methods.
    pub fn is_reference(self) -> bool {
        matches!(self, Self::Reference | Self::Average)
    }
}

/// One run of a study.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StudyRun {
    /// Run folder, relative to the study's.
    pub place: String,
    /// Name of its method.
    pub method: String,
    /// Name of its variant.
    pub variant: Option<String>,
    /// Its seed.
    pub seed: u64,
    /// Which of the method's tried settings it has, from 0; `None` if it tries none.
    pub setting: Option<usize>,
    /// Whether it stands for its method: its setting was chosen, and only its test split is opened.
    pub chosen: bool,
    /// How far it is.
    pub state: State,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Not finished.
    #[default]
    Waiting,
    /// Finished as planned.
    Finished,
    /// It ended with an error.
    Failed {
        /// Exit code; 5 = training diverged.
        code: i32,
        /// What it said.
        message: String,
    },
}

/// What a method tried on one variant, and what validation chose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Name of the method.
    pub method: String,
    /// Name of the variant.
    pub variant: Option<String>,
    /// The chosen setting; `None` if every one failed.
    pub setting: Option<usize>,
    /// The settings, in words, as `strategy.alpha = 4.0`.
    pub settings: Vec<String>,
    /// Best validation score of each setting and each tried seed; `None` where a run failed.
    pub validation: Vec<Vec<Option<f64>>>,
}

impl Study {
    /// Name of the file in a study folder.
    pub const FILE: &'static str = "study.json";
    /// Version of the format that is written.
    pub const FORMAT: u32 = 2;

    /// Reads the file of a study folder.
    ///
    /// # Errors
    /// When it cannot be read, or is not such a file.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self, RecordError> {
        let path = folder.as_ref().join(Self::FILE);
        let mut study: Self = fs::read(&path)
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other))
            .map_err(|source| RecordError::new("read", &path, source))?;
        if study.format < 2 {
            study.methods.iter_mut().for_each(StudyMethod::infer_modality);
        }
        Ok(study)
    }

    /// Writes the file of a study folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), RecordError> {
        let path = folder.as_ref().join(Self::FILE);
        let write = || {
            let mut text = serde_json::to_vec_pretty(self)?;
            text.push(b'\n');
            counterpoint_batch::file::replace(&path, &text)
        };
        write().map_err(|source| RecordError::new("write", &path, source))
    }
}
