//! `manifest`: anybody's files, listed in a CSV.
//!
//! Columns `id`, `split` (train, val, test), `label`, optionally `group`, and
//! one column per modality with a path relative to the CSV. An empty cell
//! means that this sample lacks the modality.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::TargetName;
use super::labels::Classes;
use super::{DataSet, Request};
use crate::config::{AudioConfig, FilmDefaults, GroupedDefaults, ImageConfig, PictureDefaults, VideoConfig};
use crate::decode::kind::{self, Family};
use crate::decode::table::{Table, TableRow};
use crate::error::{DataError, head};
use crate::image::FrameRule;
use crate::plan::Plan;
use crate::prepare::{Align, Draft, Steps};
use crate::record::Record;
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// Settings of the data set `manifest`; `root` is the CSV file, or the folder of a `manifest.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ManifestConfig {
    /// What the column `label` holds: `class` (the default), `value` for a number, or `labels` for
    /// any number of labels with `;` between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// The classes or labels in order; by default those that occur, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// For each column of files a table `[data.modality.NAME]` with its `kind` and the keys of that
    /// kind.
    pub modality: BTreeMap<String, ManifestModality>,
}

/// The kind of files in a column, and how they are prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum ManifestModality {
    /// Recordings as WAV, FLAC, MP3 or Ogg Vorbis.
    Audio(AudioConfig),
    /// Pictures as PNG or JPEG.
    Image(ImageConfig),
    /// Films as folders of pictures, or as film strips with `frame_width`.
    Video(VideoConfig),
}

/// One second at 16 kHz as 64 frequencies x 32 frames.
const AUDIO: GroupedDefaults = GroupedDefaults {
    rate: 16_000,
    samples: 16_000,
    align: Align::Start,
    n_fft: 512,
    hop: 500,
    bins_per_group: 4,
    frames: 32,
};

/// The customary training crops of natural pictures.
const PICTURE: PictureDefaults = PictureDefaults { native: None, reduce: 1, crop: 0.08, flip: true };

/// Films of any length.
const FILM: FilmDefaults = FilmDefaults {
    frame: PICTURE,
    // The first frames of a long film often show nothing yet.
    rule: FrameRule::Segment,
    frame_width: 0,
};

impl Settings for ManifestConfig {
    const NAME: &'static str = "manifest";
    const SUMMARY: &'static str = "your own files, listed in a CSV";
}

impl DataSet for ManifestConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let mut csv =
            request.root("the CSV file that lists the samples, or the folder of its manifest.csv")?;
        if csv.is_dir() {
            let listed = csv.join("manifest.csv");
            if !listed.is_file() {
                return Err(DataError::missing(format!(
                    "`root` is the folder {}, which holds no manifest.csv; give the CSV file, or make one of \
                     recordings with `counterpoint prepare`",
                    csv.display()
                )));
            }
            csv = listed;
        }
        let table = Table::read(&csv)?;
        if self.modality.is_empty() {
            return Err(DataError::config(
                "no modality: add a table [data.modality.NAME] with a `kind` for a column NAME",
            ));
        }
        for name in self.modality.keys() {
            table.column(name)?;
        }
        // In the order of the columns, which is the order users see.
        let described: Vec<&str> = table
            .header()
            .iter()
            .map(String::as_str)
            .filter(|name| self.modality.contains_key(*name))
            .collect();
        let names = request.modalities(&described)?;
        let drafts: Vec<Draft> = names.iter().map(|name| self.draft(name)).collect::<Result<_, _>>()?;
        let columns: Vec<usize> = names.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?;
        let (id, label) = (table.column("id")?, table.column("label")?);
        let parts = request.parts(&table)?;
        let group = match &request.split.split_by {
            Some(by) => Some(table.column(by)?),
            None => table.find("group"),
        };
        let target = self.target.unwrap_or(TargetName::Class);
        if self.classes.is_some() && target == TargetName::Value {
            return Err(DataError::config("`classes` is for classes and labels, but `target` is value"));
        }
        let occurring: Vec<&str> = table.rows().flat_map(|row| named(row, label, target)).collect();
        let classes = Classes::new(self.classes.as_deref(), occurring.into_iter())?;
        let labelling = match target {
            TargetName::Class => Labelling::Classes,
            TargetName::Value => Labelling::Values,
            TargetName::Labels => Labelling::Labels,
        };
        let folder = csv.parent().unwrap_or(Path::new(""));

        let mut records = Vec::new();
        for (row, part) in table.rows().zip(parts) {
            let place = |e: DataError| e.at(row.place());
            let name = row.text(id);
            if name.is_empty() {
                return Err(DataError::format(format!("{}: `id` is empty", row.place())));
            }
            let source = |(draft, &column): (&Draft, &usize)| {
                let cell = row.text(column);
                if cell.is_empty() { Ok(None) } else { source(draft, folder.join(cell).as_path()).map(Some) }
            };
            records.push(Record {
                id: name.to_owned(),
                group: group.map(|column| row.text(column).to_owned()).filter(|text| !text.is_empty()),
                part,
                truth: match target {
                    TargetName::Class => Truth::Class(classes.of(row.text(label), name).map_err(place)?),
                    TargetName::Value => Truth::Value(row.number(label)?),
                    TargetName::Labels => {
                        let mut flags = vec![false; classes.names.len()];
                        for text in parts_of(row.text(label)) {
                            flags[classes.of(text, name).map_err(place)?] = true;
                        }
                        Truth::Labels(flags)
                    }
                },
                sources: drafts.iter().zip(&columns).map(source).collect::<Result<_, _>>().map_err(place)?,
            });
        }
        Ok(Plan { classes: classes.names, labelling, drafts, records, notes: Vec::new() })
    }
}

impl ManifestConfig {
    fn draft(&self, name: &str) -> Result<Draft, DataError> {
        match self.modality.get(name) {
            Some(ManifestModality::Audio(audio)) => audio.draft(name, &AUDIO),
            Some(ManifestModality::Image(image)) => image.draft(name, &PICTURE),
            Some(ManifestModality::Video(video)) => video.draft(name, &FILM),
            None => Err(DataError::config(format!("modality `{name}` has no table [data.modality.{name}]"))),
        }
    }
}

/// The classes or labels that a line names.
fn named(row: TableRow<'_>, label: usize, target: TargetName) -> Vec<&str> {
    match target {
        TargetName::Class => vec![row.text(label)],
        TargetName::Value => Vec::new(),
        TargetName::Labels => parts_of(row.text(label)).collect(),
    }
}

/// The labels of a cell.
fn parts_of(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|text| !text.is_empty())
}

fn source(draft: &Draft, path: &Path) -> Result<Source, DataError> {
    let path = path.to_owned();
    Ok(match &draft.preparation.steps {
        Steps::Audio(_) => Source::Wave { path, span: None },
        Steps::Video(steps) => {
            if steps.frame_width == 0 && path.is_file() {
                let head = head(&path)?;
                if matches!(kind::of(&head), Some((_, Family::Film | Family::Sound))) {
                    let place = format!("modality `{}`: `{}`", draft.preparation.modality, path.display());
                    return Err(kind::refuse(&head, Family::Film).at(place));
                }
                return Err(DataError::config(format!(
                    "modality `{}`: `{}` is a file, so a film strip; set `frame_width`, or name a folder of pictures",
                    draft.preparation.modality,
                    path.display()
                )));
            }
            Source::Film { path, frame_width: steps.frame_width, span: None }
        }
        _ => Source::Picture { path },
    })
}
