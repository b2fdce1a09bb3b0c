//! The files of the CMU SDK: each an HDF5 file of one sequence of features per video or segment.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use counterpoint_batch::npy::NpyArray;
use counterpoint_formats::FormatError;
use counterpoint_formats::hdf5::{Address, Hdf5};

use super::Found;
use super::segments::{self, Segment};
use super::source::{Modality, Row, Source, Utterance};
use crate::content::look;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::problem::{Finding, Problem};

/// What the names of files say about them, in the order of the modalities.
const NAMES: [(&str, &[&str]); 3] = [
    ("text", &["wordvectors", "glove", "bert", "text"]),
    ("audio", &["covarep", "opensmile", "audio", "acoustic"]),
    ("vision", &["facet", "openface", "visual", "vision"]),
];

/// Opens the files of a folder.
pub fn open(folder: &Folder, files: &[PathBuf]) -> Result<Found, PrepareError> {
    let plain = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let (mut labels, mut notes, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    let mut chosen: [Vec<&PathBuf>; 3] = Default::default();
    for file in files {
        let name = plain(file);
        if name.contains("label") {
            labels.push(file);
            continue;
        }
        match NAMES.iter().position(|(_, words)| words.iter().any(|word| name.contains(word))) {
            Some(modality) => chosen[modality].push(file),
            None => notes.push(format!("`{}` is not used: its name says no modality", file.display())),
        }
    }
    let mut sequences = Vec::new();
    for ((name, words), files) in NAMES.iter().zip(&chosen) {
        match files[..] {
            [] => notes.push(format!("no file of `{name}` (with {} in its name) is there", words.join(", "))),
            [file] => {
                sequences.push(Sequence::open(folder.root(), file, name)?);
                sources.push(file.clone());
            }
            [one, other, ..] => {
                return Err(PrepareError::data(format!(
                    "`{}` and `{}` in `{}` are both of the modality `{name}`; leave one of them in the folder",
                    one.display(),
                    other.display(),
                    folder.root().display()
                )));
            }
        }
    }
    if sequences.is_empty() {
        return Err(PrepareError::data(format!(
            "no .csd file in `{}` is of a modality: their names must say wordvectors, covarep, facet or another of \
             the SDK's",
            folder.root().display()
        )));
    }
    let segments = match labels[..] {
        [file] => {
            sources.push(file.clone());
            Sequence::open(folder.root(), file, "labels")?.segments()?
        }
        [] => segments::from_table(folder, &mut sources)?,
        [one, other, ..] => {
            return Err(PrepareError::data(format!(
                "`{}` and `{}` both hold labels; leave one of them in the folder",
                one.display(),
                other.display()
            )));
        }
    };
    let parts = segments::parts(folder, &mut sources)?;
    if parts.is_empty() {
        notes.push(
            "no train.txt, valid.txt and test.txt is there: the split is not the SDK's standard folds".into(),
        );
    }
    let (mut utterances, mut problems, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for segment in segments {
        let found: Vec<Option<Place>> = sequences.iter().map(|sequence| sequence.place(&segment)).collect();
        let left = |finding| Problem::left_out(&segment.id, "", finding);
        if found.iter().all(Option::is_none) {
            let known = sequences.iter().any(|s| s.has(&segment.id) || s.has(&segment.video));
            let names: Vec<&str> = sequences.iter().map(|sequence| sequence.name).collect();
            problems.push(left(if known {
                Finding::NoSteps { modality: names.join(", ") }
            } else {
                Finding::Missing
            }));
            continue;
        }
        let part = parts.get(&segment.video).copied();
        if part.is_none() && !parts.is_empty() {
            problems.push(left(Finding::Unlisted));
            continue;
        }
        utterances.push(Utterance {
            id: segment.id,
            video: Some(segment.video),
            score: segment.score,
            part,
            words: None,
            file: PathBuf::new(),
            number: places.len(),
        });
        places.push(found);
    }
    let modality = |(number, sequence): (usize, &Sequence)| {
        let longest =
            places.iter().filter_map(|place: &Vec<Option<Place>>| Some(place[number].as_ref()?.rows.len()));
        Modality {
            name: sequence.name.into(),
            longest: Some(longest.max().unwrap_or(0).max(1)),
            width: sequence.width,
        }
    };
    let modalities = sequences.iter().enumerate().map(modality).collect();
    Ok(Found {
        utterances,
        problems,
        notes,
        sources,
        features: Box::new(Sequences { files: sequences, places, modalities }),
    })
}

/// One file.
struct Sequence {
    path: PathBuf,
    name: &'static str,
    file: Hdf5<File>,
    /// Numbers of a step.
    width: usize,
    /// Features and intervals of every video or segment.
    members: BTreeMap<String, Member>,
}

struct Member {
    features: Address,
    /// Start and end of every step, in seconds.
    times: Vec<[f64; 2]>,
}

/// Where the steps of a segment are.
struct Place {
    features: Address,
    rows: Range<usize>,
}

impl Sequence {
    fn open(root: &Path, file: &Path, name: &'static str) -> Result<Self, PrepareError> {
        let path = root.join(file);
        look(&path)
            .map_err(|finding| PrepareError::data(format!("`{}`: {}", path.display(), finding.words())))?;
        let opened = File::open(&path)
            .map_err(|cause| PrepareError::data(format!("`{}` cannot be read: {cause}", path.display())))?;
        let wrong = |error: FormatError| PrepareError::data(format!("`{}` {error}", path.display()));
        let mut file = Hdf5::open(opened).map_err(wrong)?;
        let top = file.members(file.root()).map_err(wrong)?;
        let [(sequence, at)] = &top[..] else {
            let names: Vec<&str> = top.iter().take(5).map(|(name, _)| name.as_str()).collect();
            return Err(wrong(FormatError(format!(
                "holds {names:?}, expected one sequence with `data` in it"
            ))));
        };
        let data = file.find(*at, "data").map_err(|error| {
            wrong(FormatError(format!("is no file of the CMU SDK: its `{sequence}` {error}")))
        })?;
        let (mut members, mut width) = (BTreeMap::new(), 0);
        for (id, at) in file.members(data).map_err(wrong)? {
            let here = |error: FormatError| wrong(FormatError(format!("at `{sequence}/data/{id}` {error}")));
            let features = file.find(at, "features").map_err(here)?;
            let set = file.dataset(features).map_err(here)?;
            let times = file.find(at, "intervals").map_err(here)?;
            let times = file.dataset(times).and_then(|set| file.values(&set)).map_err(here)?;
            let times = intervals(&times).ok_or_else(|| {
                here(FormatError(format!("has intervals of shape {:?}, expected [steps, 2]", times.shape)))
            })?;
            let [rows, columns] = set.shape[..] else {
                return Err(here(FormatError(format!(
                    "has features of shape {:?}, expected two axes",
                    set.shape
                ))));
            };
            if rows != times.len() || (width > 0 && columns != width && rows > 0) {
                return Err(here(FormatError(format!(
                    "has features of shape {:?} and {} intervals, expected as many of each and {width} columns",
                    set.shape,
                    times.len()
                ))));
            }
            if rows > 0 {
                width = columns;
            }
            members.insert(id, Member { features, times });
        }
        if width == 0 {
            return Err(wrong(FormatError("holds no features".into())));
        }
        Ok(Self { path, name, file, width, members })
    }

    fn wrong(&self, error: &dyn std::fmt::Display) -> PrepareError {
        PrepareError::data(format!("`{}` {error}", self.path.display()))
    }

    /// The segments of a file of labels: one for each row, or for each entry `VIDEO[0]`.
    fn segments(&mut self) -> Result<Vec<Segment>, PrepareError> {
        let mut segments = Vec::new();
        for (id, member) in &self.members {
            let set = self.file.dataset(member.features);
            let scores = set.and_then(|set| self.file.values(&set)).map_err(|error| {
                PrepareError::data(format!("`{}` at `{id}` {error}", self.path.display()))
            })?;
            for (row, time) in member.times.iter().enumerate() {
                let score =
                    scores.get(row * self.width).ok_or_else(|| self.wrong(&"holds labels that are texts"))?;
                segments.push(match segments::video(id) {
                    Some(video) => Segment { id: id.clone(), video: video.into(), score, time: None },
                    None => {
                        Segment { id: format!("{id}[{row}]"), video: id.clone(), score, time: Some(*time) }
                    }
                });
            }
        }
        Ok(segments)
    }

    fn has(&self, id: &str) -> bool {
        self.members.contains_key(id)
    }

    /// The steps of a segment: all that are kept under its own name, or those of its video whose middle
    /// lies within it.
    fn place(&self, segment: &Segment) -> Option<Place> {
        if let Some(member) = self.members.get(&segment.id) {
            return Some(Place { features: member.features, rows: 0..member.times.len() });
        }
        let (member, [start, end]) = (self.members.get(&segment.video)?, segment.time?);
        // Steps are in the order of time, so these lie side by side.
        let inside = |[from, to]: &[f64; 2]| {
            let middle = (from + to) / 2.0;
            start <= middle && middle < end
        };
        let first = member.times.iter().position(inside)?;
        let count = member.times[first..].iter().take_while(|time| inside(time)).count();
        Some(Place { features: member.features, rows: first..first + count })
    }
}

fn intervals(times: &NpyArray) -> Option<Vec<[f64; 2]>> {
    let &[_, 2] = times.shape.as_slice() else { return None };
    Some(times.doubles()?.as_chunks::<2>().0.to_vec())
}

struct Sequences {
    files: Vec<Sequence>,
    places: Vec<Vec<Option<Place>>>,
    modalities: Vec<Modality>,
}

impl Source for Sequences {
    fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    fn row(&mut self, modality: usize, utterance: usize) -> Result<Row, PrepareError> {
        let Some(place) = &self.places[utterance][modality] else { return Ok(Row::default()) };
        let sequence = &mut self.files[modality];
        let set = sequence.file.dataset(place.features);
        let values = set.and_then(|set| sequence.file.rows(&set, place.rows.clone()));
        let values = values.map_err(|error| sequence.wrong(&error))?;
        let values = values
            .real()
            .ok_or_else(|| sequence.wrong(&"holds texts, expected features that are numbers"))?;
        Ok(Row { values, finding: None })
    }
}
