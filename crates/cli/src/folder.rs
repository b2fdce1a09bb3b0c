//! The run folder.
//!
//! `config.toml` the resolved configuration; `run.json` what else is needed to
//! use the model (classes, preparation, data hash, environment);
//! `samples.jsonl` hashes of every sample's files; `metrics.jsonl` one line per event; `checkpoints/{last,best}.safetensors`;
//! `test_accesses.jsonl` every look at the test split; `failure.json` why the run ended, if it failed; `lock` and
//! `owner.json` keep other processes out.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use counterpoint::engine::Convolution;
use counterpoint::train::Checkpoint;
use counterpoint_batch::file::replace;
use counterpoint_data::Contents;
use counterpoint_report::record::{Log, TEST_ACCESSES};

use crate::config::{Config, Loaded};
use crate::exit::{Code, Failure};
use crate::lock::Lock;
use crate::place;
use crate::run_info::RunInfo;

/// The file of what every sample was when the run began.
const CONTENTS: &str = "samples.jsonl";

/// The file of a run that failed.
const FAILURE: &str = "failure.json";

/// Writes a file at once or not at all.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, text.as_bytes()).map_err(|e| Failure::io("write", path, &e))
}

/// Whether a run was started in a folder.
pub fn holds_run(path: &Path) -> bool {
    path.join("config.toml").exists()
}

/// Why a new run cannot begin in a folder that holds one.
pub fn taken(path: &Path) -> Failure {
    let why = || {
        let (kept, _) = read(path)?;
        let done = last(path)?.map_or(0, |checkpoint| checkpoint.progress.epoch);
        let (place, total) = (path.display(), kept.config.train.epochs);
        let message = if done >= total {
            format!(
                "{place} already holds a finished run ({total} epochs); choose another --out or remove it"
            )
        } else {
            format!(
                "{place} holds an unfinished run ({done} of {total} epochs); add --resume to continue it, or \
                 choose another --out"
            )
        };
        Ok(Failure::new(Code::Config, message))
    };
    why().unwrap_or_else(|failure: Failure| failure)
}

/// The last checkpoint of a run, if one was written.
pub fn last(path: &Path) -> Result<Option<Checkpoint>, Failure> {
    let path = path.join("checkpoints").join("last.safetensors");
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Checkpoint::read(&path)?))
}

/// A folder that is locked, and made if need be.
pub struct Claim {
    /// What this process made of the path, the uppermost folder first.
    made: Vec<PathBuf>,
    /// Held so that no second process works here.
    lock: Lock,
}

impl Claim {
    /// Makes the folder and one in it if need be, and takes the folder's lock.
    pub fn take(what: &str, path: &Path, inner: &str) -> Result<Self, Failure> {
        let all = path.join(inner);
        let missing = all.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        let mut made: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        made.reverse();
        let taken = fs::create_dir_all(&all)
            .map_err(|e| Failure::io(&format!("create {what}"), path, &e))
            .and_then(|()| Lock::take(path));
        match taken {
            Ok(lock) => Ok(Self { made, lock }),
            Err(failure) => {
                remove_empty(&made);
                Err(failure)
            }
        }
    }

    /// Gives up the folder and removes what was made of it, as far as nothing
    /// else is in it.
    pub fn give_up(self) {
        if !self.made.is_empty() {
            self.lock.remove();
            remove_empty(&self.made);
        }
    }
}

/// A run folder that this process may write to.
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    claim: Claim,
}

impl Folder {
    /// Creates the folder if need be and takes its lock.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.to_owned(), claim: Claim::take("run folder", path, "checkpoints")? })
    }

    /// Takes back the start of a run that was refused before it trained: what
    /// [`Folder::begin`] and the recorder wrote, and the folders made for it.
    /// Files of others in the folder stay.
    pub fn abandon(self) {
        let Self { path, claim } = self;
        // Without its configuration the folder holds no run; that goes first.
        for name in ["config.toml", "run.json", CONTENTS, "metrics.jsonl", "steps.jsonl"] {
            let _ = fs::remove_file(path.join(name));
        }
        let _ = fs::remove_dir_all(path.join("tensorboard"));
        claim.give_up();
    }

    /// Writes the configuration of a run that continues for more or fewer epochs, on another device or threads.
    pub fn prolong(&self, config: &Config) -> Result<(), Failure> {
        let (kept, _) = read(&self.path)?;
        let mut changed = kept.config.clone();
        changed.train.epochs = config.train.epochs;
        changed.train.device.clone_from(&config.train.device);
        changed.train.threads = config.train.threads;
        if changed == kept.config {
            return Ok(());
        }
        write(&self.path.join("config.toml"), &changed.to_toml())
    }

    /// Keeps why the run failed, for whoever asks once its process is gone; one that was interrupted did not.
    pub fn record_end(&self, end: &Result<(), Failure>) -> Result<(), Failure> {
        let path = self.path.join(FAILURE);
        match end.as_ref().map_err(Failure::parts) {
            Err((Code::Interrupted, _)) | Ok(()) => match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Failure::io("remove", &path, &e)),
                _ => Ok(()),
            },
            Err((code, message)) => {
                write(&path, &serde_json::json!({"code": code as i32, "message": message}).to_string())
            }
        }
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
        last(&self.path)
    }

    /// Writes configuration and facts of a new run.
    pub fn begin(&self, config: &Config, info: &RunInfo, contents: &Contents) -> Result<(), Failure> {
        write(&self.path.join(CONTENTS), &contents.to_lines())?;
        // The configuration comes last: it marks the folder as holding a run.
        self.write_info(info.clone())?;
        write(&self.path.join("config.toml"), &config.to_toml())
    }

    fn write_info(&self, mut info: RunInfo) -> Result<(), Failure> {
        let here = self.path.canonicalize().map_err(|e| Failure::io("find", &self.path, &e))?;
        info.base_from_run = place::relative(&here, &info.base);
        let text = serde_json::to_string_pretty(&info).expect("facts are plain data");
        write(&self.path.join("run.json"), &text)
    }

    /// Remembers where the data of the run are now.
    pub fn relocate(&self, config: &Config, base: &Path) -> Result<(), Failure> {
        let (mut kept, mut info) = read(&self.path)?;
        if info.base != base {
            base.clone_into(&mut info.base);
            self.write_info(info)?;
        }
        if kept.config.data.common.root != config.data.common.root {
            kept.config.data.common.root.clone_from(&config.data.common.root);
            write(&self.path.join("config.toml"), &kept.config.to_toml())?;
        }
        Ok(())
    }
}

