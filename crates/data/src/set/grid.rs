//! `grid`: letters or digits of talker s1 of the GRID corpus, sound and mouth video.
//!
//! The folder holds `clips.csv`, `audio/<id>.wav` (16 kHz) and
//! `video/<id>.jpg`, a strip of grey mouth frames 80 wide and 56 high; the
//! CSV says where in sound and film each word lies, and assigns the splits.

use std::collections::BTreeMap;

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataSet, Request};
use crate::config::{AudioConfig, FilmDefaults, GroupedDefaults, PictureDefaults, VideoConfig};
use crate::decode::table::Table;
use crate::error::{DataError, ErrorKind};
use crate::image::FrameRule;
use crate::plan::Plan;
use crate::prepare::Align;
use crate::record::Record;
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// Which word of the sentence is to be recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GridTask {
    /// One of 25 letters, all but w.
    #[default]
    Letter,
    /// One of ten digits.
    Digit,
}

/// Settings of the data set `grid`; modalities `audio` and `video`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GridConfig {
    /// Which word of the sentence is to be recognised.
    pub task: GridTask,
    /// How sound is prepared; by default 64 frequencies x 32 frames of 5120 samples at 16 kHz around
    /// the middle of the word.
    pub audio: AudioConfig,
    /// How film is prepared; by default 3 frames of 28 x 40 pixels, spread over the word.
    pub video: VideoConfig,
}

/// 0.32 s around the middle of the word as 64 frequencies x 32 frames.
const AUDIO: GroupedDefaults = GroupedDefaults {
    rate: 16_000,
    samples: 5120,
    align: Align::Centre,
    n_fft: 512,
    hop: 160,
    bins_per_group: 4,
    frames: 32,
};

/// The window is cut close around the mouth, so crops are mild.
const VIDEO: FilmDefaults = FilmDefaults {
    frame: PictureDefaults { native: Some([56, 80]), reduce: 2, crop: 0.5, flip: true },
    rule: FrameRule::Segment,
    frame_width: 80,
    files: false,
};

impl Settings for GridConfig {
    const NAME: &'static str = "grid";
    const SUMMARY: &'static str = "letters or digits of one talker of the GRID corpus, sound and mouth video";
}

impl DataSet for GridConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let modalities = request.modalities(&["audio", "video"])?;
        let root = request.root("the folder with clips.csv, audio/ and video/")?;
        let table = Table::read(&root.join("clips.csv"))?;
        let word = match self.task {
            GridTask::Letter => "letter",
            GridTask::Digit => "digit",
        };
        let (id, name) = (table.column("id")?, table.column(word)?);
        let parts = request.parts(&table)?;
        let group = request.split.split_by.as_ref().map(|by| table.column(by)).transpose()?;
        let column = |suffix: &str| table.column(&format!("{word}_{suffix}"));
        let (class, f0, f1) = (column("id")?, column("f0")?, column("f1")?);
        let (s0, s1) = (column("s0")?, column("s1")?);

        let mut classes = BTreeMap::new();
        let mut records = Vec::new();
        for (row, part) in table.rows().zip(parts) {
            let index: usize = row.number(class)?;
            let known = classes.entry(index).or_insert_with(|| row.text(name).to_owned());
            if known != row.text(name) {
                let message = format!(
                    "{}: class {index} is called `{}` here and `{known}` before",
                    row.place(),
                    row.text(name)
                );
                return Err(DataError::new(ErrorKind::Label, message));
            }
            let frames: (f64, f64) = (row.number(f0)?, row.number(f1)?);
            let samples: (usize, usize) = (row.number(s0)?, row.number(s1)?);
            let clip = row.text(id);
            let source = |name: &String| match name.as_str() {
                "audio" => {
                    Source::Wave { path: root.join("audio").join(format!("{clip}.wav")), span: Some(samples) }
                }
                _ => Source::Film {
                    path: root.join("video").join(format!("{clip}.jpg")),
                    frame_width: self.video.frame_width.unwrap_or(VIDEO.frame_width),
                    span: Some(frames),
                },
            };
            records.push(Record {
                id: clip.to_owned(),
                group: group.map(|column| row.text(column).to_owned()),
                part,
                truth: Truth::Class(index),
                sources: modalities.iter().map(|name| Some(source(name))).collect(),
            });
        }
        if let Some((gap, _)) = classes.keys().enumerate().find(|(number, index)| number != *index) {
            return Err(DataError::new(
                ErrorKind::Label,
                format!("no clip has `{word}_id` {gap}; ids must run from 0 without gap"),
            ));
        }
        let drafts = modalities.iter().map(|name| match name.as_str() {
            "audio" => self.audio.draft(name, &AUDIO),
            _ => self.video.draft(name, &VIDEO),
        });
        let drafts = drafts.collect::<Result<_, _>>()?;
        Ok(Plan {
            classes: classes.into_values().collect(),
            labelling: Labelling::Classes,
            drafts,
            records,
            notes: Vec::new(),
        })
    }
}
