//! The preparation of one modality: everything between a file and the model.

use std::path::Path;
use std::sync::Arc;

use counterpoint_batch::npy::{self, NpyArray};
use counterpoint_batch::random::RngKey;
use counterpoint_batch::{Array, ModalitySpec};
use serde::{Deserialize, Serialize};

use super::{AugmentKeys, Normalise, Raw, Steps, VectorSteps, VideoSteps};
use crate::augment::Jitter;
use crate::decode::archive::Archive;
use crate::decode::table::{Table, number_or_gap};
use crate::error::{DataError, read};
use crate::source::Source;

/// What turns a raw file into the model's input for one modality.
///
/// It holds everything that was configured or fitted, so a run folder that
/// keeps it (it is a plain serde value) can prepare new files without the
/// data set.
///
/// ```
/// # fn show(json: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use counterpoint_data::Preparation;
///
/// let saved: Preparation = serde_json::from_str(json)?;
/// let array = saved.prepare_file("question.wav".as_ref())?;
/// assert_eq!(array.shape(), saved.spec().shape);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Name of the modality.
    pub modality: String,
    /// From the decoded file to an array.
    pub steps: Steps,
    /// Applied to that array.
    pub normalise: Normalise,
}

impl Preparation {
    /// Name and shape of the result.
    pub fn spec(&self) -> ModalitySpec {
        let shape = match &self.steps {
            Steps::Audio(steps) => steps.shape(),
            Steps::Image(steps) => vec![steps.channels, steps.size[0], steps.size[1]],
            Steps::Scene(steps) => vec![steps.channels(), steps.size[0], steps.size[1]],
            Steps::Video(VideoSteps { frame, frames, .. }) => {
                vec![frame.channels, *frames, frame.size[0], frame.size[1]]
            }
            Steps::Vector(steps) => steps.shape(),
            Steps::Tokens(steps) => vec![steps.length],
            Steps::Text(steps) => vec![steps.length],
            Steps::Category(steps) => vec![steps.columns.len()],
        };
        let spec = ModalitySpec::new(&self.modality, shape);
        match &self.steps {
            Steps::Tokens(steps) => spec.with_vocabulary(steps.vocabulary).with_lengths(),
            Steps::Text(steps) => spec.with_vocabulary(steps.vocabulary()).with_lengths(),
            Steps::Category(steps) => spec.with_vocabulary(steps.vocabulary()),
            Steps::Vector(steps) if steps.ragged => spec.with_lengths(),
            _ => spec,
        }
    }

