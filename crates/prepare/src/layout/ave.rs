//! AVE: audio-visual events, lists with `&` between the columns.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_data::set::Part;

use super::{Layout, Listing, Words};
use crate::clip::Clip;
use crate::error::PrepareError;
use crate::folder::{Folder, Index};
use crate::problem::{Finding, Problem};

/// AVE.
pub struct Ave;

const LISTS: [(&str, Part); 3] =
    [("trainSet.txt", Part::Train), ("valSet.txt", Part::Val), ("testSet.txt", Part::Test)];

impl Layout for Ave {
    fn name(&self) -> &'static str {
        "ave"
    }

    fn words(&self) -> Words {
        Words {
            summary: "AVE: 4143 clips of 10 s, 28 classes of events",
            files: "Annotations.txt, trainSet.txt, valSet.txt, testSet.txt, and AVE/VIDEO.mp4, in any folders below",
            labels: "first column of the lists (Category&VideoID&Quality&StartTime&EndTime)",
            splits: "train, validation and test by the three lists",
            groups: "the video",
        }
    }

    fn list(&self, folder: &Folder, _: bool) -> Result<Listing, PrepareError> {
        let index = Index::new(folder.files(), |_| true);
        let mut listing = Listing {
            columns: ["quality", "event_start", "event_end"].map(str::to_owned).into(),
            ..Default::default()
        };
        let mut rows: Vec<(Row, Option<Part>)> = Vec::new();
        for (name, part) in LISTS {
            if let Some(list) = folder.find(name) {
                rows.extend(read(folder, &list)?.into_iter().map(|row| (row, Some(part))));
                listing.lists.push(list);
            }
        }
        let annotations = folder.find("Annotations.txt");
        if let Some(list) = &annotations {
            let all = read(folder, list)?;
            listing.lists.push(list.clone());
            let listed: BTreeSet<Row> = rows.iter().map(|(row, _)| row.clone()).collect();
            let split = !rows.is_empty();
            for row in all.into_iter().filter(|row| !listed.contains(row)) {
                if split {
                    listing.problems.push(Problem::left_out(&row.video, "", Finding::Unlisted));
                } else {
                    rows.push((row, None));
                }
            }
        }
        if rows.is_empty() {
            return Err(PrepareError::data(format!(
                "`{}` holds no Annotations.txt, trainSet.txt, valSet.txt or testSet.txt, the lists that come with AVE",
                folder.root().display()
            )));
        }
        // A video with several events is several samples.
        let mut events: BTreeMap<String, usize> = BTreeMap::new();
        rows.iter().for_each(|(row, _)| *events.entry(row.video.clone()).or_default() += 1);
        for (row, part) in rows {
            let id = match events.get(&row.video) {
                Some(1) => row.video.clone(),
                _ => format!("{}_{}_{}", row.video, row.start, row.end),
            };
            match index.sources(&row.video) {
                Ok(sources) => listing.clips.push(Clip {
                    id,
                    sources,
                    label: row.label,
                    group: Some(row.video),
                    part,
                    cells: vec![row.quality, row.start, row.end],
                }),
                Err(problem) => {
                    let file = problem.file.clone();
                    listing.problems.push(Problem::left_out(&id, file, problem.finding));
                }
            }
        }
        listing.problems.extend(index.unlisted(&|name| events.contains_key(name)));
        Ok(listing)
    }
}

/// A line of a list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    label: String,
    video: String,
    quality: String,
    start: String,
    end: String,
}

fn read(folder: &Folder, list: &std::path::Path) -> Result<Vec<Row>, PrepareError> {
    let mut rows = Vec::new();
    for (number, line) in folder.lines(list)?.into_iter().enumerate() {
        let cells: Vec<&str> = line.split('&').map(str::trim).collect();
        match cells[..] {
            [""] | ["Category", ..] => {}
            [label, video, quality, start, end] => rows.push(Row {
                label: label.into(),
                video: video.into(),
                quality: quality.into(),
                start: start.into(),
                end: end.into(),
            }),
            _ => {
                return Err(PrepareError::data(format!(
                    "`{}` line {}: {} parts between `&`, expected 5: Category&VideoID&Quality&StartTime&EndTime",
                    folder.root().join(list).display(),
                    number + 1,
                    cells.len()
                )));
            }
        }
    }
    Ok(rows)
}
