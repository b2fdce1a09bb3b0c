//! Samples of several files that share a name: `one.wav`, `one.png`, `one.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::modality::{ManifestModality, file, numbers};
use crate::decode::shard::Member;
use crate::decode::table::number_or_gap;
use crate::error::{DataError, ErrorKind};
use crate::folder::natural;
use crate::prepare::{Draft, Steps, VideoSteps};
use crate::source::{Holds, Source};

/// Where a file of a sample lies.
#[derive(Clone, Debug)]
pub(super) enum Place {
    File(PathBuf),
    Member(Member),
}

/// One file of a sample: what stands between its key and its ending, the ending, and where it is.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub tag: String,
    pub ending: String,
    pub place: Place,
}

/// The files of one sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Bundle {
    /// For messages.
    pub place: String,
    pub parts: Vec<Part>,
    /// What its `.json` says.
    pub fields: Map<String, Value>,
}

impl Place {
    /// The whole content.
    pub fn read(&self) -> Result<Vec<u8>, DataError> {
        match self {
            Self::File(path) => crate::error::read(path),
            Self::Member(member) => member.read(),
        }
    }

    /// For messages.
    pub fn words(&self) -> String {
        match self {
            Self::File(path) => format!("`{}`", path.display()),
            Self::Member(member) => member.place(),
        }
    }

    fn source(&self, draft: &Draft) -> Result<Source, DataError> {
        match self {
            Self::File(path) => file(draft, path.clone()),
            Self::Member(member) => {
                let holds = match &draft.preparation.steps {
                    Steps::Audio(_) => Holds::Wave,
                    Steps::Text(_) => Holds::Text,
                    Steps::Video(VideoSteps { frame_width, .. }) => {
                        Holds::Strip { frame_width: *frame_width }
                    }
                    _ => Holds::Picture,
                };
                Ok(Source::Packed { members: [member.clone()].into(), holds })
            }
        }
    }
}

impl Bundle {
    /// Reads the `.json` of a sample, if it has one.
    pub fn read_fields(&mut self) -> Result<(), DataError> {
        let Some(part) = self.parts.iter().find(|part| part.ending == "json" && part.tag.is_empty()) else {
            return Ok(());
        };
        let place = part.place.words();
        match serde_json::from_slice(&part.place.read()?) {
            Ok(Value::Object(fields)) => self.fields = fields,
            Ok(_) => return Err(DataError::format(format!("{place}: expected a JSON object of fields"))),
            Err(cause) => return Err(DataError::format(format!("{place}: is no JSON")).because(cause)),
        }
        Ok(())
    }

    /// A field as the text of a cell; empty if it is absent.
    ///
    /// # Errors
    /// If it is a list or an object.
    pub fn cell(&self, name: &str) -> Result<String, DataError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.trim().to_owned()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            Some(_) => Err(DataError::format(format!(
                "{}: field `{name}` holds a list or an object, expected a text or a number",
                self.place
            ))),
        }
    }

    /// The frames of a film, `KEY.NAME.00001.jpg`, in the order of their names.
    fn frames(&self, name: &str, endings: &[&str]) -> Option<Source> {
        let rest = |part: &Part| part.tag.strip_prefix(name)?.strip_prefix('.').map(natural);
        let fits = |part: &&Part| endings.contains(&part.ending.as_str());
        let mut frames: Vec<_> =
            self.parts.iter().filter(fits).filter_map(|part| Some((rest(part)?, part))).collect();
        frames.sort_by(|a, b| a.0.cmp(&b.0));
        let member = |(_, part): (_, &Part)| match &part.place {
            Place::Member(member) => Some(member.clone()),
            Place::File(_) => None,
        };
        let members: Arc<[Member]> = frames.into_iter().filter_map(member).collect();
        (!members.is_empty()).then_some(Source::Packed { members, holds: Holds::Frames })
    }

    /// The file that a modality takes: the one with its name before the ending, or the only one of its
    /// kind where no other modality is of that kind.
    fn part(&self, name: &str, endings: &[&str], alone: bool) -> Result<Option<&Place>, DataError> {
        let fits = |part: &&Part| {
            endings.contains(&part.ending.as_str()) && (part.tag == name || alone && part.tag.is_empty())
        };
        let mut found = self.parts.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => Err(DataError::new(
                ErrorKind::Split,
                format!(
                    "{}: {} and {} are both of modality `{name}`; remove one",
                    self.place,
                    first.place.words(),
                    second.place.words()
                ),
            )),
            (found, _) => Ok(found.map(|part| &part.place)),
        }
    }
}

