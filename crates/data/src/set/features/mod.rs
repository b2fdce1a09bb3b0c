//! `features`: arrays that somebody else's networks made, one per modality.
//!
//! `root` is an `.npz` or `.safetensors` file or a folder of `.npy` files.
//! Arrays have the shape `[n, d]` or `[n, length, d]`, or `[n, length]` for token ids; a
//! row of NaN only, or a 0 in an array `<name>_present`, says that the sample lacks the
//! modality.

mod arrays;
mod column;
mod target;

use std::collections::BTreeMap;
use std::path::Path;

pub use crate::prepare::NanPolicy;
pub use target::TargetName;

use serde::{Deserialize, Serialize};

use self::arrays::{chosen, names};
use self::column::Column;
use self::target::Labels;
use crate::config::{CommonConfig, SplitConfig};
use crate::decode::archive::Archive;
use crate::error::{DataError, ErrorKind};
use crate::plan::Plan;
use crate::record::{Part, Record};

/// Keys of the set `features`; `modalities` is required and may use `*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeaturesConfig {
    /// Array of labels: whole numbers or texts, numbers, or `[n, k]` of 0 and 1.
    pub label: String,
    /// What labels are: `class`, `value` or `labels`; default: what they look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// Modalities whose whole numbers are token ids; 0 pads at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
    /// For modalities with steps in time the array of how many are real.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lengths: BTreeMap<String, String>,
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
            target: None,
            tokens: Vec::new(),
            lengths: BTreeMap::new(),
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

impl FeaturesConfig {
    pub(crate) const KEYS: &'static [&'static str] = &[
        "label",
        "target",
        "tokens",
        "lengths",
        "split",
        "ids",
        "group",
        "classes",
        "nan",
        "drop_constant",
        "standardise",
        "limit",
    ];

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
        let labels = Labels::read(self, &mut archive)?;
        let count = labels.len();
        let mut notes = Vec::new();
        let chosen = chosen(common.modalities.as_deref(), &archive.names())?;
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

        let parts =
            if split.is_random() { vec![Part::Train; count] } else { self.parts(&mut archive, count)? };
        let ids = match &self.ids {
            Some(array) => names(&mut archive, array, Some(count))?,
            None => (0..count).map(|row| row.to_string()).collect(),
        };
        let group = split.split_by.as_ref().or(self.group.as_ref());
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
