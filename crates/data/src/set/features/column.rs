//! One modality of ready-made features: its rows, and which of them count.

use std::sync::Arc;

use counterpoint_batch::npy::{NpyArray, Values};

use super::arrays::names;
use super::numbers::Numbers;
use super::{FeaturesConfig, NanPolicy};
use crate::decode::archive::Archive;
use crate::error::DataError;
use crate::moments::Moments;
use crate::prepare::{Columns, Draft, Fit, Normalise, Preparation, Steps, TokenSteps, VectorSteps};
use crate::rows::Rows;
use crate::source::Source;

/// A modality as an array.
pub(super) struct Column {
    name: String,
    /// Steps in time at most; `None` for features without a time axis.
    length: Option<usize>,
    /// NpyArray of a step.
    width: usize,
    /// Number of token ids, if the numbers are some.
    vocabulary: Option<usize>,
    rows: Arc<Rows>,
    /// Real steps of every row, if rows differ.
    lengths: Option<Vec<usize>>,
    present: Vec<bool>,
    /// Rows with a value that is not finite, if such rows are to go.
    pub(super) spoilt: Vec<bool>,
}

impl Column {
    /// Reads one modality, finds absent rows and settles values that are not numbers.
    pub(super) fn read(
        config: &FeaturesConfig,
        archive: &mut Archive,
        name: &str,
        count: usize,
        notes: &mut Vec<String>,
    ) -> Result<Self, DataError> {
        let tokens = config.tokens.iter().any(|token| token == name);
        // Token ids are small, and the largest of them is the vocabulary.
        let numbers = Numbers::read(archive, name, config.stream && !tokens)?;
        let place = |e: DataError| e.at(format_args!("array `{name}`"));
        let (length, width) = match *numbers.shape() {
            [n, l] if n == count && l > 0 && tokens => (Some(l), 1),
            [n, d] if n == count && d > 0 && !tokens => (None, d),
            [n, l, d] if n == count && l > 0 && d > 0 && !tokens => (Some(l), d),
            ref shape => {
                let expected = if tokens {
                    format!("[{count}, length] of token ids")
                } else {
                    format!("[{count}, d] or [{count}, length, d]")
                };
                return Err(place(DataError::shape(format!(
                    "has shape {shape:?}, expected {expected} because there are {count} labels"
                ))));
            }
        };
        let array = match &numbers {
            Numbers::Array(array) => Some(array),
            Numbers::File(_) => None,
        };
        if array.is_some_and(|array| matches!(array.values, Values::Text(_))) {
            return Err(place(DataError::format("holds texts, expected numbers")));
        }
        let tokens = array.filter(|_| tokens);
        let vocabulary = tokens.map(vocabulary).transpose().map_err(place)?;
        let mut column = Self {
            name: name.to_owned(),
            length,
            width,
            vocabulary,
            lengths: None,
            rows: Arc::default(),
            present: vec![true; count],
            spoilt: vec![false; count],
        };
        let flags = format!("{name}_present");
        if archive.names().contains(&flags) {
            for (to, flag) in column.present.iter_mut().zip(names(archive, &flags, Some(count))?) {
                *to = match flag.to_ascii_lowercase().as_str() {
                    "1" | "true" => true,
                    "0" | "false" => false,
                    _ => {
                        let message = format!("array `{flags}` holds `{flag}`, expected 0, 1, true or false");
                        return Err(DataError::format(message));
                    }
                };
            }
        }
        if let Some(array) = config.lengths.get(name) {
            let given = names(archive, array, Some(count))?;
            let lengths = column.given_lengths(&given).map_err(|e| e.at(format_args!("array `{array}`")))?;
            column.set_lengths(lengths);
        } else if let (Some(length), Some(ids)) = (length, tokens) {
            // Id 0 at the end is padding.
            let id = |row: usize, at: usize| ids.get(row * length + at);
            let real =
                |row: usize| (0..length).rev().find(|&at| id(row, at) != Some(0.0)).map_or(0, |at| at + 1);
            column.set_lengths((0..count).map(real).collect());
        }
        column.settle(numbers, config.nan, notes).map_err(place)?;
        Ok(column)
    }

    /// Lengths as an array gives them.
    fn given_lengths(&self, given: &[String]) -> Result<Vec<usize>, DataError> {
        let Some(longest) = self.length else {
            return Err(DataError::config(format!(
                "`lengths` names modality `{}`, which has no steps in time; leave it out",
                self.name
            )));
        };
        let read = |(row, text): (usize, &String)| {
            let length = text.parse::<usize>().ok().filter(|length| *length <= longest);
            length.ok_or_else(|| {
                DataError::shape(format!("row {row} holds {text}, expected a length from 0 to {longest}"))
            })
        };
        given.iter().enumerate().map(read).collect()
    }

