//! Reading run folders.

use std::{
    collections::BTreeMap,
    error, fmt, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{RunSummary, settings::settings};
use crate::{record::Log, text::without_paths};

/// A folder of which no report can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderError {
    /// The folder, as it was given.
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.message)
    }
}

impl error::Error for FolderError {}

/// Folders below a given one that are searched: a study keeps its runs three
/// levels down.
const DEPTH: usize = 5;

/// Every run in these folders, each of which is a run or holds some.
///
/// What a run lacks or what is damaged in it stands in its
/// [`notes`](RunSummary::notes); paths of the machine are cut down to their last
/// part, because reports are passed on.
///
/// # Errors
/// When a folder cannot be read, or neither is a run nor holds one.
pub fn read_runs<P: AsRef<Path>>(folders: &[P]) -> Result<Vec<RunSummary>, FolderError> {
    let mut runs: Vec<RunSummary> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let folder = folder.as_ref();
        let fail = |message: String| FolderError { path: folder.to_owned(), message };
        let mut found = Vec::new();
        find(folder, DEPTH, &mut found).map_err(|error| {
            fail(format!("cannot be read: {error}; give the folder of a run, a study, or runs"))
        })?;
        if found.is_empty() {
            let empty = fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_none());
            let what = if empty { "is empty" } else { "holds no run (no config.toml or metrics.jsonl)" };
            return Err(fail(format!(
                "{what}; give a folder that `counterpoint train` or `counterpoint compare` wrote"
            )));
        }
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        for path in found {
            let path = path.canonicalize().unwrap_or(path);
            // The same run twice would count as two.
            if !seen.contains(&path) {
                runs.push(run(&path, name(&root, &path)));
                seen.push(path);
            }
        }
    }
    Ok(runs)
}

/// The run folders in a folder, in the order of their names.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let is_run = |name: &std::ffi::OsStr| name == "config.toml" || name == "metrics.jsonl";
    if entries.iter().any(|entry| is_run(&entry.file_name())) {
        found.push(folder.to_owned());
        return Ok(());
    }
    // Links are not followed: they may lead back.
    let inside = entries.iter().filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut inside: Vec<PathBuf> = inside.map(fs::DirEntry::path).collect();
    inside.sort_by_key(|path| natural(path));
    for path in inside.iter().filter(|_| depth > 0) {
        // A folder nobody may look into hides no more than itself.
        let _ = find(path, depth - 1, found);
    }
    Ok(())
}

/// Orders `seed2` before `seed10`.
fn natural(path: &Path) -> (String, usize, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let number = name[word.len()..].parse().unwrap_or(0);
    (word, number, name)
}

/// A run below the given folder is called by its way there, a run that was
/// given by its own name.
fn name(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(way) if way.components().next().is_some() => way.display().to_string(),
        _ => path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned()),
    }
}

fn run(folder: &Path, name: String) -> RunSummary {
    let mut notes = Vec::new();
    let log = match Log::read(folder.join("metrics.jsonl")) {
        Ok(log) => log,
        Err(error) => {
            notes.push(without_paths(&error.to_string()));
            Log::default()
        }
    };
    if let Some(first) = log.damaged.first() {
        notes.push(format!(
            "metrics.jsonl has {} damaged lines, left out here; the first is line {}: {}",
            log.damaged.len(),
            first.line,
            first.message
        ));
    }
    if let Some((line, event)) = log.unknown.first() {
        notes.push(format!(
            "metrics.jsonl holds events of a newer version, left out here: line {line}, {event}"
        ));
    }
    let mut run = RunSummary::from_log(name, &log);
    match fs::read(folder.join("config.toml")) {
        Ok(bytes) => run.config = without_paths(&String::from_utf8_lossy(&bytes)),
        Err(error) => notes.push(format!("cannot read config.toml: {error}")),
    }
    match fs::read(folder.join("run.json")).map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
        Ok(Ok(facts)) => know(&mut run, &facts),
        Ok(Err(error)) => notes.push(format!("run.json is damaged: {error}")),
        Err(error) => notes.push(format!("cannot read run.json: {error}")),
    }
    let settings = settings(&run.config);
    if run.seed.is_none() {
        run.seed = settings.get("train.seed").and_then(|seed| seed.parse().ok());
    }
    if run.method.is_empty() {
        run.method =
            settings.get("strategy.name").map(|name| name.trim_matches('"').to_owned()).unwrap_or_default();
    }
    for (key, value) in settings.iter().filter(|(key, _)| key.starts_with("data.")) {
        run.data.insert(key["data.".len()..].to_owned(), value.trim_matches('"').to_owned());
    }
    let looks = fs::read(folder.join("looks.jsonl")).unwrap_or_default();
    run.looks = looks.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    for text in run.environment.values_mut().chain(run.data.values_mut()) {
        *text = without_paths(text);
    }
    for warning in &mut run.warnings {
        warning.message = without_paths(&warning.message);
        warning.remedy = without_paths(&warning.remedy);
    }
    if let Some(end) = &mut run.end {
        end.reason = without_paths(&end.reason);
    }
    run.notes = notes;
    run
}

/// Takes over what `run.json` says. Its `base` is a path and stays there.
fn know(run: &mut RunSummary, facts: &Value) {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| Some(v.as_str()?.to_owned())).collect()
    };
    if run.classes.is_empty() {
        run.classes = texts(&facts["classes"]);
    }
    if run.modalities.is_empty() {
        let named = facts["modalities"].as_array().into_iter().flatten();
        run.modalities = named.filter_map(|m| Some(m.get(0)?.as_str()?.to_owned())).collect();
    }
    if let Some(hash) = facts["data_hash"].as_str() {
        run.data.insert("hash".into(), hash.to_owned());
    }
    let more: BTreeMap<String, String> = facts["environment"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    run.environment.extend(more);
}
