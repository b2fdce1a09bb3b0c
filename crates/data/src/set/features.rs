//! `features`: arrays that somebody else's networks made, one per modality.
//!
//! `root` is an `.npz` or `.safetensors` file or a folder of `.npy` files.
//! Arrays have the shape `[n, d]` or `[n, length, d]`; a row of NaN only, or a 0 in an
//! array `<name>_present`, says that the sample lacks the modality.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::labels::Classes;
use crate::config::{CommonConfig, Draft, Fit, SplitConfig};
use crate::decode::archive::Archive;
use crate::error::{DataError, ErrorKind};
use crate::plan::{Part, Plan, Record};
use crate::prepare::{Columns, Normalise, Preparation, Steps, VectorSteps};
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// What happens to values that are NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NanPolicy {
    /// Refuse the data.
    #[default]
    Error,
    /// Replace them by 0 before standardisation, and note how many.
    Zero,
    /// Leave out samples with one, and note how many.
    Drop,
}

/// Keys of the set `features`; `modalities` is required and may use `*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeaturesConfig {
    /// Array of labels: whole numbers or texts, one per sample.
    pub label: String,
    /// Array of parts: 0, 1, 2 or train, val, test.
    pub split: String,
    /// Array of sample names; default: row numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
    /// Array of groups, to be reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The classes in order; default: the labels that occur, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Values that are no numbers.
    pub nan: NanPolicy,
    /// Leave out columns that are constant over the training rows.
    pub drop_constant: bool,
    /// Shift and scale each column by the training rows.
    pub standardise: bool,
    /// Limit of the absolute value afterwards; 0 = none.
    pub limit: f32,
}

impl Default for FeaturesConfig {
    fn default() -> Self {
        Self {
            label: "label".into(),
            split: "split".into(),
            ids: None,
            group: None,
            classes: None,
            nan: NanPolicy::Error,
            drop_constant: true,
            standardise: true,
            limit: 5.0,
        }
    }
}

/// One modality as an array, with the rows that count.
struct Feature {
    name: String,
    length: Option<usize>,
    width: usize,
    rows: Arc<[f32]>,
    present: Vec<bool>,
    /// Rows with a value that is not finite, if such rows are to go.
    spoilt: Vec<bool>,
}

