//! `features`: arrays that somebody else's networks made, one per modality.
//!
//! `root` is an `.npz` or `.safetensors` file or a folder of `.npy` files.
//! Arrays have the shape `[n, d]` or `[n, length, d]`, or `[n, length]` for token ids; a
//! row of NaN only, or a 0 in an array `<name>_present`, says that the sample lacks the
//! modality.

mod arrays;
mod column;
mod numbers;
mod target;

use std::collections::BTreeMap;

pub use crate::prepare::NanPolicy;

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::arrays::{chosen, names};
use self::column::Column;
use self::target::Labels;
use super::labels::TargetName;
use super::{DataSet, Request};
use crate::decode::archive::Archive;
use crate::error::{DataError, ErrorKind};
use crate::plan::Plan;
use crate::record::{Part, Record};

/// Settings of the data set `features`; `modalities` is required and may use `*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeaturesConfig {
    /// Name of the array of labels: whole numbers or texts, numbers, or `[n, k]` of 0 and 1.
    pub label: String,
    /// What labels are: `class`, `value` or `labels`; by default what they look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// Names of modalities whose whole numbers are token ids; ids of 0 at the end are padding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
    /// For modalities with steps in time: the name of the array that says how many steps of each
    /// sample are real.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lengths: BTreeMap<String, String>,
    /// Whether numbers stay in their `.npy` files and are read sample by sample, for arrays that are
    /// larger than the memory. Token ids, labels and lengths are held in memory.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// Name of the array of parts: 0, 1, 2 or train, val, test.
    pub split: String,
    /// Name of the array of sample names; by default samples are called by their row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
    /// Name of the array of groups, such as speakers, which are checked for leaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The classes in order; by default the labels that occur, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// What happens to values that are NaN or infinite.
    pub nan: NanPolicy,
    /// Whether columns that are constant over the training rows are left out.
    pub drop_constant: bool,
    /// Whether each column is shifted and scaled to mean 0 and deviation 1 over the training rows.
    pub standardise: bool,
    /// Largest absolute value after that, above which values are cut; 0 cuts none.
    #[schemars(range(min = 0.0))]
    pub limit: f32,
}

impl Default for FeaturesConfig {
    fn default() -> Self {
        Self {
            label: "label".into(),
            target: None,
            tokens: Vec::new(),
            lengths: BTreeMap::new(),
            stream: false,
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

impl Settings for FeaturesConfig {
    const NAME: &'static str = "features";
    const SUMMARY: &'static str = "ready-made features in .npz, .npy or .safetensors";
}

impl DataSet for FeaturesConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        if !(self.limit >= 0.0 && self.limit.is_finite()) {
            return Err(DataError::config(format!("`limit` must be 0 or more, got {}", self.limit)));
        }
        let root = request.root("an .npz or .safetensors file or a folder of .npy files")?;
        let mut archive = Archive::open(&root)?;
        let labels = Labels::read(self, &mut archive)?;
        let count = labels.len();
        let mut notes = Vec::new();
        let chosen = chosen(request.common.modalities.as_deref(), &archive.names())?;
        let missing = self.named().find(|(_, name)| !archive.names().contains(name));
        if let Some((key, name)) = missing {
            return Err(DataError::config(format!(
                "`{key}` names `{name}`; there are: {}",
                archive.names().join(", ")
            )));
        }
        let columns: Vec<Column> = chosen
            .iter()
            .map(|name| Column::read(self, &mut archive, name, count, &mut notes))
            .collect::<Result<_, _>>()?;

        let parts = if request.split.is_random() {
            vec![Part::Train; count]
        } else {
            self.parts(&mut archive, count)?
        };
        let ids = match &self.ids {
            Some(array) => names(&mut archive, array, Some(count))?,
            None => (0..count).map(|row| row.to_string()).collect(),
        };
        let group = request.split.split_by.as_ref().or(self.group.as_ref());
        let groups = group.map(|array| names(&mut archive, array, Some(count))).transpose()?;
        let (classes, labelling, truths) = labels.truths(self.classes.as_deref(), &ids)?;

        let mut records = Vec::new();
        for (row, truth) in truths.into_iter().enumerate() {
            if columns.iter().any(|column| column.spoilt[row]) {
                continue;
            }
            records.push(Record {
                id: ids[row].clone(),
                group: groups.as_ref().map(|groups| groups[row].clone()),
                part: parts[row],
                truth,
                sources: columns.iter().map(|column| column.source(row)).collect(),
            });
        }
        let drafts = columns.iter().map(|column| column.draft(self)).collect();
        Ok(Plan { classes, labelling, drafts, records, notes })
    }
}

impl FeaturesConfig {
    /// The arrays that `tokens` and `lengths` name, with the key.
    fn named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let lengths = self.lengths.iter().flat_map(|(modality, array)| [modality, array]);
        self.tokens.iter().map(|name| ("tokens", name)).chain(lengths.map(|name| ("lengths", name)))
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
