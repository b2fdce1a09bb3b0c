//! CREMA-D: acted emotions, the label in the name of the file.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint_data::set::Part;

use super::{Layout, Listing, Words};
use crate::clip::Clip;
use crate::error::PrepareError;
use crate::folder::{Folder, Index};
use crate::problem::{Finding, Problem};

/// CREMA-D.
pub struct CremaD;

const EMOTIONS: [(&str, &str); 6] = [
    ("ANG", "anger"),
    ("DIS", "disgust"),
    ("FEA", "fear"),
    ("HAP", "happy"),
    ("NEU", "neutral"),
    ("SAD", "sad"),
];
const NAME: &str = "ACTOR_SENTENCE_EMOTION_LEVEL, as 1001_DFA_ANG_XX";

impl Layout for CremaD {
    fn name(&self) -> &'static str {
        "crema-d"
    }

    fn words(&self) -> Words {
        Words {
            summary: "CREMA-D: 7442 clips of 91 actors, 6 emotions",
            files: "VideoFlash/1001_DFA_ANG_XX.flv with AudioWAV/1001_DFA_ANG_XX.wav, in any folders below",
            labels: "third part of the name: ANG, DIS, FEA, HAP, NEU, SAD",
            splits: "none by its authors; lists train.csv, test.csv (and val.csv) of id,label are used if they are \
                     there. They mix the actors: --split by-group ignores them",
            groups: "the actor, first part of the name",
        }
    }

    fn list(&self, folder: &Folder, _: bool) -> Result<Listing, PrepareError> {
        let files = folder.files();
        let index = Index::new(files, |_| true);
        let mut listing = Listing::default();
        let published = published(folder, &mut listing)?;
        for id in index.names() {
            let problem = |finding| {
                let file = index.files(id).first().cloned().unwrap_or_default();
                Problem::left_out(id, file, finding)
            };
            let Some((actor, label)) = parse(id) else {
                listing.problems.push(problem(Finding::Name { expected: NAME.into() }));
                continue;
            };
            let part = match published.get(id) {
                None if published.is_empty() => None,
                None => {
                    listing.problems.push(problem(Finding::Unlisted));
                    continue;
                }
                Some((part, code)) if code != label.0 && code != label.1 => {
                    let finding = Finding::Label { found: code.clone(), expected: label.0.into() };
                    listing.problems.push(Problem { kept: true, ..problem(finding) });
                    Some(*part)
                }
                Some((part, _)) => Some(*part),
            };
            match index.sources(id) {
                Ok(sources) => listing.clips.push(Clip {
                    id: id.to_owned(),
                    sources,
                    label: label.1.to_owned(),
                    group: Some(actor.to_owned()),
                    part,
                    cells: Vec::new(),
                }),
                Err(problem) => listing.problems.push(problem),
            }
        }
        let missing = published.keys().filter(|id| index.files(id).is_empty());
        listing.problems.extend(missing.map(|id| Problem::left_out(id, "", Finding::Missing)));
        Ok(listing)
    }
}

/// Actor, and the emotion's code and word.
fn parse(id: &str) -> Option<(&str, (&'static str, &'static str))> {
    let parts: Vec<&str> = id.split('_').collect();
    let [actor, sentence, emotion, level] = parts[..] else { return None };
    let digits = actor.len() == 4 && actor.bytes().all(|b| b.is_ascii_digit());
    let label = EMOTIONS.into_iter().find(|(code, _)| *code == emotion)?;
    (digits && sentence.len() == 3 && !level.is_empty()).then_some((actor, label))
}

/// Split and label code of each clip in the lists in use.
fn published(
    folder: &Folder,
    listing: &mut Listing,
) -> Result<BTreeMap<String, (Part, String)>, PrepareError> {
    let mut found = BTreeMap::new();
    for (name, part) in [("train.csv", Part::Train), ("val.csv", Part::Val), ("test.csv", Part::Test)] {
        let Some(list) = folder.find(name) else { continue };
        for line in folder.lines(&list)? {
            let mut cells = line.split(',').map(|cell| cell.trim().trim_matches('"'));
            let (Some(file), Some(label)) = (cells.next(), cells.next()) else { continue };
            let id = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // A header.
            if parse(&id).is_none() && !id.contains('_') {
                continue;
            }
            if found.insert(id.clone(), (part, label.to_owned())).is_some() {
                return Err(PrepareError::data(format!(
                    "`{}` names `{id}` a second time; every clip must be in one split only",
                    folder.root().join(&list).display()
                )));
            }
        }
        listing.lists.push(list);
    }
    Ok(found)
}
