//! Where the data of a run are now, as its folder or the user says.

use std::path::{Path, PathBuf};

use crate::config::{Loaded, value_of};
use crate::exit::{Code, Failure};
use crate::folder;
use crate::run_info::RunInfo;

/// The key that says where data are, and the only one that may change of a run.
pub const KEY: &str = "data.root";

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
