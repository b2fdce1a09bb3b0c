//! Kinetics-Sounds: the classes of Kinetics that can be heard and seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use counterpoint_data::set::Part;

use super::{Layout, Listing, Words};
use crate::clip::{Clip, Sources};
use crate::error::PrepareError;
use crate::folder::{Folder, Index};
use crate::problem::{Finding, Problem};

/// Kinetics-Sounds.
pub struct KineticsSounds;

impl Layout for KineticsSounds {
    fn name(&self) -> &'static str {
        "kinetics-sounds"
    }

    fn words(&self) -> Words {
        Words {
            summary: "Kinetics-Sounds: the 31 or 34 classes of Kinetics that can be heard and seen",
            files: "a folder per class with clips VIDEO_START_END.mp4 (times in 6 digits), in any folders below; with --uncut also \
                    whole recordings VIDEO.mp4",
            labels: "the column `label` of the lists of Kinetics (CSV with label,youtube_id,time_start,time_end,split), \
                     of which the classes that have a folder are used, or those of classes.txt, one a line; without \
                     lists the folder",
            splits: "the column `split`; without published test labels the validation is the test, and validation is \
                     carved from train",
            groups: "the video",
        }
    }

    fn cuts(&self) -> bool {
        true
    }

    fn list(&self, folder: &Folder, uncut: bool) -> Result<Listing, PrepareError> {
        let files = folder.files();
        let index = Index::new(files, |_| true);
        let mut listing = Listing::default();
        let rows = rows(folder, files, &mut listing)?;
        let classes = classes(folder, &index, &mut listing)?;
        if rows.is_empty() {
            listing.notes.push(
                "no CSV with the columns label, youtube_id, time_start and time_end is there: classes are the \
                 folders, and the split is not the published one"
                    .into(),
            );
        }
        let (mut others, mut other_classes, mut wholes) = (0_usize, BTreeSet::new(), BTreeSet::new());
        for (id, row) in &rows {
            if !classes.contains(&plain(&row.label)) {
                others += 1;
                other_classes.insert(row.label.as_str());
                continue;
            }
            let whole = uncut && index.files(id).is_empty() && !index.files(&row.video).is_empty();
            let name = if whole { &row.video } else { id };
            wholes.extend(whole.then_some(name.as_str()));
            let sources = index.sources(name);
            match sources.map(|sources| Sources { cut: whole.then_some(row.time), ..sources }) {
                Ok(sources) => {
                    let named = index.files(name).first().and_then(|f| class_folder(f)).unwrap_or_default();
                    if plain(&named) != plain(&row.label) && classes.contains(&plain(&named)) {
                        let finding = Finding::Label { found: named, expected: row.label.clone() };
                        let file = index.files(name).first().cloned().unwrap_or_default();
                        listing.problems.push(Problem::kept(id, file, finding));
                    }
                    listing.clips.push(Clip {
                        id: id.clone(),
                        sources,
                        label: row.label.clone(),
                        group: Some(row.video.clone()),
                        part: row.part,
                        cells: Vec::new(),
                    });
                }
                Err(problem) => listing.problems.push(Problem { id: id.clone(), ..problem }),
            }
        }
        if others > 0 {
            listing.notes.push(format!(
                "{others} lines of {} other classes of Kinetics are not used",
                other_classes.len()
            ));
        }
        for id in index.names().filter(|id| !rows.contains_key(*id) && !wholes.contains(id)) {
            let file = index.files(id).first().cloned().unwrap_or_default();
            let problem = match (parse(id), class_folder(&file), index.sources(id)) {
                _ if !rows.is_empty() => Problem::left_out(id, file, Finding::Unlisted),
                (None, ..) => {
                    let expected = "VIDEO_START_END, as abcdefghijk_000010_000020".into();
                    Problem::left_out(id, file, Finding::Name { expected })
                }
                (_, None, _) => {
                    Problem::left_out(id, file, Finding::Name { expected: "a folder per class".into() })
                }
                (_, Some(label), _) if !classes.contains(&plain(&label)) => {
                    Problem::left_out(id, file, Finding::Unlisted)
                }
                (.., Err(problem)) => problem,
                (Some(video), Some(label), Ok(sources)) => {
                    listing.clips.push(Clip {
                        id: id.to_owned(),
                        sources,
                        label,
                        group: Some(video.to_owned()),
                        part: None,
                        cells: Vec::new(),
                    });
                    continue;
                }
            };
            listing.problems.push(problem);
        }
        Ok(listing)
    }
}

/// A line of the lists.
struct Row {
    label: String,
    video: String,
    /// Start and end in milliseconds.
    time: [u32; 2],
    part: Option<Part>,
}

/// The video of a clip's name.
fn parse(id: &str) -> Option<&str> {
    let (rest, end) = id.rsplit_once('_')?;
    let (video, start) = rest.rsplit_once('_')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (number(start) && number(end) && !video.is_empty()).then_some(video)
}

fn class_folder(file: &Path) -> Option<String> {
    Some(file.parent()?.file_name()?.to_string_lossy().into_owned())
}

/// Folders write `playing_piano` for `playing piano`.
fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// All lines of all lists that have the columns of Kinetics, by the names of the clips.
fn rows(
    folder: &Folder,
    files: &[PathBuf],
    listing: &mut Listing,
) -> Result<BTreeMap<String, Row>, PrepareError> {
    let mut rows = BTreeMap::new();
    for list in files.iter().filter(|f| f.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"))) {
        let table = folder.table(list)?;
        let columns = ["label", "youtube_id", "time_start", "time_end"].map(|name| table.find(name));
        let [Some(label), Some(video), Some(start), Some(end)] = columns else { continue };
        let split = table.find("split");
        let stem = list.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for row in table.rows() {
            let (start, end): (f64, f64) = (row.number(start)?, row.number(end)?);
            let id = format!("{}_{:06}_{:06}", row.text(video), start as u64, end as u64);
            let text = split.map_or(stem.as_str(), |column| row.text(column));
            let part = match text.to_ascii_lowercase().as_str() {
                "validate" => Some(Part::Val),
                other => Part::from_name(other),
            };
            if part.is_none() && split.is_some() {
                return Err(PrepareError::data(format!(
                    "{}: split `{text}`, expected train, val or test",
                    row.place()
                )));
            }
            let time = [start, end].map(|time| (time * 1000.0) as u32);
            let row = Row { label: row.text(label).into(), video: row.text(video).into(), time, part };
            if rows.insert(id.clone(), row).is_some() {
                listing.problems.push(Problem::kept(&id, list, Finding::Repeated));
            }
        }
        listing.lists.push(list.clone());
    }
    Ok(rows)
}

/// The classes that are used, without case and spaces.
fn classes(folder: &Folder, index: &Index, listing: &mut Listing) -> Result<BTreeSet<String>, PrepareError> {
    if let Some(list) = folder.find("classes.txt") {
        let lines = folder.lines(&list)?;
        listing.lists.push(list);
        return Ok(lines.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect());
    }
    let folders = index.names().flat_map(|id| index.files(id)).filter_map(|file| class_folder(file));
    Ok(folders.map(|name| plain(&name)).collect())
}
