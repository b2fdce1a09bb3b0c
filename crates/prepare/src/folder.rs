//! The folder of the raw recordings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use counterpoint_data::list_folder;
use counterpoint_data::set::Table;

use crate::clip::Sources;
use crate::error::PrepareError;
use crate::problem::{Finding, Problem};

const FILMS: &[&str] = &[
    "mp4", "flv", "avi", "mpg", "mpeg", "mkv", "webm", "mov", "m4v", "wmv", "3gp", "ogv", "ts", "vob", "asf",
];
/// The better ones first: where a clip has several, the first is used.
const SOUNDS: &[&str] =
    &["wav", "flac", "m4a", "aac", "ogg", "opus", "mp3", "aif", "aiff", "wma", "w64", "au"];
const IMAGES: &[&str] = &["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff", "gif"];
/// Files of arrays, which collections are made of.
const ARRAYS: &[&str] = &["pkl", "pickle", "csd", "mat"];
/// Levels of folders that are looked into.
const DEPTH: usize = 8;

/// What a file holds, by its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A film, with or without sound.
    Film,
    /// A recording.
    Sound,
    /// A picture.
    Image,
}

/// What a file holds, by its ending.
pub fn family(path: &Path) -> Option<Family> {
    let ending = ending(path);
    let in_list = |list: &[&str]| list.contains(&ending.as_str());
    match () {
        () if in_list(FILMS) => Some(Family::Film),
        () if in_list(SOUNDS) => Some(Family::Sound),
        () if in_list(IMAGES) => Some(Family::Image),
        () => None,
    }
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// The folder of the raw recordings.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Folder {
    /// A folder that is there, with all visible files below; links are followed.
    ///
    /// # Errors
    /// If it is not there or is a file, a folder below cannot be read, or folders nest without end.
    pub fn open(root: &Path) -> Result<Self, PrepareError> {
        match fs::metadata(root) {
            Ok(facts) if facts.is_dir() => {
                let mut files = Vec::new();
                walk(root, Path::new(""), DEPTH, &mut files)?;
                files.sort();
                Ok(Self { root: root.to_owned(), files })
            }
            Ok(_) => Err(PrepareError::data(format!(
                "--from `{}` is a file, expected the folder that holds the recordings",
                root.display()
            ))),
            Err(cause) => Err(PrepareError::data(format!(
                "--from `{}` cannot be opened: {cause}; give the folder that holds the recordings",
                root.display()
            ))),
        }
    }

    /// A folder, or one file as the only one of its folder.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of(path: &Path) -> Result<Self, PrepareError> {
        match (path.is_file(), path.parent(), path.file_name()) {
            (true, Some(root), Some(name)) => {
                let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
                Ok(Self { root: root.to_owned(), files: vec![name.into()] })
            }
            _ => Self::open(path),
        }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path of a list, which must stay inside.
    ///
    /// # Errors
    /// If it is absolute or climbs out; the message names the place in the list.
    pub fn inside(&self, cell: &str, place: &str) -> Result<PathBuf, PrepareError> {
        let path = Path::new(cell);
        let mut clean = PathBuf::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => clean.push(name),
                Component::CurDir => {}
                _ => {
                    return Err(PrepareError::data(format!(
                        "{place}: `{cell}` leads out of the folder `{}`; paths must be relative to it, without `..`",
                        self.root.display()
                    )));
                }
            }
        }
        Ok(clean)
    }

    /// All visible files below, relative to the root, sorted by their paths.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The file of that name, in the folder itself or else in one below; of several the one nearest to the root.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let fits = |f: &&PathBuf| f.file_name().is_some_and(|n| n.eq_ignore_ascii_case(name));
        self.files.iter().filter(fits).min_by_key(|f| f.components().count()).cloned()
    }

    /// A text of lines.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn lines(&self, file: &Path) -> Result<Vec<String>, PrepareError> {
        let path = self.root.join(file);
        let bytes = fs::read(&path).map_err(|cause| {
            PrepareError::data(format!("the list `{}` cannot be read: {cause}", path.display()))
        })?;
        let text = String::from_utf8(bytes).map_err(|_| {
            PrepareError::data(format!("the list `{}` is not UTF-8; save it as UTF-8", path.display()))
        })?;
        Ok(text.trim_start_matches('\u{feff}').lines().map(|line| line.trim_end().to_owned()).collect())
    }

    /// A CSV with a header.
    ///
    /// # Errors
    /// If it cannot be read as one.
    pub fn table(&self, file: &Path) -> Result<Table, PrepareError> {
        Ok(Table::read(&self.root.join(file))?)
    }
}

