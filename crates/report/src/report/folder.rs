//! Reading the folders of runs and studies.

use std::{
    error, fmt, fs,
    path::{Path, PathBuf},
};

use super::{RunSummary, method::name_methods, run_folder};
use crate::{
    record::{Kind, State, Study},
    text::without_paths,
};

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

/// What folders hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The runs, each with its method, seed and fold.
    pub runs: Vec<RunSummary>,
    /// What study folders say of their runs.
    pub studies: Vec<Study>,
}

/// Folders below a given one that are searched: a study keeps its runs three
/// levels down.
const DEPTH: usize = 5;

/// Every run in these folders, each of which is a run, a study, or holds runs.
///
/// A study says which run belongs to which method, and which were only tried;
/// other runs are told apart by their configurations. What a run lacks or what
/// is damaged in it stands in its [`notes`](RunSummary::notes). Paths of the
/// machine are cut down to their last part, because reports are passed on.
///
/// # Errors
/// When a folder cannot be read, or neither is a run nor holds one.
pub fn read<P: AsRef<Path>>(folders: &[P]) -> Result<Records, FolderError> {
    let mut records = Records::default();
    let (mut free, mut seen) = (Vec::new(), Vec::new());
    for folder in folders {
        let folder = folder.as_ref();
        let fail = |message: String| FolderError { path: folder.to_owned(), message };
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if folder.join(Study::FILE).exists() {
            let study = Study::read(folder).map_err(|error| {
                fail(format!(
                    "is a study that cannot be read: {}; run `counterpoint compare` again",
                    cause(&error)
                ))
            })?;
            if !seen.contains(&root) {
                records.runs.extend(of_study(&root, &study));
                records.studies.push(study);
                seen.push(root);
            }
            continue;
        }
        let mut found = Vec::new();
        find(folder, DEPTH, &mut found).map_err(|error| {
            fail(format!("cannot be read: {error}; give the folder of a run, a study, or runs"))
        })?;
        if found.is_empty() {
            let empty = fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_none());
            let what =
                if empty { "is empty" } else { "is not a run folder (no config.toml or metrics.jsonl)" };
            return Err(fail(format!(
                "{what}; give a folder that `counterpoint train` or `counterpoint compare` wrote"
            )));
        }
        for path in found {
            let path = path.canonicalize().unwrap_or(path);
            // The same run twice would count as two.
            if !seen.contains(&path) {
                free.push(run_folder::read(&path, name(&root, &path), true));
                seen.push(path);
            }
        }
    }
    name_methods(&mut free);
    records.runs.extend(free);
    Ok(records)
}

fn cause(error: &dyn error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The runs of a study that stand for their methods.
fn of_study(root: &Path, study: &Study) -> Vec<RunSummary> {
    let mut runs = Vec::new();
    for entry in study.runs.iter().filter(|run| run.chosen) {
        let method = study.methods.iter().find(|m| m.name == entry.method);
        let trained = method.is_none_or(|m| m.kind != Kind::Average);
        let mut run = run_folder::read(&root.join(&entry.place), entry.place.clone(), trained);
        run.method.clone_from(&entry.method);
        run.kind = method.map(|m| match m.kind {
            // A single modality is not a control of a baseline that has them all.
            Kind::Control if m.modality.is_some() => Kind::Reference,
            kind => kind,
        });
        run.seed = Some(entry.seed);
        run.fold.clone_from(&entry.variant);
        match &entry.state {
            State::Waiting => run.notes = vec!["not finished yet; run `counterpoint compare` again".into()],
            State::Failed { message, .. } => run.notes.push(format!("failed: {}", without_paths(message))),
            State::Finished => {}
        }
        runs.push(run);
    }
    // The order of the study's tables.
    let place = |run: &RunSummary| study.methods.iter().position(|m| m.name == run.method);
    runs.sort_by_key(|run| place(run).unwrap_or(usize::MAX));
    runs
}

/// The run folders in a folder, in the order of their names.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    if entries.iter().any(|entry| run_folder::marks(&entry.file_name())) {
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