    /// A row without a step is absent.
    fn set_lengths(&mut self, lengths: Vec<usize>) {
        self.present.iter_mut().zip(&lengths).for_each(|(present, &length)| *present &= length > 0);
        self.lengths = Some(lengths);
    }

    /// NpyArray of a row that count.
    fn used(&self, row: usize) -> usize {
        let steps = self.lengths.as_ref().map_or(self.length.unwrap_or(1), |lengths| lengths[row]);
        steps * self.width
    }

    /// Marks rows of NaN only as absent and treats other values that are not numbers.
    fn settle(&mut self, numbers: Numbers, nan: NanPolicy, notes: &mut Vec<String>) -> Result<(), DataError> {
        let stride = self.stride();
        let mut columns = vec![Moments::default(); self.width];
        // What to take from each column so that 32 bits hold it; nothing from numbers of up to 32.
        let wide = self.vocabulary.is_none() && numbers.wide();
        let used: Vec<usize> = (0..self.present.len()).map(|row| self.used(row)).collect();
        numbers.each(stride, |row, values| {
            let values = &values[..used[row]];
            self.present[row] &= !values.iter().all(|value| value.is_nan());
            if wide && self.present[row] {
                let finite = values.iter().enumerate().filter(|(_, value)| value.is_finite());
                finite.for_each(|(at, &value)| columns[at % self.width].push(value));
            }
        })?;
        let origin: Vec<f64> = columns.iter().map(Rows::origin_of).collect();
        let mut bad = 0;
        numbers.each(stride, |row, values| {
            // What 32 bits cannot hold is infinite to the model.
            let finite = |(at, value): (usize, &f64)| ((value - origin[at % self.width]) as f32).is_finite();
            let found = values[..used[row]].iter().enumerate().filter(|value| !finite(*value)).count();
            if self.present[row] {
                bad += found;
                self.spoilt[row] = found > 0 && nan == NanPolicy::Drop;
            }
        })?;
        let gap = if nan == NanPolicy::Mean { f32::NAN } else { 0.0 };
        self.rows = Arc::new(numbers.rows(origin, gap));
        let name = &self.name;
        match nan {
            _ if bad == 0 => {}
            NanPolicy::Error => {
                return Err(DataError::format(format!(
                    "has {bad} values that are NaN or infinite; set `nan` to zero, mean or drop, or correct the data"
                )));
            }
            NanPolicy::Zero => {
                notes.push(format!("modality `{name}`: {bad} values NaN or infinite set to 0"));
            }
            NanPolicy::Mean => notes.push(format!(
                "modality `{name}`: {bad} values NaN or infinite set to the mean of their column"
            )),
            NanPolicy::Drop => {
                let gone = self.spoilt.iter().filter(|s| **s).count();
                notes.push(format!(
                    "modality `{name}`: {gone} samples with {bad} values NaN or infinite left out"
                ));
            }
        }
        Ok(())
    }

    /// NpyArray from one row to the next.
    fn stride(&self) -> usize {
        self.width * self.length.unwrap_or(1)
    }

    /// Where a sample's features are; `None` if it lacks them.
    pub(super) fn source(&self, row: usize) -> Option<Source> {
        let begin = row * self.stride();
        let end = begin + self.used(row);
        self.present[row].then(|| Source::TableRow { rows: Arc::clone(&self.rows), begin, end })
    }

    /// How it is prepared.
    pub(super) fn draft(&self, config: &FeaturesConfig) -> Draft {
        let rule = Columns { drop_constant: config.drop_constant, standardise: config.standardise };
        let (steps, fit) = match (self.vocabulary, self.length) {
            (Some(vocabulary), Some(length)) => {
                (Steps::Tokens(TokenSteps { length, vocabulary }), Fit::Nothing)
            }
            _ => {
                let limit = (config.limit > 0.0).then_some(config.limit);
                let mut steps = VectorSteps::plain(self.length, self.width, limit);
                steps.ragged = self.lengths.is_some();
                steps.nan = config.nan;
                let fits = rule.drop_constant || rule.standardise || config.nan == NanPolicy::Mean;
                (Steps::Vector(steps), if fits { Fit::Columns(rule) } else { Fit::Nothing })
            }
        };
        let preparation = Preparation { modality: self.name.clone(), steps, normalise: Normalise::None };
        Draft { preparation, fit }
    }
}

/// One more than the largest id.
fn vocabulary(array: &NpyArray) -> Result<usize, DataError> {
    let Values::Whole(ids) = &array.values else {
        return Err(DataError::format("holds no integers, but `tokens` says that they are token ids"));
    };
    match ids.iter().find(|id| !(0..1 << 24).contains(*id)) {
        Some(id) => {
            Err(DataError::format(format!("holds the token id {id}, expected 0 to {}", (1 << 24) - 1)))
        }
        None => Ok(ids.iter().max().map_or(1, |&id| id as usize + 1)),
    }
}