impl FeaturesConfig {
    pub(crate) const KEYS: &'static [&'static str] =
        &["label", "split", "ids", "group", "classes", "nan", "drop_constant", "standardise", "limit"];

    pub(crate) fn plan(
        &self,
        common: &CommonConfig,
        split: &SplitConfig,
        base: &Path,
    ) -> Result<Plan, DataError> {
        if !(self.limit >= 0.0 && self.limit.is_finite()) {
            return Err(DataError::config(format!("`limit` must be 0 or more, got {}", self.limit)));
        }
        let root = super::root(common, base, "an .npz or .safetensors file or a folder of .npy files")?;
        let mut archive = Archive::open(&root)?;
        let labels = names(&mut archive, &self.label, None)?;
        let count = labels.len();
        let mut notes = Vec::new();
        let chosen = chosen(common.modalities.as_deref(), &archive.names())?;
        let features: Vec<Feature> = chosen
            .iter()
            .map(|name| self.feature(&mut archive, name, count, &mut notes))
            .collect::<Result<_, _>>()?;

        let parts =
            if split.is_random() { vec![Part::Train; count] } else { self.parts(&mut archive, count)? };
        let ids = match &self.ids {
            Some(array) => names(&mut archive, array, Some(count))?,
            None => (0..count).map(|row| row.to_string()).collect(),
        };
        let group = split.split_by.as_ref().or(self.group.as_ref());
        let groups = group.map(|array| names(&mut archive, array, Some(count))).transpose()?;
        let classes = Classes::new(self.classes.as_deref(), labels.iter().map(String::as_str))?;

        let mut records = Vec::new();
        for row in (0..count).filter(|&row| !features.iter().any(|f| f.spoilt[row])) {
            let source = |f: &Feature| {
                let width = f.width * f.length.unwrap_or(1);
                f.present[row].then(|| Source::Row { rows: Arc::clone(&f.rows), width, index: row })
            };
            records.push(Record {
                id: ids[row].clone(),
                group: groups.as_ref().map(|groups| groups[row].clone()),
                part: parts[row],
                truth: Truth::Class(classes.of(&labels[row], &ids[row])?),
                sources: features.iter().map(source).collect(),
            });
        }
        let drafts = features.iter().map(|feature| self.draft(feature)).collect();
        Ok(Plan { classes: classes.names, labelling: Labelling::Classes, drafts, records, notes })
    }

    fn draft(&self, feature: &Feature) -> Draft {
        let limit = (self.limit > 0.0).then_some(self.limit);
        let steps = VectorSteps::plain(feature.length, feature.width, limit);
        let rule = Columns { drop_constant: self.drop_constant, standardise: self.standardise };
        let fit = if rule.drop_constant || rule.standardise { Fit::Columns(rule) } else { Fit::Nothing };
        let steps = Steps::Vector(steps);
        let preparation = Preparation { modality: feature.name.clone(), steps, normalise: Normalise::None };
        Draft { preparation, fit }
    }

    /// Reads one modality, finds absent rows and settles values that are no numbers.
    fn feature(
        &self,
        archive: &mut Archive,
        name: &str,
        count: usize,
        notes: &mut Vec<String>,
    ) -> Result<Feature, DataError> {
        let array = archive.get(name)?;
        let place = |e: DataError| e.at(format_args!("array `{name}`"));
        let (length, width) = match array.shape[..] {
            [n, d] if n == count && d > 0 => (None, d),
            [n, l, d] if n == count && l > 0 && d > 0 => (Some(l), d),
            ref shape => {
                return Err(place(DataError::shape(format!(
                    "has shape {shape:?}, expected [{count}, d] or [{count}, length, d] because there are {count} labels"
                ))));
            }
        };
        let Some(mut rows) = array.real() else {
            return Err(place(DataError::format("holds texts, expected numbers")));
        };
        let mut present = vec![true; count];
        let flags = format!("{name}_present");
        if archive.names().contains(&flags) {
            for (to, flag) in present.iter_mut().zip(names(archive, &flags, Some(count))?) {
                *to = flag != "0";
            }
        }
        let mut spoilt = vec![false; count];
        let mut bad = 0;
        for (row, values) in rows.chunks_exact_mut(width * length.unwrap_or(1)).enumerate() {
            if !present[row] || values.iter().all(|v| v.is_nan()) {
                present[row] = false;
                values.fill(0.0);
                continue;
            }
            let found = values.iter().filter(|v| !v.is_finite()).count();
            bad += found;
            spoilt[row] = found > 0 && self.nan == NanPolicy::Drop;
            values.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = 0.0);
        }
        let absent = present.iter().filter(|p| !**p).count();
        if absent > 0 {
            notes.push(format!("modality `{name}`: absent from {absent} of {count} samples"));
        }
        match self.nan {
            _ if bad == 0 => {}
            NanPolicy::Error => {
                return Err(place(DataError::format(format!(
                    "has {bad} values that are NaN or infinite; set `nan` to zero or drop, or mend the data"
                ))));
            }
            NanPolicy::Zero => {
                notes.push(format!("modality `{name}`: {bad} values NaN or infinite set to 0"))
            }
            NanPolicy::Drop => {
                let gone = spoilt.iter().filter(|s| **s).count();
                notes.push(format!(
                    "modality `{name}`: {gone} samples with {bad} values NaN or infinite left out"
                ));
            }
        }
        Ok(Feature { name: name.to_owned(), length, width, rows: rows.into(), present, spoilt })
    }

    /// The part of each row, as given.
    fn parts(&self, archive: &mut Archive, count: usize) -> Result<Vec<Part>, DataError> {
        let part = |text: &String| {
            let part = match text.as_str() {
                "0" => Some(Part::Train),
                "1" => Some(Part::Val),
                "2" => Some(Part::Test),
                name => Part::from_name(name),
            };
            part.ok_or_else(|| {
                DataError::new(
                    ErrorKind::Split,
                    format!("array `{}` holds `{text}`, expected 0, 1, 2 or train, val, test", self.split),
                )
            })
        };
        names(archive, &self.split, Some(count))?.iter().map(part).collect()
    }
}

/// An array of one name per sample.
fn names(archive: &mut Archive, array: &str, count: Option<usize>) -> Result<Vec<String>, DataError> {
    let found = archive.get(array)?;
    let place = |e: DataError| e.at(format_args!("array `{array}`"));
    let [length] = found.shape[..] else {
        return Err(place(DataError::shape(format!("has shape {:?}, expected one axis", found.shape))));
    };
    if count.is_some_and(|count| count != length) {
        let count = count.unwrap_or_default();
        return Err(place(DataError::shape(format!("has {length} entries, but there are {count} labels"))));
    }
    found.names().ok_or_else(|| place(DataError::format("holds fractions, expected whole numbers or texts")))
}

/// The arrays that the patterns name, in the order of the patterns.
fn chosen(patterns: Option<&[String]>, available: &[String]) -> Result<Vec<String>, DataError> {
    let Some(patterns) = patterns else {
        return Err(DataError::config(format!(
            "`modalities` is missing: name the arrays of features, with * for any letters; there are: {}",
            available.join(", ")
        )));
    };
    let mut chosen: Vec<String> = Vec::new();
    for pattern in patterns {
        let before = chosen.len();
        for name in available.iter().filter(|name| matches(pattern, name)) {
            let flag = name.ends_with("_present") && name != pattern;
            if !flag && !chosen.contains(name) {
                chosen.push(name.clone());
            }
        }
        if chosen.len() == before {
            return Err(DataError::config(format!(
                "`modalities` names `{pattern}`, which adds no array; there are: {}",
                available.join(", ")
            )));
        }
    }
    Ok(chosen)
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| matches(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert!(matches("text*", "text") && matches("text*", "text_lsa") && matches("*", ""));
        assert!(
            matches("*_l*a", "text_lsa") && !matches("*_l*b", "text_lsa") && !matches("text", "text_lsa")
        );
    }
}