/// Whether films are pictures one by one rather than strips.
fn apart(draft: &Draft) -> bool {
    matches!(&draft.preparation.steps, Steps::Video(steps) if steps.frame_width == 0)
}

/// Endings of the files of a modality; none if it is made of fields.
fn endings(modality: &ManifestModality) -> &'static [&'static str] {
    match modality {
        ManifestModality::Audio(_) => &["wav", "flac", "mp3", "ogg"],
        ManifestModality::Image(_) | ManifestModality::Video(_) => &["png", "jpg", "jpeg"],
        ManifestModality::Text(_) => &["txt"],
        ManifestModality::Numeric(_) | ManifestModality::Category(_) => &[],
    }
}

/// Endings of films.
pub(super) const FILMS: &[&str] = &[
    "mp4", "m4v", "mov", "avi", "mkv", "webm", "flv", "mpg", "mpeg", "wmv", "3gp", "ogv", "ts", "mts", "gif",
];
/// Endings of recordings that ffmpeg reads, and of films, which have sound.
pub(super) const SOUNDS: &[&str] = &[
    "m4a", "aac", "opus", "wma", "aif", "aiff", "au", "amr", "mp4", "m4v", "mov", "avi", "mkv", "webm",
    "flv", "mpg", "mpeg", "wmv", "3gp", "ogv", "ts", "mts",
];

/// Endings of files out of which ffmpeg takes a modality, where there is no file of its own.
fn films(modality: &ManifestModality) -> &'static [&'static str] {
    match modality {
        ManifestModality::Audio(_) => SOUNDS,
        ManifestModality::Image(_) | ManifestModality::Video(_) => FILMS,
        _ => &[],
    }
}

/// How the modalities are prepared, in the order of `names`; paths in the configuration start in `base`.
pub(super) fn drafts(
    modalities: &BTreeMap<String, ManifestModality>,
    names: &[String],
    base: &Path,
) -> Result<Vec<Draft>, DataError> {
    names.iter().map(|name| modalities[name].draft(name, base)).collect()
}

/// The sources of every sample, one list for each modality.
pub(super) fn sources(
    modalities: &BTreeMap<String, ManifestModality>,
    drafts: &[Draft],
    bundles: &[Bundle],
    notes: &mut Vec<String>,
) -> Result<Vec<Vec<Option<Source>>>, DataError> {
    let of = |draft: &Draft| {
        let name = draft.preparation.modality.as_str();
        let modality = &modalities[name];
        let fields = |bundle: &Bundle| -> Result<Arc<[String]>, DataError> {
            modality.columns(name).into_iter().map(|column| bundle.cell(column)).collect()
        };
        match (modality, &draft.preparation.steps) {
            (ManifestModality::Numeric(_), Steps::Vector(steps)) => {
                let mut values = Vec::new();
                for bundle in bundles {
                    for (cell, column) in fields(bundle)?.iter().zip(&steps.names) {
                        let place = |e: DataError| e.at(format_args!("{}: field `{column}`", bundle.place));
                        values.push(number_or_gap(cell).map_err(place)?);
                    }
                }
                let places: Vec<String> = bundles.iter().map(|bundle| bundle.place.clone()).collect();
                numbers(&values, &places, name, &steps.names, steps.nan, notes)
            }
            (ManifestModality::Category(_), _) => {
                let source = |bundle| {
                    let cells = fields(bundle)?;
                    Ok(cells.iter().any(|cell| !cell.is_empty()).then_some(Source::Cells { cells }))
                };
                bundles.iter().map(source).collect()
            }
            _ => {
                let endings = endings(modality);
                let alone = modalities.values().filter(|m| endings == self::endings(m)).count() == 1;
                let of_kind = |bundle: &'_ Bundle| -> Result<Option<Source>, DataError> {
                    if apart(draft) {
                        return Ok(bundle.frames(name, endings));
                    }
                    bundle.part(name, endings, alone)?.map(|place| place.source(draft)).transpose()
                };
                let film = |bundle: &'_ Bundle| -> Result<Option<Source>, DataError> {
                    bundle.part(name, films(modality), alone)?.map(|place| place.source(draft)).transpose()
                };
                let source =
                    |bundle: &Bundle| match of_kind(bundle)?.map_or_else(|| film(bundle), |s| Ok(Some(s)))? {
                        Some(source) => Ok(Some(source)),
                        None if matches!(modality, ManifestModality::Text(_)) => {
                            let cells = fields(bundle)?;
                            Ok((!cells[0].is_empty()).then_some(Source::Cells { cells }))
                        }
                        None => Ok(None),
                    };
                bundles.iter().map(source).collect()
            }
        }
    };
    drafts.iter().map(of).collect()
}