fn walk(root: &Path, below: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), PrepareError> {
    let folder = root.join(below);
    let listing = list_folder(&folder, &[FILMS, SOUNDS, IMAGES, &["csv", "txt", "tsv"], ARRAYS].concat())?;
    let inside = |path: &PathBuf| below.join(path.file_name().unwrap_or_default());
    found.extend(listing.files.iter().map(inside));
    for folder in &listing.folders {
        if depth == 0 {
            return Err(PrepareError::data(format!(
                "folders below `{}` nest deeper than {DEPTH}; give --from the folder nearer to the recordings",
                folder.display()
            )));
        }
        walk(root, &inside(folder), depth - 1, found)?;
    }
    Ok(())
}

/// Files by their names without ending, so that lists are joined to them by name.
#[derive(Debug, Default)]
pub struct Index {
    names: BTreeMap<String, Vec<PathBuf>>,
}

impl Index {
    /// Of all media files that fit.
    pub fn new(files: &[PathBuf], fits: impl Fn(&Path) -> bool) -> Self {
        let mut names: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for file in
            files.iter().filter(|f| matches!(family(f), Some(Family::Film | Family::Sound)) && fits(f))
        {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            names.entry(stem).or_default().push(file.clone());
        }
        Self { names }
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// The files of a name.
    pub fn files(&self, name: &str) -> &[PathBuf] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The one film and the best recording of a name: the picture of the film, and the sound of the
    /// recording if there is one.
    ///
    /// # Errors
    /// If no file has the name, or several could be meant.
    pub fn sources(&self, name: &str) -> Result<Sources, Problem> {
        sources_of(name, self.files(name))
    }

    /// A problem for every file whose name is not among those.
    pub fn unlisted<'a>(&'a self, listed: &'a dyn Fn(&str) -> bool) -> impl Iterator<Item = Problem> + 'a {
        let others = self.names.iter().filter(move |(name, _)| !listed(name));
        others.flat_map(|(name, files)| {
            files.iter().map(move |file| Problem::left_out(name, file, Finding::Unlisted))
        })
    }
}

/// Which of these files of one clip its sound, its film and its picture are.
///
/// # Errors
/// If there is none, or two of one kind.
pub fn sources_of(id: &str, files: &[PathBuf]) -> Result<Sources, Problem> {
    let of = |kind: Family| files.iter().filter(move |f| family(f) == Some(kind));
    let only = |kind: Family| -> Result<Option<PathBuf>, Problem> {
        let rank = |file: &&PathBuf| {
            let ending = ending(file);
            SOUNDS.iter().position(|e| *e == ending).filter(|_| kind == Family::Sound).unwrap_or(0)
        };
        let Some(best) = of(kind).map(|f| rank(&f)).min() else { return Ok(None) };
        let mut best = of(kind).filter(|f| rank(f) == best);
        let first = best.next().cloned();
        let others: Vec<PathBuf> = best.cloned().collect();
        if others.is_empty() {
            return Ok(first);
        }
        Err(Problem::left_out(id, first.unwrap_or_default(), Finding::Ambiguous { others }))
    };
    let (film, sound, image) = (only(Family::Film)?, only(Family::Sound)?, only(Family::Image)?);
    if film.is_none() && sound.is_none() && image.is_none() {
        return Err(Problem::left_out(id, "", Finding::Missing));
    }
    Ok(Sources { sound: sound.or_else(|| film.clone()), film, image, cut: None })
}
