//! What the file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use counterpoint_batch::npy::{NpyArray, Values};

use super::Predictions;
use super::archive;
use crate::record::{RecordError, earlier};

/// What should have been predicted, for every sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// Indices of classes.
    Classes(Vec<usize>),
    /// Real numbers.
    Values(Vec<f32>),
    /// Something larger than a number, such as a map; it is not in the file.
    Elsewhere,
}

/// Numbers of every sample, row-major `[samples, width]`; NaN where a sample
/// lacks the modality they are made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Numbers of one sample.
    pub width: usize,
    /// All of them.
    pub values: Vec<f32>,
}

impl Numbers {
    /// Spreads the numbers of some samples over all: `of` says which they are.
    ///
    /// ```
    /// use counterpoint_report::predictions::Numbers;
    /// let numbers = Numbers::spread(3, &[2, 0], &[5.0, 6.0]);
    /// assert_eq!((numbers.values[0], numbers.values[2]), (6.0, 5.0));
    /// assert!(numbers.values[1].is_nan());
    /// ```
    pub fn spread(samples: usize, of: &[usize], values: &[f32]) -> Self {
        let width = values.len() / of.len().max(1);
        let mut all = vec![f32::NAN; samples * width];
        for (&sample, row) in of.iter().zip(values.chunks_exact(width.max(1))) {
            all[sample * width..(sample + 1) * width].copy_from_slice(row);
        }
        Self { width, values: all }
    }

    /// The numbers of each sample.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    fn array(&self) -> NpyArray {
        let samples = self.values.len() / self.width.max(1);
        NpyArray { shape: vec![samples, self.width], values: Values::Real(self.values.clone()) }
    }
}

/// What one checkpoint made of the samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointPredictions {
    /// Epochs the checkpoint was trained.
    pub epoch: usize,
    /// Scores (logits) by row: `fused`, or a single modality. Where these are too
    /// many, what the task keeps of a sample instead; see [`PredictionFile::columns`].
    pub scores: BTreeMap<String, Numbers>,
    /// Features by modality.
    pub features: BTreeMap<String, Numbers>,
}

/// The folder of rows, and the list of their columns, where scores are summarised.
const SUMMARY: &str = "summary";

/// In which folder of a checkpoint its rows are.
fn kind(columns: &[String]) -> &'static str {
    if columns.is_empty() { "scores" } else { SUMMARY }
}

/// A file of predictions of one run on one split.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionFile {
    /// Name of the split.
    pub split: String,
    /// Names of the samples.
    pub ids: Vec<String>,
    /// What should have been predicted.
    pub targets: Truth,
    /// Names of the classes; empty without classes.
    pub classes: Vec<String>,
    /// Names of the numbers of each row where they are a summary of the scores
    /// of very many classes; empty where they are the scores.
    pub columns: Vec<String>,
    /// By checkpoint: `best`, `last`.
    pub checkpoints: BTreeMap<String, CheckpointPredictions>,
}

impl PredictionFile {
    /// Name of the file in a run folder.
    pub const NAME: &str = "predictions.npz";

    /// Writes the file in one step: a crash leaves the old one or none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), RecordError> {
        let path = path.as_ref();
        archive::write(path, &self.arrays()).map_err(|source| RecordError::new("write", path, source))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, RecordError> {
        let path = path.as_ref();
        archive::read(path)
            .and_then(Self::from_arrays)
            .map_err(|source| RecordError::new("read", path, source))
    }

    /// Right or wrong for every sample and row, of one checkpoint; `None`
    /// without classes or without the checkpoint. A row that cannot see a
    /// sample is wrong about it.
    pub fn correct(&self, checkpoint: &str) -> Option<Predictions> {
        let Truth::Classes(classes) = &self.targets else { return None };
        let rows = &self.checkpoints.get(checkpoint)?.scores;
        let predicted = self.predicted();
        let right = |numbers: &Numbers| hits(numbers, classes, predicted).map(|hit| hit == 1.0).collect();
        Some(Predictions {
            checkpoint: checkpoint.to_owned(),
            ids: self.ids.clone(),
            correct: rows.iter().map(|(row, numbers)| (row.clone(), right(numbers))).collect(),
        })
    }

    /// Which number of a summary is the class that a sample was taken for.
    fn predicted(&self) -> Option<usize> {
        self.columns.iter().position(|name| name == "predicted")
    }

