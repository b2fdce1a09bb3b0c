//! What the paths of a run start from: a run folder and its data can move,
//! together or apart.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::run_info::RunInfo;

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
pub fn base(run: &Path, info: &RunInfo, root: Option<&Path>) -> PathBuf {
    let beside = info.base_from_run.as_ref().and_then(|way| run.join(way).canonicalize().ok());
    let has_data = |base: &PathBuf| match root {
        Some(root) => base.join(root).exists(),
        None => base.exists(),
    };
    let places = beside.into_iter().chain([info.base.clone()]);
    places.clone().find(has_data).or_else(|| places.last()).unwrap_or_default()
}

/// The folder that relative paths start from in a configuration that a run
/// wrote; `None` of any other file.
pub fn recorded_base(file: &Path, root: Option<&Path>) -> Option<PathBuf> {
    let text = fs::read_to_string(file.with_file_name("run.json")).ok()?;
    let info: RunInfo = serde_json::from_str(&text).ok()?;
    (file.file_name()? == "config.toml").then(|| base(file.parent().unwrap_or(file), &info, root))
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
