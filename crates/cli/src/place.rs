//! Where the data of a run are now: a run folder and its data can move, together
//! or apart.

use std::path::{Component, Path, PathBuf};

use crate::config::{Config, Loaded, value_of};
use crate::exit::{Code, Failure};
use crate::folder::{self, RunInfo};

/// The key that says where data are, and the only one that may change of a run.
pub const KEY: &str = "data.root";

/// The way from one folder to another, both absolute; `None` where there is none.
pub fn relative(from: &Path, to: &Path) -> Option<PathBuf> {
    let parts =
        |path: &Path| -> Vec<_> { path.components().map(|part| part.as_os_str().to_owned()).collect() };
    if !(from.is_absolute() && to.is_absolute()) || from.components().any(|part| part == Component::ParentDir)
    {
        return None;
    }
    let (a, b) = (parts(from), parts(to));
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let way: PathBuf =
        std::iter::repeat_n("..".into(), a.len() - same).chain(b[same..].iter().cloned()).collect();
    match same {
        // Another drive.
        0 => None,
        _ if way.as_os_str().is_empty() => Some(".".into()),
        _ => Some(way),
    }
}

/// The folder that relative paths of a run's configuration start from: where it
/// lies as seen from the run folder, or where it was when training began,
/// whichever has the data.
pub fn base(run: &Path, info: &RunInfo, config: &Config) -> PathBuf {
    let beside = info.base_from_run.as_ref().and_then(|way| run.join(way).canonicalize().ok());
    let has_data = |base: &PathBuf| match &config.data.common.root {
        Some(root) => base.join(root).exists(),
        None => base.exists(),
    };
    let places = beside.into_iter().chain([info.base.clone()]);
    places.clone().find(has_data).or_else(|| places.last()).unwrap_or_default()
}

/// The configuration of a run with its data where they are now, which `sets`
/// may say: `data.root=PATH`, relative to the current folder.
///
/// # Errors
/// If `sets` name anything else, or the data are not there.
pub fn located(run: &Path, sets: &[String]) -> Result<(Loaded, RunInfo), Failure> {
    let (mut loaded, info) = folder::read(run)?;
    let root = &mut loaded.config.data.common.root;
    if let Some(given) = given(sets)? {
        *root = Some(given);
    } else if let Some(root) = root.as_ref().filter(|root| !loaded.base.join(root).exists()) {
        return Err(Failure::new(
            Code::Data,
            format!(
                "the data of {} are not at {}; if they were moved, give the new place: --set {KEY}=PATH",
                run.display(),
                loaded.base.join(root).display()
            ),
        ));
    }
    Ok((loaded, info))
}

/// The place that the last of some `--set` arguments gives, absolute.
fn given(sets: &[String]) -> Result<Option<PathBuf>, Failure> {
    let mut found = None;
    for set in sets {
        let usage = |why: &str| Failure::new(Code::Usage, format!("--set {set}: {why}"));
        let (key, text) = set.split_once('=').ok_or_else(|| usage("expected KEY=VALUE"))?;
        if key.trim() != KEY {
            return Err(usage(
                "a run keeps its configuration; only data.root (where its data are now) can be set",
            ));
        }
        let value = value_of(text);
        let path = value.as_str().ok_or_else(|| usage("expected a path"))?;
        found = Some(Path::new(path).canonicalize().map_err(|e| {
            Failure::new(
                Code::Data,
                format!("--set {set}: {path} cannot be found from the current folder: {e}"),
            )
        })?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_one_folder_to_another() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        let is = |text: &str| Some(PathBuf::from(text));
        assert_eq!(way("/a/b/run", "/a/b"), is(".."));
        assert_eq!(way("/a/b", "/a/b"), is("."));
        assert_eq!(way("/a/runs/x", "/a/data"), is("../../data"));
        assert_eq!(way("/a", "/a/b/c"), is("b/c"));
        assert_eq!(way("a", "/a"), None);
    }
}
