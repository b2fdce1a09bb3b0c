//! `spoken-digits`: six speakers say ten digits, each paired with handwritten ones.
//!
//! The folder (see `data/spoken-digits/README.md`) holds `pairs.csv`,
//! `audio/*.wav` and `images.idx3-ubyte.gz`. One speaker is the test, one
//! the validation; the others train. Training and validation use the first
//! picture of each recording, the test both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataSet, Request};
use crate::config::{AudioConfig, GroupedDefaults, ImageConfig, PictureDefaults};
use crate::decode::IdxImages;
use crate::decode::table::Table;
use crate::error::{DataError, ErrorKind};
use crate::plan::Plan;
use crate::prepare::Align;
use crate::record::{Part, Record};
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// Settings of the data set `spoken-digits`; modalities `audio` and `image`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpokenDigitsConfig {
    /// The speaker whose recordings are the test.
    pub test_speaker: String,
    /// The speaker whose recordings are the validation.
    pub val_speaker: String,
    /// How sound is prepared; by default 64 frequencies x 32 frames of one second at 8 kHz.
    pub audio: AudioConfig,
    /// How pictures are prepared; by default 28 x 28 grey pixels.
    pub image: ImageConfig,
}

impl Default for SpokenDigitsConfig {
    fn default() -> Self {
        Self {
            test_speaker: "theo".into(),
            val_speaker: "lucas".into(),
            audio: AudioConfig::default(),
            image: ImageConfig::default(),
        }
    }
}

/// One second at 8 kHz as 64 frequencies x 32 frames.
const AUDIO: GroupedDefaults = GroupedDefaults {
    rate: 8000,
    samples: 8000,
    align: Align::Start,
    n_fft: 256,
    hop: 250,
    bins_per_group: 2,
    frames: 32,
};

/// Digits are not mirrored, and a small piece of one is none.
const IMAGE: PictureDefaults = PictureDefaults { native: Some([28, 28]), reduce: 1, crop: 0.6, flip: false };

impl Settings for SpokenDigitsConfig {
    const NAME: &'static str = "spoken-digits";
    const SUMMARY: &'static str = "spoken and handwritten digits, part of this project; split by speaker";
}

impl DataSet for SpokenDigitsConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        if request.split.is_random() {
            return Err(DataError::config(
                "this data set is split by speaker: choose `test_speaker` and `val_speaker` instead of a random split",
            ));
        }
        let modalities = request.modalities(&["audio", "image"])?;
        let root = match &request.common.root {
            Some(root) => request.base.join(root),
            None => find(request.base)?,
        };
        let table = Table::read(&root.join("pairs.csv"))?;
        let [id, digit, speaker, partner, wav, image] =
            columns(&table, ["id", "digit", "speaker", "partner", "wav", "image"])?;
        let speakers: BTreeSet<&str> = table.rows().map(|row| row.text(speaker)).collect();
        self.check_speakers(&speakers)?;
        let images = Arc::new(IdxImages::read(&root.join("images.idx3-ubyte.gz"))?);

        let mut records = Vec::new();
        for row in table.rows() {
            let part = match row.text(speaker) {
                who if who == self.test_speaker => Part::Test,
                who if who == self.val_speaker => Part::Val,
                _ => Part::Train,
            };
            if part != Part::Test && row.number::<usize>(partner)? > 0 {
                continue;
            }
            let (class, index): (usize, usize) = (row.number(digit)?, row.number(image)?);
            if class > 9 {
                let message = format!("{}: digit {class} is above 9", row.place());
                return Err(DataError::new(ErrorKind::Label, message));
            }
            if index >= images.count() {
                return Err(DataError::format(format!(
                    "{}: image {index} lies beyond the {} images",
                    row.place(),
                    images.count()
                )));
            }
            let source = |name: &String| match name.as_str() {
                "audio" => Source::Wave { path: root.join("audio").join(row.text(wav)), span: None },
                _ => Source::Pixels { images: Arc::clone(&images), index },
            };
            records.push(Record {
                id: row.text(id).to_owned(),
                group: Some(row.text(speaker).to_owned()),
                part,
                truth: Truth::Class(class),
                sources: modalities.iter().map(|name| Some(source(name))).collect(),
            });
        }
        let drafts = modalities.iter().map(|name| match name.as_str() {
            "audio" => self.audio.draft(name, &AUDIO),
            _ => self.image.draft(name, &IMAGE),
        });
        Ok(Plan {
            classes: (0..10).map(|digit| digit.to_string()).collect(),
            labelling: Labelling::Classes,
            drafts: drafts.collect::<Result<_, _>>()?,
            records,
            notes: Vec::new(),
        })
    }
}

impl SpokenDigitsConfig {
    fn check_speakers(&self, speakers: &BTreeSet<&str>) -> Result<(), DataError> {
        let list = || speakers.iter().copied().collect::<Vec<_>>().join(", ");
        for (key, name) in [("test_speaker", &self.test_speaker), ("val_speaker", &self.val_speaker)] {
            if !speakers.contains(name.as_str()) {
                return Err(DataError::config(format!(
                    "`{key}` = `{name}` is not a speaker of this set, these are: {}",
                    list()
                )));
            }
        }
        if self.test_speaker == self.val_speaker {
            return Err(DataError::config(format!(
                "`test_speaker` and `val_speaker` are both `{}`; choose two of: {}",
                self.test_speaker,
                list()
            )));
        }
        Ok(())
    }
}

/// Indices of columns by their names.
fn columns<const N: usize>(table: &Table, names: [&str; N]) -> Result<[usize; N], DataError> {
    let mut indices = [0; N];
    for (index, name) in indices.iter_mut().zip(names) {
        *index = table.column(name)?;
    }
    Ok(indices)
}

/// The project's own folder, seen from the configuration file or from where we are.
fn find(base: &Path) -> Result<PathBuf, DataError> {
    let inside = Path::new("data").join("spoken-digits");
    let here = std::env::current_dir().unwrap_or_default();
    let start = here.join(base); // makes a relative base absolute, so that it has ancestors
    let found = start.ancestors().chain(here.ancestors()).map(|folder| folder.join(&inside));
    found.into_iter().find(|folder| folder.join("pairs.csv").is_file()).ok_or_else(|| {
        DataError::missing(format!(
            "no folder `{}` in `{}`, the current folder or any folder above them; set `root`",
            inside.display(),
            base.display()
        ))
    })
}