    /// `audio`, `image`, `scene`, `video`, `vector`, `tokens`, `text` or `category`.
    pub fn kind(&self) -> &'static str {
        match &self.steps {
            Steps::Audio(_) => "audio",
            Steps::Image(_) => "image",
            Steps::Scene(_) => "scene",
            Steps::Video(_) => "video",
            Steps::Vector(_) => "vector",
            Steps::Tokens(_) => "tokens",
            Steps::Text(_) => "text",
            Steps::Category(_) => "category",
        }
    }

    /// As [`Self::prepare_file`]; `None` for features that are NaN throughout,
    /// which a data set takes as absent.
    ///
    /// # Errors
    /// As of [`Self::prepare_file`].
    pub fn prepare_present(&self, path: &Path) -> Result<Option<Array>, DataError> {
        let place = |e: DataError| e.at(format_args!("modality `{}`", self.modality));
        self.check().map_err(place)?;
        let path_of = || path.to_owned();
        let source = match &self.steps {
            Steps::Audio(_) => Source::Wave { path: path_of(), span: None },
            Steps::Image(_) => Source::Picture { path: path_of() },
            Steps::Scene(steps) => steps.source(path_of()),
            Steps::Video(steps) => {
                Source::Film { path: path_of(), frame_width: steps.frame_width, span: None }
            }
            Steps::Text(_) => Source::Document { path: path_of() },
            Steps::Category(steps) => {
                let names: Vec<&str> = steps.columns.iter().map(|column| column.name.as_str()).collect();
                let cells: Arc<[String]> = row_of(path, &names).map_err(place)?.into();
                if cells.iter().all(String::is_empty) {
                    return Ok(None);
                }
                return self.finished(&Raw::Cells(cells), path).map(Some).map_err(place);
            }
            Steps::Vector(_) | Steps::Tokens(_) => {
                let Some(values) = self.features(path).map_err(|e| place(at(path, e)))? else {
                    return Ok(None);
                };
                return self.finished(&Raw::Vector(values), path).map(Some).map_err(place);
            }
        };
        let extract = source.extract(self.steps.want()).map_err(place)?;
        let raw = self.steps.load(&source, extract).map_err(place)?;
        self.finished(&raw, path).map(Some).map_err(place)
    }

    /// The array of a file that is read.
    fn finished(&self, raw: &Raw, path: &Path) -> Result<Array, DataError> {
        let mut array = self.arrange(raw, None).map_err(|e| at(path, e))?;
        self.finish(&mut array, None);
        Ok(array)
    }

    /// Prepares a file as samples of an evaluation split are: nothing random.
    ///
    /// Features are one array: a `.npy` file, or an `.npz` or safetensors file
    /// that names it as the modality or holds nothing else. Values that are no
    /// numbers are treated as in training.
    ///
    /// A data set that knows where in a file the word is (`grid`) shows that
    /// part in training; here the whole file counts as the word.
    ///
    /// # Errors
    /// If the file is absent, cannot be decoded or is too short, or if this
    /// preparation was changed by hand and its sizes do not fit each other.
    pub fn prepare_file(&self, path: &Path) -> Result<Array, DataError> {
        let nothing = || {
            let message = "every value is NaN, which stands for an absent modality";
            at(path, DataError::format(message)).at(format_args!("modality `{}`", self.modality))
        };
        self.prepare_present(path)?.ok_or_else(nothing)
    }

    /// The numbers of an array that somebody gives, held to the axes and the
    /// policy of training; `None` if all are NaN.
    fn features(&self, path: &Path) -> Result<Option<Vec<f64>>, DataError> {
        if let Steps::Vector(VectorSteps { names, nan, .. }) = &self.steps
            && !names.is_empty()
            && !has_ending(path, &["npy", "npz", "safetensors"])
        {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut values = row_of(path, &names)?
                .iter()
                .zip(&names)
                .map(|(cell, name)| number_or_gap(cell).map_err(|e| e.at(format_args!("column `{name}`"))))
                .collect::<Result<Vec<_>, _>>()?;
            if values.iter().all(|value| value.is_nan()) {
                return Ok(None);
            }
            nan.apply(&mut values)?;
            return Ok(Some(values));
        }
        let array = self.array(path)?;
        match &self.steps {
            Steps::Vector(steps) => steps.admit(&array.shape)?,
            Steps::Tokens(steps) => steps.admit(&array.shape)?,
            _ => return Err(DataError::format(format!("expected {}, got an array", self.kind()))),
        }
        let mut values = array.doubles().ok_or_else(|| DataError::format("holds texts, expected numbers"))?;
        if values.iter().all(|value| value.is_nan()) {
            return Ok(None);
        }
        if let Steps::Vector(steps) = &self.steps {
            steps.nan.apply(&mut values)?;
        }
        Ok(Some(values))
    }

    /// The array of a file: the only one, or the one with the modality's name.
    fn array(&self, path: &Path) -> Result<NpyArray, DataError> {
        if !has_ending(path, &["npz", "safetensors"]) {
            return Ok(npy::decode(&read(path)?)?);
        }
        let mut archive = Archive::open(path)?;
        let names = archive.names();
        match names.as_slice() {
            [only] => archive.get(only),
            _ => archive.get(&self.modality),
        }
    }

    /// Refuses sizes that do not fit each other.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        match &self.steps {
            Steps::Audio(steps) => steps.check()?,
            Steps::Image(steps) => steps.check()?,
            Steps::Scene(steps) => steps.check()?,
            Steps::Video(steps) => steps.check()?,
            Steps::Vector(steps) => steps.check()?,
            Steps::Tokens(steps) => steps.check()?,
            Steps::Text(steps) => steps.check()?,
            Steps::Category(steps) => steps.check()?,
        }
        let shape = self.spec().shape;
        if !self.normalise.fits(shape[0]) {
            return Err(DataError::config(format!(
                "the normalisation does not fit {} channels; ImageNet's needs `channels` = 3",
                shape[0]
            )));
        }
        Ok(())
    }

    /// Whether a draw changes the result.
    pub(crate) fn random(&self) -> bool {
        match &self.steps {
            Steps::Audio(steps) => steps.random(),
            Steps::Image(_) | Steps::Scene(_) | Steps::Video(_) => true,
            Steps::Vector(_) | Steps::Tokens(_) | Steps::Text(_) | Steps::Category(_) => false,
        }
    }

    /// Changes of colours with the channels and frames of the array.
    fn jitter(&self) -> Option<(Jitter, usize, usize)> {
        let (jitter, channels, frames) = match &self.steps {
            Steps::Image(steps) => (steps.jitter, steps.channels, 1),
            Steps::Scene(steps) => (steps.jitter, steps.channels(), 1),
            Steps::Video(steps) => (steps.frame.jitter, steps.frame.channels, steps.frames),
            Steps::Audio(_) | Steps::Vector(_) | Steps::Tokens(_) | Steps::Text(_) | Steps::Category(_) => {
                return None;
            }
        };
        (!jitter.is_none()).then_some((jitter, channels, frames))
    }

    /// Whether random changes were asked for that no data set makes by itself.
    pub(crate) fn asks_for_chance(&self) -> bool {
        let sound = matches!(&self.steps, Steps::Audio(steps) if !steps.augment.is_none());
        sound || self.jitter().is_some()
    }

    /// Whether training with `augment` shows changing forms of one sample.
    pub fn augments(&self) -> bool {
        self.random() || self.asks_for_chance()
    }

    /// The model's input from an arranged array: normalised, and in training with what is hidden of it.
    pub(crate) fn finish(&self, array: &mut Array, draw: Option<RngKey>) {
        self.normalise.apply(array.values_mut());
        if let (Some(draw), Steps::Audio(steps)) = (draw, &self.steps) {
            let fill = self.normalise.centre(array.values());
            steps.augment.mask(array.values_mut(), steps.front.size(), fill, draw);
        }
    }

    /// The array before normalisation.
    pub(crate) fn arrange(&self, raw: &Raw, chance: Option<AugmentKeys>) -> Result<Array, DataError> {
        let draw = chance.map(|chance| chance.own);
        let mut values = match (&self.steps, raw) {
            (Steps::Audio(steps), Raw::Wave { clip, span }) => steps.arrange(clip, *span, draw)?,
            (Steps::Image(steps), Raw::Picture(picture)) => steps.arrange(picture, draw)?,
            (Steps::Scene(steps), Raw::Picture(picture)) => steps.colour(picture, chance),
            (Steps::Scene(steps), Raw::Levels(levels)) => steps.numbers(levels, chance),
            (Steps::Video(steps), Raw::Film { frames, span }) => steps.arrange(frames, *span, draw)?,
            (Steps::Vector(steps), Raw::Vector(row)) => steps.arrange(row)?,
            (Steps::Tokens(steps), Raw::Vector(row)) => steps.arrange(row)?,
            (Steps::Text(steps), Raw::Cells(cells)) => steps.arrange(&cells.concat())?,
            (Steps::Category(steps), Raw::Cells(cells)) => steps.arrange(cells)?,
            (_, raw) => {
                return Err(DataError::format(format!("expected {}, got {}", self.kind(), raw.kind())));
            }
        };
        if let (Some(draw), Some((jitter, channels, frames))) = (draw, self.jitter()) {
            jitter.change(&mut values, channels, frames, draw);
        }
        let ModalitySpec { mut shape, ragged, .. } = self.spec();
        if ragged {
            shape[0] = values.len() / shape[1..].iter().product::<usize>().max(1);
        }
        Array::new(shape, values).map_err(|cause| {
            DataError::shape("the prepared array does not have the announced shape").because(cause)
        })
    }
}

/// Names the file of an error.
fn at(path: &Path, error: DataError) -> DataError {
    error.at(format_args!("`{}`", path.display()))
}

/// Whether the name of a file has one of the endings.
fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| endings.contains(&e.to_ascii_lowercase().as_str()))
}

/// The cells of the only line of a list.
fn row_of(path: &Path, names: &[&str]) -> Result<Vec<String>, DataError> {
    let table = Table::read(path)?;
    let columns = names.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = table.rows();
    match (rows.next(), rows.count()) {
        (Some(row), 0) => Ok(columns.iter().map(|&column| row.text(column).to_owned()).collect()),
        (_, more) => Err(at(
            path,
            DataError::format(format!("has {} lines, expected one below the header: one sample", more + 1)),
        )),
    }
}
