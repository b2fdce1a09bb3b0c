//! The run folder.
//!
//! `config.toml` the resolved configuration; `run.json` what else is needed to
//! use the model (classes, preparation, data hash, environment);
//! `metrics.jsonl` one line per event; `checkpoints/{last,best}.safetensors`;
//! `looks.jsonl` every look at the test split.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use counterpoint::task::{TaskConfig, TaskKind};
use counterpoint::train::Checkpoint;
use counterpoint_batch::{ModalitySpec, TargetSpec};
use counterpoint_data::{Preparation, Splits};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Loaded};
use crate::exit::{Code, Failure};

/// What a run needs to know besides its configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// Folder that relative paths of the configuration start from.
    pub base: PathBuf,
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
    /// How files become inputs.
    pub preparations: Vec<Preparation>,
    /// Versions and machine.
    pub environment: BTreeMap<String, String>,
}

impl RunInfo {
    /// What to remember of opened data.
    pub fn new(splits: &Splits, task: &TaskConfig, base: &Path) -> Result<Self, Failure> {
        let map = match splits.targets()? {
            TargetSpec::Maps { height, width, .. } => Some([height, width]),
            _ => None,
        };
        Ok(Self {
            base: base.to_owned(),
            data_hash: splits.fingerprint()?,
            classes: splits.classes.clone(),
            task: task.clone(),
            map,
            preparations: splits.preparations.clone(),
            environment: environment(),
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

/// The task of runs from before there were others.
fn classification() -> TaskConfig {
    TaskConfig::of(&TargetSpec::Classes { count: 0 })
}

fn environment() -> BTreeMap<String, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    [
        ("counterpoint", env!("CARGO_PKG_VERSION").to_owned()),
        ("burn", "0.22.1 (flex)".to_owned()),
        ("platform", format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
        ("threads", threads.to_string()),
    ]
    .map(|(k, v)| (k.to_owned(), v))
    .into()
}

/// Takes the lock of a folder; the system frees it however the process ends.
pub fn lock(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("lock"))
        .map_err(|e| Failure::io("write to folder", path, &e))?;
    // A process that was just killed may hold its lock for a moment longer.
    let patience = Instant::now() + Duration::from_secs(5);
    while file.try_lock().is_err() {
        if Instant::now() > patience {
            return Err(Failure::new(
                Code::Files,
                format!(
                    "{} is in use by another process; wait for it or choose another --out",
                    path.display()
                ),
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(file)
}

/// Writes a file beside its target and renames it.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    File::create(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|e| Failure::io("write", path, &e))
}

/// A run folder that this process may write to.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Held so that no second process trains here; the system frees it however we end.
    _lock: File,
}

impl Folder {
    /// Creates the folder if need be and takes its lock.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path.join("checkpoints"))
            .map_err(|e| Failure::io("create run folder", path, &e))?;
        Ok(Self { path: path.to_owned(), _lock: lock(path)? })
    }

    /// Whether a run was started here.
    pub fn holds_run(&self) -> bool {
        self.path.join("config.toml").exists()
    }

    /// Folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The file of events.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The last checkpoint, if one was written.
    pub fn last(&self) -> Result<Option<Checkpoint>, Failure> {
        let path = self.checkpoints().join("last.safetensors");
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Checkpoint::read(&path)?))
    }

    /// Writes configuration and facts of a new run.
    pub fn begin(&self, config: &Config, info: &RunInfo) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(info).expect("facts are plain data");
        // The configuration comes last: it marks the folder as holding a run.
        write(&self.path.join("run.json"), &text)?;
        write(&self.path.join("config.toml"), &config.to_toml())
    }
}

/// Reads configuration and facts of a run.
pub fn read(path: &Path) -> Result<(Loaded, RunInfo), Failure> {
    let config = path.join("config.toml");
    if !config.exists() {
        return Err(Failure::new(
            Code::Files,
            format!("{} holds no run (no config.toml); give the folder that `train` wrote", path.display()),
        ));
    }
    let facts = path.join("run.json");
    let text = fs::read_to_string(&facts).map_err(|e| Failure::io("read", &facts, &e))?;
    let info: RunInfo = serde_json::from_str(&text)
        .map_err(|e| Failure::new(Code::Files, format!("{} is damaged: {e}", facts.display())))?;
    let mut loaded = crate::config::load(&config, &[])?;
    loaded.base = info.base.clone();
    Ok((loaded, info))
}

/// How often the test split of a run was opened.
pub fn looks(path: &Path) -> usize {
    fs::read_to_string(path.join("looks.jsonl")).map_or(0, |text| text.lines().count())
}

/// Records a look at the sealed test split before it is opened.
pub fn record_look(path: &Path, look: &serde_json::Value) -> Result<usize, Failure> {
    let file = path.join("looks.jsonl");
    let before = looks(path);
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut f| writeln!(f, "{look}").and_then(|()| f.sync_all()))
        .map_err(|e| Failure::io("record the look in", &file, &e))?;
    Ok(before + 1)
}
