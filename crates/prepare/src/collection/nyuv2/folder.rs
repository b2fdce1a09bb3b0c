//! Folders of pictures, depth and labels as they are passed on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use counterpoint_data::set::Part;
use counterpoint_data::{Bitmap, Levels};

use super::classes::{VOID, listed};
use super::maker::{PictureMaker, Scene, Scenes};
use super::pictures::grey;
use super::{Role, role};
use crate::clip::{Clip, Sources};
use crate::collection::content::Opened;
use crate::collection::conversion::ConversionSettings;
use crate::content::look;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::problem::{Finding, Problem};

/// The three files of a scene.
type Files = [PathBuf; 3];

/// Opens the folder.
pub fn open(folder: &Folder, settings: &ConversionSettings) -> Result<Opened, PrepareError> {
    let mut found: BTreeMap<String, [Vec<PathBuf>; 3]> = BTreeMap::new();
    for file in folder.files() {
        if let Some(role) = role(file) {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            found.entry(name).or_default()[role as usize].push(file.clone());
        }
    }
    let (mut sources, mut problems, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let lists = parts(folder, &mut sources)?;
    let (mut samples, mut files) = (Vec::new(), Vec::new());
    for (id, roles) in &found {
        let all: Vec<&PathBuf> = roles.iter().flatten().collect();
        let part = lists.get(id).copied().or_else(|| above(all[0]));
        let finding = if let Some(many) = roles.iter().find(|files| files.len() > 1) {
            Some((many[0].clone(), Finding::Ambiguous { others: many[1..].to_vec() }))
        } else if let Some(role) =
            [Role::Colour, Role::Depth, Role::Label].into_iter().find(|r| roles[*r as usize].is_empty())
        {
            let lacks = format!("it has no {role:?} picture").to_lowercase();
            Some((all[0].clone(), Finding::Unreadable { cause: lacks }))
        } else if part.is_none() && !lists.is_empty() {
            Some((all[0].clone(), Finding::Unlisted))
        } else {
            all.iter().find_map(|file| Some(((*file).clone(), look(&folder.root().join(file)).err()?)))
        };
        if let Some((file, finding)) = finding {
            problems.push(Problem::left_out(id, file, finding));
            continue;
        }
        let [colour, depth, label] = roles;
        let three: Files = [colour[0].clone(), depth[0].clone(), label[0].clone()];
        sources.extend(three.iter().cloned());
        files.push(three);
        samples.push(Clip {
            id: id.clone(),
            sources: Sources::default(),
            label: "scene".into(),
            group: None,
            part,
            cells: Vec::new(),
        });
    }
    problems.extend(
        lists
            .keys()
            .filter(|id| !found.contains_key(*id))
            .map(|id| Problem::left_out(id, "", Finding::Missing)),
    );
    if samples.iter().all(|sample| sample.part.is_none()) {
        notes.push("no train.txt and test.txt is there: the split is not the official one".into());
    }
    let classes = listed(folder)?;
    let void = match settings.void {
        Some(void) => void,
        None => void(folder.root(), &files, classes.len())?,
    };
    let scenes =
        Pictures { root: folder.root().to_owned(), ids: ids(&samples), files, void, classes: classes.len() };
    Ok(Opened {
        samples,
        problems,
        notes,
        sources,
        maker: Box::new(PictureMaker { scenes: Box::new(scenes), classes }),
    })
}

fn ids(samples: &[Clip]) -> Vec<String> {
    samples.iter().map(|sample| sample.id.clone()).collect()
}

/// The split of every name in the lists, which may name files.
fn parts(folder: &Folder, sources: &mut Vec<PathBuf>) -> Result<BTreeMap<String, Part>, PrepareError> {
    let mut parts = BTreeMap::new();
    for (name, part) in [("train.txt", Part::Train), ("val.txt", Part::Val), ("test.txt", Part::Test)] {
        let Some(list) = folder.find(name) else { continue };
        for line in folder.lines(&list)? {
            // Some lists name the picture, its depth and its labels in one line.
            let Some(first) = line.split([' ', '\t', ',']).next().filter(|first| !first.is_empty()) else {
                continue;
            };
            let id = Path::new(first).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if parts.insert(id.clone(), part).is_some() {
                return Err(PrepareError::data(format!(
                    "`{}` names `{id}` a second time; every scene must be in one split only",
                    folder.root().join(&list).display()
                )));
            }
        }
        sources.push(list);
    }
    Ok(parts)
}

/// The split by a folder above.
fn above(file: &Path) -> Option<Part> {
    file.iter().find_map(|folder| Part::from_name(&folder.to_string_lossy().to_lowercase()))
}

/// Which number means no label: 255 if it occurs and classes are counted from 0, 0 if they are counted from 1.
fn void(root: &Path, files: &[Files], classes: usize) -> Result<u8, PrepareError> {
    let (mut largest, mut has_void) = (0, false);
    for [_, _, label] in files {
        // What cannot be decoded is left out later.
        let Ok(levels) = Levels::read(&root.join(label)) else { continue };
        for value in levels.values {
            has_void |= value == u16::from(VOID);
            largest = largest.max(if value == u16::from(VOID) { 0 } else { value });
        }
    }
    match (usize::from(largest) == classes, has_void) {
        (true, false) => Ok(0),
        (false, true) if usize::from(largest) < classes => Ok(VOID),
        _ => Err(PrepareError::data(format!(
            "the label pictures below `{}` hold numbers up to {largest}{}, so they do not show how the {classes} classes \
             are counted; say --void 255 (0 to {} are classes) or --void 0 (1 to {classes} are)",
            root.display(),
            if has_void { " and 255" } else { "" },
            classes - 1
        ))),
    }
}

struct Pictures {
    root: PathBuf,
    ids: Vec<String>,
    files: Vec<Files>,
    void: u8,
    classes: usize,
}

impl Pictures {
    fn scene(&self, number: usize) -> Result<Scene, Problem> {
        let [colour, depth, label] = &self.files[number];
        let problem = |file: &PathBuf, finding| Problem::left_out(&self.ids[number], file, finding);
        let undecodable = |file: &PathBuf, cause: String| problem(file, Finding::Undecodable { cause });
        let read = |file: &PathBuf| {
            fs::read(self.root.join(file))
                .map_err(|e| problem(file, Finding::Unreadable { cause: e.to_string() }))
        };
        let picture = read(colour)?;
        let bitmap = Bitmap::decode(&picture).map_err(|e| undecodable(colour, e.to_string()))?;
        let distances = read(depth)?;
        let levels = Levels::decode(&distances).map_err(|e| undecodable(depth, e.to_string()))?;
        let labels = Levels::decode(&read(label)?).map_err(|e| undecodable(label, e.to_string()))?;
        for (file, other) in [(depth, &levels), (label, &labels)] {
            if [other.width, other.height] != [bitmap.width, bitmap.height] {
                let found = format!("{}x{}", other.width, other.height);
                let expected = format!("{}x{} as its picture", bitmap.width, bitmap.height);
                return Err(problem(file, Finding::OutOfRange { found, expected }));
            }
        }
        let mut remarks = Vec::new();
        if levels.bits != 16 {
            let finding = Finding::FewBits { bits: levels.bits };
            remarks.push(Problem::kept(&self.ids[number], depth, finding));
        }
        let class = |value: u16| {
            if value == u16::from(self.void) {
                return Some(VOID);
            }
            let class = if self.void == 0 { value.checked_sub(1)? } else { value };
            u8::try_from(class).ok().filter(|class| usize::from(*class) < self.classes)
        };
        let ids: Option<Vec<u8>> = labels.values.iter().map(|value| class(*value)).collect();
        let ids = ids.ok_or_else(|| {
            let found =
                labels.values.iter().find(|value| class(**value).is_none()).copied().unwrap_or_default();
            let first = usize::from(self.void == 0);
            let expected = format!("{first} to {}, or {} for no label", self.classes + first - 1, self.void);
            problem(label, Finding::OutOfRange { found: found.to_string(), expected })
        })?;
        Ok(Scene {
            colour: picture,
            depth: distances,
            labels: grey(labels.width, labels.height, &ids),
            remarks,
        })
    }
}

impl Scenes for Pictures {
    fn get(&mut self, number: usize) -> Result<Result<Scene, Problem>, PrepareError> {
        Ok(self.scene(number))
    }
}
