//! CMU-MOSI and CMU-MOSEI: utterances with text, sound and face as ready-made features.

mod export;
mod maker;
mod padding;
mod segments;
mod sequences;
mod source;

use std::collections::BTreeMap;
use std::path::PathBuf;

use counterpoint_data::set::Part;

use super::Collection;
use super::content::Opened;
use super::conversion::ConversionSettings;
use crate::clip::{Clip, Sources};
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::layout::Words;
use crate::problem::{Finding, Problem};
use maker::FeatureMaker;
use source::{Source, Utterance};

/// One of the two data sets, which are given out in the same forms.
pub struct Sentiment {
    name: &'static str,
    summary: &'static str,
}

/// CMU-MOSI.
pub const MOSI: Sentiment =
    Sentiment { name: "mosi", summary: "CMU-MOSI: 2199 utterances of 93 videos, sentiment from -3 to 3" };
/// CMU-MOSEI.
pub const MOSEI: Sentiment = Sentiment {
    name: "mosei",
    summary: "CMU-MOSEI: some 23,000 utterances of 3228 videos, sentiment from -3 to 3",
};

/// Steps in time at most, unless the settings say otherwise.
const STEPS: usize = 500;
/// Sentiment is within this, on both sides; single precision rounds.
const LARGEST: f64 = 3.0 + 1e-4;

impl Collection for Sentiment {
    fn name(&self) -> &'static str {
        self.name
    }

    fn words(&self) -> Words {
        Words {
            summary: self.summary,
            files: "one pickle (unaligned_50.pkl, aligned_50.pkl, mosi_data.pkl, mosei_senti_data.pkl), which --from may \
                    name; or the .csd files of the CMU SDK, one per modality and one of labels",
            labels: "regression_labels or labels of the pickle, CMU_MOSI_Opinion_Labels.csd or CMU_MOSEI_Labels.csd (first \
                     column), or labels.csv with id,label of segments as VIDEO[0]",
            splits: "train, valid and test of the pickle; for .csd files train.txt, valid.txt and test.txt with a video a \
                     line, as the SDK's standard folds; without them whole videos at random",
            groups: "the video",
        }
    }

    fn open(&self, folder: &Folder, settings: &ConversionSettings) -> Result<Opened, PrepareError> {
        if settings.void.is_some() {
            return Err(PrepareError::usage(format!(
                "--void is for label pictures, and `{}` has none",
                self.name
            )));
        }
        let steps = settings.steps.unwrap_or(STEPS);
        if steps == 0 {
            return Err(PrepareError::usage("--steps must be at least 1, got 0"));
        }
        let ending = |endings: &[&str]| -> Vec<PathBuf> {
            let fits = |file: &&PathBuf| {
                file.extension().is_some_and(|e| endings.iter().any(|one| e.eq_ignore_ascii_case(one)))
            };
            folder.files().iter().filter(fits).cloned().collect()
        };
        let (pickles, sequences) = (ending(&["pkl", "pickle"]), ending(&["csd"]));
        let mut found = match (&pickles[..], &sequences[..]) {
            ([pickle], []) => export::open(folder, pickle)?,
            ([], [_, ..]) => sequences::open(folder, &sequences)?,
            ([], []) => {
                return Err(PrepareError::data(format!(
                    "`{}` holds neither a .pkl nor .csd files. Expected:\n{}",
                    folder.root().display(),
                    self.words()
                )));
            }
            _ => {
                let names: Vec<String> =
                    pickles.iter().chain(&sequences).map(|file| format!("`{}`", file.display())).collect();
                return Err(PrepareError::data(format!(
                    "`{}` holds several exports of the data set: {}; name the one that is meant with --from FILE, or \
                     give a folder of .csd files only",
                    folder.root().display(),
                    names.join(", ")
                )));
            }
        };
        let mut problems = std::mem::take(&mut found.problems);
        let kept = choose(std::mem::take(&mut found.utterances), &mut problems);
        let mut notes = std::mem::take(&mut found.notes);
        notes.extend(shared_videos(&kept));
        let samples = kept.iter().map(|utterance| Clip {
            id: utterance.id.clone(),
            sources: Sources::default(),
            label: polarity(utterance.score).to_owned(),
            group: utterance.video.clone(),
            part: utterance.part,
            cells: Vec::new(),
        });
        Ok(Opened {
            samples: samples.collect(),
            problems,
            notes,
            sources: std::mem::take(&mut found.sources),
            maker: Box::new(FeatureMaker::new(self.name, found.features, kept, steps)),
        })
    }
}

/// The class of a score, as most papers on two classes have it.
fn polarity(score: f64) -> &'static str {
    if score < 0.0 { "negative" } else { "non-negative" }
}

/// Leaves out what has no label of this data set, and the copies of what is in two splits: of these the one
/// that is not for training stays.
fn choose(utterances: Vec<Utterance>, problems: &mut Vec<Problem>) -> Vec<Utterance> {
    let rank = |part: Option<Part>| part.map_or(0, |part| part as usize);
    let mut best: BTreeMap<String, usize> = BTreeMap::new();
    for (at, utterance) in utterances.iter().enumerate() {
        let other = best.entry(utterance.id.clone()).or_insert(at);
        if rank(utterance.part) > rank(utterances[*other].part) {
            *other = at;
        }
    }
    let parts: Vec<Option<Part>> = utterances.iter().map(|utterance| utterance.part).collect();
    let mut kept = Vec::new();
    for (at, utterance) in utterances.into_iter().enumerate() {
        let stays = best[&utterance.id];
        let finding = if stays != at {
            match (parts[at], parts[stays]) {
                (Some(one), Some(other)) if one != other => {
                    Some(Finding::InTwoSplits { kept: other.name().into() })
                }
                _ => Some(Finding::Repeated),
            }
        } else if utterance.score.is_nan() || utterance.score.abs() > LARGEST {
            let found = utterance.score.to_string();
            Some(Finding::OutOfRange { found, expected: "a number from -3 to 3".into() })
        } else {
            None
        };
        match finding {
            Some(finding) => problems.push(Problem::left_out(&utterance.id, &utterance.file, finding)),
            None => kept.push(utterance),
        }
    }
    kept
}

/// A note if utterances of one video are in two splits.
fn shared_videos(utterances: &[Utterance]) -> Option<String> {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    let mut shared: Vec<&str> = Vec::new();
    for utterance in utterances {
        if let (Some(video), Some(part)) = (&utterance.video, utterance.part)
            && *parts.entry(video).or_insert(part) != part
            && !shared.contains(&video.as_str())
        {
            shared.push(video);
        }
    }
    let first = shared.first()?;
    Some(format!(
        "{} videos have utterances in two splits, as `{first}`: the test also measures whether a speaker is known",
        shared.len()
    ))
}

/// What an export holds.
struct Found {
    utterances: Vec<Utterance>,
    problems: Vec<Problem>,
    notes: Vec<String>,
    sources: Vec<PathBuf>,
    features: Box<dyn Source>,
}
