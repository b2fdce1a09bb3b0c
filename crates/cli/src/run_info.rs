//! What a run folder remembers besides the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint::device::Processor;
use counterpoint::task::{TaskConfig, TaskKind};
use counterpoint_batch::{ModalitySpec, TargetSpec};
use counterpoint_data::{Check, Preparation, Splits};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::leaks;

/// Burn's version, which its crates do not tell; a test holds it to Cargo.lock.
const BURN: &str = "0.22.1";

/// What a run needs to know besides its configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// Folder that relative paths of the configuration start from.
    pub base: PathBuf,
    /// The same as seen from the run folder, so that both can move together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_from_run: Option<PathBuf>,
    /// SHA-256 over the data in use.
    pub data_hash: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What is predicted.
    #[serde(default = "classification")]
    pub task: TaskConfig,
    /// Height and width of label maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<[usize; 2]>,
    /// What was done to the data and what they lack, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How files become inputs.
    pub preparations: Vec<Preparation>,
    /// Versions and machine.
    pub environment: BTreeMap<String, String>,
}

impl RunInfo {
    /// What to remember of opened data.
    pub fn new(
        splits: &Splits,
        check: Check,
        task: &TaskConfig,
        processor: &Processor,
        base: &Path,
    ) -> Result<Self, Failure> {
        let map = match splits.targets()? {
            TargetSpec::Maps { height, width, .. } => Some([height, width]),
            _ => None,
        };
        Ok(Self {
            base: base.to_owned(),
            base_from_run: None,
            data_hash: splits.fingerprint()?,
            classes: splits.classes.clone(),
            task: task.clone(),
            map,
            notes: notes(splits, check)?,
            preparations: splits.preparations.clone(),
            environment: environment(processor),
        })
    }

    /// The targets, as far as a trained model needs to know them.
    pub fn targets(&self) -> TargetSpec {
        let count = self.classes.len();
        match self.task.kind() {
            TaskKind::Classification => TargetSpec::Classes { count },
            TaskKind::Regression => TargetSpec::Values,
            TaskKind::Multilabel => TargetSpec::Labels { count },
            TaskKind::Segmentation => {
                let [height, width] = self.map.unwrap_or_default();
                TargetSpec::Maps { height, width, frequency: vec![1.0; count] }
            }
        }
    }

    /// The modalities as the model takes them.
    pub fn specs(&self) -> Vec<ModalitySpec> {
        self.preparations.iter().map(Preparation::spec).collect()
    }
}

/// What users should know of the data: what was replaced, left out or is
/// absent, and what is in two splits: equal files, or, where all of them are
/// decoded anyway, equal contents. All files are read once.
fn notes(splits: &Splits, check: Check) -> Result<Vec<String>, Failure> {
    let leaks = match check {
        Check::Full => splits.leaks_decoded(rayon::current_num_threads())?,
        _ => splits.leaks()?,
    };
    let leaks = leaks::words(&leaks).into_iter().filter(|(leak, _)| *leak);
    let leaks = leaks.map(|(_, words)| format!("leak: {words}"));
    Ok(splits.notes.iter().cloned().chain(leaks).collect())
}

/// The task of runs from before there were others.
fn classification() -> TaskConfig {
    TaskConfig::of(&TargetSpec::Classes { count: 0 })
}

fn environment(processor: &Processor) -> BTreeMap<String, String> {
    let threads = rayon::current_num_threads();
    let known = |text: &String| !text.is_empty();
    let instructions = processor.instructions().to_owned();
    let hardware =
        [("adapter", &processor.adapter), ("driver", &processor.driver), ("instructions", &instructions)];
    let hardware =
        hardware.into_iter().filter(|(_, text)| known(text)).map(|(key, text)| (key, text.clone()));
    let facts = [
        ("counterpoint", env!("CARGO_PKG_VERSION").to_owned()),
        ("burn", format!("{BURN} ({})", processor.backend())),
        ("device", processor.name.clone()),
        ("platform", format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
        ("threads", threads.to_string()),
    ];
    facts.into_iter().chain(hardware).map(|(key, fact)| (key.to_owned(), fact)).collect()
}
