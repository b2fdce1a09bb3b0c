//! What came of a job.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::split::per_part;

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The folder.
    pub to: PathBuf,
    /// The word for a clip in the plural.
    pub unit: &'static str,
    /// Clips in the data set.
    pub clips: usize,
    /// Of these, clips that an earlier call had finished.
    pub known: usize,
    /// Clips in train, val and test.
    pub splits: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// Clips of each modality.
    pub modalities: BTreeMap<String, usize>,
    /// Clips, files and lines that are left out.
    pub left_out: usize,
    /// Entries of `problems.csv` of each kind.
    pub problems: BTreeMap<String, usize>,
    /// Bytes of what was made.
    pub bytes: u64,
    /// How the splits came about.
    pub split: String,
    /// Things worth telling.
    pub notes: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modalities: Vec<String> =
            self.modalities.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(
            f,
            "{}: {} {} of {} classes ({}; {}), {}",
            self.to.display(),
            self.clips,
            self.unit,
            self.classes,
            per_part(self.splits),
            modalities.join(", "),
            size(self.bytes)
        )?;
        if self.known > 0 {
            writeln!(f, "{} {} were finished before", self.known, self.unit)?;
        }
        writeln!(f, "split: {}", self.split)?;
        if !self.problems.is_empty() {
            let kinds: Vec<String> =
                self.problems.iter().map(|(name, count)| format!("{name} {count}")).collect();
            writeln!(f, "problems.csv: {} left out; {}", self.left_out, kinds.join(", "))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        let config = self.to.join("train.toml");
        write!(f, "train it: counterpoint train {}", config.display())
    }
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}