/// Removes folders, the innermost first, as far as they are empty.
fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// Reads configuration and facts of a run.
///
/// # Errors
/// If there is no run in the folder, or one of its files is damaged.
pub fn read(path: &Path) -> Result<(Loaded, RunInfo), Failure> {
    read_with(path, &[])
}

/// As [`read`], with `--set` arguments laid over the configuration.
pub fn read_with(path: &Path, sets: &[String]) -> Result<(Loaded, RunInfo), Failure> {
    let config = path.join("config.toml");
    if !config.exists() {
        return Err(Failure::new(
            Code::Files,
            format!(
                "{} is not a run folder (no config.toml); give a folder that `counterpoint train` wrote",
                path.display()
            ),
        ));
    }
    let facts = path.join("run.json");
    let text = fs::read_to_string(&facts).map_err(|e| Failure::io("read", &facts, &e))?;
    let info: RunInfo = serde_json::from_str(&text).map_err(|e| {
        Failure::new(
            Code::Files,
            format!("{} is damaged: {e}; restore it from a copy, or train again", facts.display()),
        )
    })?;
    // A run from before there were kernels was computed by Burn's operators, and goes on so.
    let burn = format!("engine.convolution={}", Convolution::Burn.name());
    let earlier = (!crate::config::read_table(&config)?.contains_key("engine")).then_some(burn);
    let sets: Vec<String> = earlier.into_iter().chain(sets.iter().cloned()).collect();
    let mut loaded = crate::config::load(&config, &sets)?;
    loaded.base = place::base(path, &info, loaded.config.data.common.root.as_deref());
    Ok((loaded, info))
}

/// Why a run failed, if it did.
pub fn failure(path: &Path) -> Option<Failure> {
    let end: serde_json::Value = serde_json::from_str(&fs::read_to_string(path.join(FAILURE)).ok()?).ok()?;
    let code = i32::try_from(end.get("code")?.as_i64()?).ok()?;
    Some(Failure::new(Code::of(code), end.get("message")?.as_str()?))
}

/// What the data of a run were when it began; `None` of runs of older versions.
pub fn contents(path: &Path) -> Result<Option<Contents>, Failure> {
    let file = path.join(CONTENTS);
    match fs::read_to_string(&file) {
        Ok(text) => Contents::from_lines(&text).map(Some).ok_or_else(|| {
            Failure::new(
                Code::Files,
                format!("{} is damaged; restore it from a copy, or remove it", file.display()),
            )
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::io("read", &file, &e)),
    }
}

/// Hashes of changed data that were accepted at a look.
pub fn accepted(path: &Path) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    for file in TEST_ACCESSES.map(|name| path.join(name)) {
        match fs::read_to_string(&file) {
            Ok(lines) => text += &lines,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Failure::io("read", &file, &e)),
        }
    }
    let hash = |line: &str| {
        let look: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(look.get("accepted_data")?.get("hash")?.as_str()?.to_owned())
    };
    Ok(text.lines().filter_map(hash).collect())
}

/// Whether a run has a checkpoint of its best epoch, or should have one.
///
/// It has none where the metric that selects was not defined in any epoch.
pub fn has_best(run: &Path) -> bool {
    let recorded =
        || Log::read(run.join("metrics.jsonl")).is_ok_and(|log| log.epochs().iter().any(|e| e.best));
    file_of(run, "best").exists() || recorded()
}

/// The file of a checkpoint, `best` or `last`.
///
/// # Errors
/// If no epoch of the run is the best.
pub fn checkpoint(run: &Path, name: &str) -> Result<PathBuf, Failure> {
    if name == "best" && file_of(run, "last").exists() && !has_best(run) {
        return Err(Failure::new(
            Code::Files,
            format!(
                "{} has no best epoch, because the metric that selects it was not defined on the validation split; \
                 use --checkpoint last",
                run.display()
            ),
        ));
    }
    Ok(file_of(run, name))
}

fn file_of(run: &Path, name: &str) -> PathBuf {
    run.join("checkpoints").join(format!("{name}.safetensors"))
}

/// How often the test split of a run was opened.
pub fn looks(path: &Path) -> usize {
    let of = |name| fs::read_to_string(path.join(name)).map_or(0, |text| text.lines().count());
    TEST_ACCESSES.into_iter().map(of).sum()
}

/// Records a look at the sealed test split before its scores are told.
pub fn record_look(path: &Path, look: &serde_json::Value) -> Result<usize, Failure> {
    let file = path.join(TEST_ACCESSES[1]);
    let before = looks(path);
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut f| writeln!(f, "{look}").and_then(|()| f.sync_all()))
        .map_err(|e| Failure::io("record the access in", &file, &e))?;
    Ok(before + 1)
}