    fn arrays(&self) -> BTreeMap<String, NpyArray> {
        let mut arrays = BTreeMap::from([
            ("split".to_owned(), NpyArray::texts(&[&self.split])),
            ("ids".to_owned(), NpyArray::texts(&self.ids)),
        ]);
        match &self.targets {
            Truth::Classes(classes) => {
                let values = Values::Whole(classes.iter().map(|&c| c as i64).collect());
                arrays.insert("targets".into(), NpyArray { shape: vec![classes.len()], values });
                arrays.insert("classes".into(), NpyArray::texts(&self.classes));
            }
            Truth::Values(values) => {
                let array = NpyArray { shape: vec![values.len()], values: Values::Real(values.clone()) };
                arrays.insert("targets".into(), array);
            }
            Truth::Elsewhere => {}
        }
        let scores = kind(&self.columns);
        if !self.columns.is_empty() {
            arrays.insert(scores.into(), NpyArray::texts(&self.columns));
        }
        for (name, checkpoint) in &self.checkpoints {
            let epoch = Values::Whole(vec![checkpoint.epoch as i64]);
            arrays.insert(format!("{name}/epoch"), NpyArray { shape: vec![1], values: epoch });
            for (row, numbers) in &checkpoint.scores {
                arrays.insert(format!("{name}/{scores}/{row}"), numbers.array());
                if let Truth::Classes(classes) = &self.targets {
                    let hits: Vec<f32> = hits(numbers, classes, self.predicted()).collect();
                    let array = NpyArray { shape: vec![hits.len()], values: Values::Real(hits) };
                    arrays.insert(format!("{name}/correct/{row}"), array);
                }
            }
            for (modality, numbers) in &checkpoint.features {
                arrays.insert(format!("{name}/features/{modality}"), numbers.array());
            }
        }
        arrays
    }

    fn from_arrays(mut arrays: BTreeMap<String, NpyArray>) -> io::Result<Self> {
        let wrong = |what: &str| {
            let message = format!("{what}, so this is not a file of predictions; write it again");
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        let mut texts = |name: &str| match arrays.remove(name) {
            Some(NpyArray { values: Values::Text(texts), .. }) => Some(texts),
            _ => None,
        };
        let ids = texts("ids").ok_or_else(|| wrong("there is no list `ids`"))?;
        let split = texts("split").and_then(|mut list| list.pop()).unwrap_or_default();
        let classes = texts("classes").unwrap_or_default();
        let columns = texts(SUMMARY).unwrap_or_default();
        let targets = match arrays.remove("targets").map(|array| array.values) {
            None => Truth::Elsewhere,
            Some(Values::Real(values)) => Truth::Values(values),
            Some(Values::Whole(whole)) => {
                let class = |&c: &i64| usize::try_from(c).ok();
                let all = whole.iter().map(class).collect::<Option<_>>();
                Truth::Classes(all.ok_or_else(|| wrong("a target is below 0"))?)
            }
            Some(Values::Double(_) | Values::Text(_)) => {
                return Err(wrong("`targets` are neither whole numbers nor 32-bit ones"));
            }
        };
        let names: BTreeSet<String> =
            arrays.keys().filter_map(|key| key.split_once('/').map(|(name, _)| name.to_owned())).collect();
        let mut checkpoints = BTreeMap::new();
        for name in names {
            let epoch = match arrays.get(&format!("{name}/epoch")).map(|array| &array.values) {
                Some(Values::Whole(epoch)) => epoch.first().map_or(0, |&e| e.max(0) as usize),
                _ => return Err(wrong(&format!("`{name}/epoch` is missing"))),
            };
            let all = |what: &str| -> io::Result<BTreeMap<String, Numbers>> {
                let prefix = format!("{name}/{what}/");
                let of = arrays.iter().filter_map(|(key, array)| Some((key.strip_prefix(&prefix)?, array)));
                of.map(|(row, array)| match (array.shape.as_slice(), &array.values) {
                    (&[samples, width], Values::Real(values)) if samples == ids.len() => {
                        Ok((earlier::row(row).to_owned(), Numbers { width, values: values.clone() }))
                    }
                    _ => Err(wrong(&format!("`{prefix}{row}` does not fit {} samples", ids.len()))),
                })
                .collect()
            };
            let (scores, features) = (all(kind(&columns))?, all("features")?);
            if scores.values().any(|numbers| !columns.is_empty() && numbers.width != columns.len()) {
                return Err(wrong(&format!(
                    "`{name}/{SUMMARY}` has not the {} named columns",
                    columns.len()
                )));
            }
            checkpoints.insert(name, CheckpointPredictions { epoch, scores, features });
        }
        let count = match &targets {
            Truth::Classes(all) => all.len(),
            Truth::Values(all) => all.len(),
            Truth::Elsewhere => ids.len(),
        };
        if count != ids.len() {
            return Err(wrong(&format!("there are {count} targets for {} samples", ids.len())));
        }
        Ok(Self { split, ids, targets, classes, columns, checkpoints })
    }
}

/// 1 where the largest score (the first of equals), or the one that a summary names, is
/// the target's, else 0; NaN where there are no scores.
fn hits<'a>(
    numbers: &'a Numbers,
    classes: &'a [usize],
    predicted: Option<usize>,
) -> impl Iterator<Item = f32> + 'a {
    numbers.rows().zip(classes).map(move |(row, &class)| {
        if row.iter().all(|v| v.is_nan()) {
            return f32::NAN;
        }
        let largest = || (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        let best = predicted.map_or_else(largest, |predicted| row[predicted] as usize);
        f32::from(u8::from(best == class))
    })
}
