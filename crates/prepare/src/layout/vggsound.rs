//! VGGSound: clips of videos, listed in one CSV without a header.

use std::collections::BTreeSet;

use counterpoint_data::set::Part;

use super::{Layout, Listing, Words};
use crate::clip::{Clip, Sources};
use crate::error::PrepareError;
use crate::folder::{Folder, Index};
use crate::problem::{Finding, Problem};

/// A clip lasts so long.
const SECONDS: f64 = 10.0;

/// VGGSound.
pub struct VggSound;

impl Layout for VggSound {
    fn name(&self) -> &'static str {
        "vggsound"
    }

    fn words(&self) -> Words {
        Words {
            summary: "VGGSound: some 200,000 clips of 10 s, 309 classes",
            files: "vggsound.csv, and clips ID_START.mp4 with START in 6 digits (as ---g-f_I2yQ_000001.mp4), in any \
                    folders below; a WAV of the same name takes the place of the film's sound; with --uncut also whole recordings ID.mp4",
            labels: "third column of vggsound.csv (id,start,label,split; no header)",
            splits: "train and test, fourth column; validation is carved from train",
            groups: "none: every clip is of another video",
        }
    }

    fn cuts(&self) -> bool {
        true
    }

    fn list(&self, folder: &Folder, uncut: bool) -> Result<Listing, PrepareError> {
        let list = folder.find("vggsound.csv").ok_or_else(|| {
            PrepareError::data(format!(
                "`{}` holds no vggsound.csv, the list of id,start,label,split that comes with the data set",
                folder.root().display()
            ))
        })?;
        let path = folder.root().join(&list);
        let text = folder.lines(&list)?.join("\n");
        let index = Index::new(folder.files(), |_| true);
        let mut listing = Listing { lists: vec![list], ..Default::default() };
        let mut names = BTreeSet::new();
        // Labels contain commas in quotes.
        let reader =
            &mut csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        for (number, row) in reader.records().enumerate() {
            let place = || format!("`{}` line {}", path.display(), number + 1);
            let row = row.map_err(|cause| PrepareError::data(format!("{}: {cause}", place())))?;
            let cells: Vec<&str> = row.iter().map(str::trim).collect();
            let [video, start, label, split] = cells[..] else {
                return Err(PrepareError::data(format!(
                    "{}: {} cells, expected 4: id,start,label,split",
                    place(),
                    cells.len()
                )));
            };
            let Ok(start) = start.parse::<f64>() else {
                if number == 0 {
                    continue;
                }
                return Err(PrepareError::data(format!(
                    "{}: start `{start}` is not a number of seconds",
                    place()
                )));
            };
            let part = match Part::from_name(split) {
                Some(part) => part,
                None => {
                    return Err(PrepareError::data(format!(
                        "{}: split `{split}`, expected train or test",
                        place()
                    )));
                }
            };
            let id = format!("{video}_{:06}", start as u64);
            // The usual name first.
            let candidates = [id.clone(), format!("{video}_{}", start as u64)];
            let name = candidates.iter().find(|name| !index.files(name).is_empty()).unwrap_or(&id);
            let whole = uncut && index.files(name).is_empty() && !index.files(video).is_empty();
            let name = if whole { video } else { name };
            names.insert(name.to_owned());
            let sources = index.sources(name).map(|sources| {
                let cut = whole.then(|| [start, start + SECONDS].map(|time| (time * 1000.0) as u32));
                Sources { cut, ..sources }
            });
            match sources {
                Ok(sources) => listing.clips.push(Clip {
                    id,
                    sources,
                    label: label.to_owned(),
                    group: None,
                    part: Some(part),
                    cells: Vec::new(),
                }),
                Err(problem) => {
                    let file = problem.file.clone();
                    listing.problems.push(Problem::left_out(&id, file, problem.finding));
                }
            }
        }
        listing.problems.extend(index.unlisted(&|name| names.contains(name)));
        if listing.problems.iter().any(|p| p.finding == Finding::Missing) {
            listing.notes.push(
                "clips of the list that are not there are in problems.csv: results are comparable only with those of \
                 the same clips"
                    .into(),
            );
        }
        Ok(listing)
    }
}
