//! Anybody's recordings: a list, or a folder per class.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint_data::set::{Part, TableRow};

use super::{Layout, Listing, Words};
use crate::clip::{Clip, Sources};
use crate::error::PrepareError;
use crate::folder::{Family, Folder, family, sources_of};
use crate::problem::{Finding, Problem};

/// Anybody's recordings.
pub struct Generic;

/// Names of lists that are taken without asking.
const LISTS: [&str; 3] = ["manifest.csv", "clips.csv", "samples.csv"];
/// Columns of files.
const FILES: [&str; 4] = ["file", "audio", "video", "image"];

impl Layout for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn words(&self) -> Words {
        Words {
            summary: "your own recordings: a CSV that lists them, or a folder per class",
            files: "either a CSV (manifest.csv, clips.csv, samples.csv, or the only one there) with columns of paths: \
                    `file` (sound and picture), or `audio`, `video`, `image`; or a folder per class, CLASS/CLIP.mp4, \
                    where CLIP.wav beside it takes the place of its sound; also below train, val and test",
            labels: "the column `label`, or the folder",
            splits: "the column `split`, or the folders train, val and test",
            groups: "the column `group`; further columns (text, numbers) are handed on",
        }
    }

    fn list(&self, folder: &Folder, _: bool) -> Result<Listing, PrepareError> {
        let files = folder.files();
        let lists: Vec<&PathBuf> = files
            .iter()
            .filter(|f| f.components().count() == 1)
            .filter(|f| f.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")))
            .collect();
        let usual = LISTS.iter().find_map(|name| lists.iter().find(|list| list.as_os_str() == *name));
        match (usual, &lists[..]) {
            (Some(list), _) | (None, [list]) => table(folder, list),
            (None, []) => classes(files),
            (None, several) => {
                let names: Vec<String> = several.iter().map(|l| l.display().to_string()).collect();
                Err(PrepareError::data(format!(
                    "`{}` holds several lists ({}); call the one that is meant manifest.csv",
                    folder.root().display(),
                    names.join(", ")
                )))
            }
        }
    }
}

/// The clips of a list.
fn table(folder: &Folder, list: &Path) -> Result<Listing, PrepareError> {
    let table = folder.table(list)?;
    let label = table.find("label").ok_or_else(|| {
        PrepareError::data(format!(
            "`{}` has no column `label`; call the column of the classes so. It has: {}",
            folder.root().join(list).display(),
            table.header().join(", ")
        ))
    })?;
    let (id, split, group) = (table.find("id"), table.find("split"), table.find("group"));
    let columns: Vec<(&str, usize)> =
        FILES.iter().filter_map(|name| Some((*name, table.find(name)?))).collect();
    if columns.is_empty() {
        return Err(PrepareError::data(format!(
            "`{}` has no column of files; name it `file`, `audio`, `video` or `image`. It has: {}",
            folder.root().join(list).display(),
            table.header().join(", ")
        )));
    }
    let used: Vec<usize> = columns
        .iter()
        .map(|(_, c)| *c)
        .chain([label])
        .chain([id, split, group].into_iter().flatten())
        .collect();
    let further: Vec<usize> =
        (0..table.header().len()).filter(|c| !used.contains(c) && !table.header()[*c].is_empty()).collect();
    let mut listing = Listing {
        columns: further.iter().map(|&c| table.header()[c].clone()).collect(),
        lists: vec![list.to_owned()],
        ..Default::default()
    };
    for row in table.rows() {
        let sources = sources(folder, row, &columns)?;
        let first = sources.files().first().map(|f| (*f).clone());
        let name = match (id.map(|c| row.text(c)).filter(|t| !t.is_empty()), &first) {
            (Some(id), _) => id.to_owned(),
            (None, Some(file)) => file.with_extension("").display().to_string(),
            (None, None) => row.place(),
        };
        let Some(_) = first else {
            listing.problems.push(Problem::left_out(&name, "", Finding::Nothing));
            continue;
        };
        if row.text(label).is_empty() {
            let expected = format!("a label in {}", row.place());
            listing.problems.push(Problem::left_out(&name, "", Finding::Name { expected }));
            continue;
        }
        listing.clips.push(Clip {
            id: name,
            sources,
            label: row.text(label).to_owned(),
            group: group.map(|c| row.text(c).to_owned()).filter(|text| !text.is_empty()),
            part: split.map(|c| part(row, c)).transpose()?,
            cells: further.iter().map(|&c| row.text(c).to_owned()).collect(),
        });
    }
    Ok(listing)
}

fn part(row: TableRow<'_>, column: usize) -> Result<Part, PrepareError> {
    let text = row.text(column);
    Part::from_name(text).ok_or_else(|| {
        PrepareError::data(format!("{}: split `{text}`, expected train, val or test", row.place()))
    })
}

/// What the cells of files name.
fn sources(folder: &Folder, row: TableRow<'_>, columns: &[(&str, usize)]) -> Result<Sources, PrepareError> {
    let mut sources = Sources::default();
    for &(name, column) in columns {
        let cell = row.text(column);
        if cell.is_empty() {
            continue;
        }
        let path = folder.inside(&cell.replace('\\', "/"), &format!("{}, column `{name}`", row.place()))?;
        match (name, family(&path)) {
            ("audio", _) | ("file", Some(Family::Sound)) => sources.sound = Some(path),
            ("video", _) => {
                sources.film = Some(path);
            }
            ("image", _) | (_, Some(Family::Image)) => sources.image = Some(path),
            _ => {
                let both = Sources::of_film(path);
                sources.sound = sources.sound.or(both.sound);
                sources.film = both.film;
            }
        }
    }
    Ok(sources)
}

/// The clips of folders that are called as their classes.
fn classes(files: &[PathBuf]) -> Result<Listing, PrepareError> {
    let media: Vec<&PathBuf> = files.iter().filter(|f| family(f).is_some()).collect();
    let top = |file: &Path| file.iter().next().map(|name| name.to_string_lossy().into_owned());
    let split = !media.is_empty()
        && media
            .iter()
            .all(|f| f.components().count() > 2 && top(f).is_some_and(|t| Part::from_name(&t).is_some()));
    let mut listing = Listing::default();
    let mut clips: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in media {
        let id = file.with_extension("");
        let id = id.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        clips.entry(id).or_default().push(file.clone());
    }
    for (id, files) in clips {
        let names: Vec<&str> = id.split('/').collect();
        // CLASS/CLIP, or train/CLASS/CLIP; folders below a class belong to it.
        let label = names.get(usize::from(split)).filter(|_| names.len() > usize::from(split) + 1);
        let Some(label) = label else {
            let expected = "a folder per class".into();
            listing.problems.push(Problem::left_out(&id, &files[0], Finding::Name { expected }));
            continue;
        };
        let (label, part) = ((*label).to_owned(), split.then(|| Part::from_name(names[0])).flatten());
        match sources_of(&id, &files) {
            Ok(sources) => {
                listing.clips.push(Clip { id, sources, label, group: None, part, cells: Vec::new() });
            }
            Err(problem) => listing.problems.push(problem),
        }
    }
    Ok(listing)
}
