//! `shards`: tar archives in which files with the same name before the first dot are one sample, as
//! WebDataset writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::{self, Bundle, Place};
use super::labels::{Label, Labelled, TargetName};
use super::modality::ManifestModality;
use super::{DataSet, Request};
use crate::decode::shard::{expand, members};
use crate::error::{DataError, ErrorKind};
use crate::folder::list;
use crate::plan::Plan;
use crate::record::{Part, Record};

/// Settings of the data set `shards`; `root` is a folder of tar archives, one of them, or a pattern
/// such as `train-{000..127}.tar`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShardsConfig {
    /// What a label is: `class` (the default), `value` for a number, or `labels` for any number of
    /// labels with `;` between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// The classes or labels in order; by default those that occur, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// For each modality a table `[data.modality.NAME]` with its `kind` and the keys of that kind. It
    /// takes `KEY.NAME.png`, or `KEY.png` where no other modality is of its kind; numbers and
    /// categories are fields of `KEY.json`.
    pub modality: BTreeMap<String, ManifestModality>,
}

impl Settings for ShardsConfig {
    const NAME: &'static str = "shards";
    const SUMMARY: &'static str = "your own files in tar archives (WebDataset)";
}

impl DataSet for ShardsConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let names: Vec<&str> = self.modality.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Err(DataError::config("no modality: add a table [data.modality.NAME] with a `kind`"));
        }
        let names = request.modalities(&names)?;
        let drafts = bundle::drafts(&self.modality, &names, request.base)?;
        let root = request.root("a folder of tar archives, or a pattern such as train-{000..127}.tar")?;
        let (mut bundles, mut shards) = (Vec::new(), Vec::new());
        for (number, shard) in archives(&root)?.into_iter().enumerate() {
            for (key, mut bundle) in in_shard(&shard)? {
                bundle.read_fields()?;
                bundles.push(bundle);
                shards.push((number, shard.clone(), key));
            }
        }
        let mut notes = Vec::new();
        let sources = bundle::sources(&self.modality, &drafts, &bundles, &mut notes)?;
        let mut sources: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
        let mut ids = Vec::new();
        for (bundle, (_, shard, key)) in bundles.iter().zip(&shards) {
            let own = bundle.cell("id")?;
            let stem = shard.file_stem().unwrap_or_default().to_string_lossy();
            ids.push(if own.is_empty() { format!("{stem}/{key}") } else { own });
        }
        let labels =
            bundles.iter().zip(&ids).map(|(bundle, id)| label(bundle, id)).collect::<Result<Vec<_>, _>>()?;
        let Labelled { classes, labelling, truths } =
            Labelled::read(self.target, self.classes.as_deref(), &labels)?;
        let mut records = Vec::new();
        for ((bundle, (_, shard, _)), (id, truth)) in
            bundles.iter().zip(&shards).zip(ids.into_iter().zip(truths))
        {
            let group = bundle.cell(request.split.split_by.as_deref().unwrap_or("group"))?;
            let part = if request.split.is_random() { Part::Train } else { part(bundle, shard)? };
            records.push(Record {
                id,
                group: (!group.is_empty()).then_some(group),
                part,
                truth,
                sources: sources.iter_mut().map(|of| of.next().flatten()).collect(),
            });
        }
        Ok(Plan { classes, labelling, drafts, records, notes })
    }
}

/// The archives that `root` means, in their order.
fn archives(root: &Path) -> Result<Vec<PathBuf>, DataError> {
    let found = if root.is_dir() {
        list(root, &["tar"])?.files
    } else {
        match root.to_str() {
            Some(pattern) if !root.exists() => expand(pattern)?.into_iter().map(PathBuf::from).collect(),
            _ => vec![root.to_owned()],
        }
    };
    match found.is_empty() {
        true => Err(DataError::missing(format!("the folder `{}` holds no .tar archive", root.display()))),
        false => Ok(found),
    }
}

/// The samples of an archive, in the order of their first files.
fn in_shard(shard: &Path) -> Result<Vec<(String, Bundle)>, DataError> {
    let mut bundles: Vec<(String, Bundle)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for member in members(shard)? {
        let (folder, file) = member.name.rsplit_once('/').map_or(("", member.name.as_str()), |(f, n)| (f, n));
        // Names of hidden files begin with a dot.
        let Some((stem, ending)) = file.split_once('.').filter(|(stem, _)| !stem.is_empty()) else {
            continue;
        };
        let key = if folder.is_empty() { stem.to_owned() } else { format!("{folder}/{stem}") };
        let (tag, ending) = ending.rsplit_once('.').unwrap_or(("", ending));
        let at = *places.entry(key.clone()).or_insert_with(|| {
            let place = format!("sample `{key}` of `{}`", shard.display());
            bundles.push((key, Bundle { place, ..Bundle::default() }));
            bundles.len() - 1
        });
        let (tag, ending) = (tag.to_owned(), ending.to_ascii_lowercase());
        bundles[at].1.parts.push(bundle::Part { tag, ending, place: Place::Member(member) });
    }
    Ok(bundles)
}

/// The label of a sample: the field `label`, or what `KEY.cls` or `KEY.cls.txt` holds.
fn label(bundle: &Bundle, id: &str) -> Result<Label, DataError> {
    let mut text = bundle.cell("label")?;
    let class = |part: &&bundle::Part| part.ending == "cls" && part.tag.is_empty();
    if !bundle.fields.contains_key("label") {
        let Some(part) = bundle.parts.iter().find(class) else {
            return Err(DataError::new(
                ErrorKind::Label,
                format!("{} has no label; add KEY.cls, or KEY.json with a field `label`", bundle.place),
            ));
        };
        let bytes = part.place.read()?;
        let found = std::str::from_utf8(&bytes).map_err(|cause| {
            DataError::format(format!("{}: is no text in UTF-8", part.place.words())).because(cause)
        })?;
        found.trim().clone_into(&mut text);
    }
    Ok(Label { id: id.to_owned(), place: bundle.place.clone(), text })
}

/// The part that the field `split` or the beginning of the archive's name says.
fn part(bundle: &Bundle, shard: &Path) -> Result<Part, DataError> {
    let own = bundle.cell("split")?;
    let stem = shard.file_stem().unwrap_or_default().to_string_lossy();
    let word = stem.split(|sign: char| !sign.is_alphabetic()).next().unwrap_or_default();
    let text = if own.is_empty() { word } else { &own };
    Part::from_name(text).ok_or_else(|| {
        let found = if own.is_empty() {
            format!("the name of `{}` begins with none of train, val and test", shard.display())
        } else {
            format!("{}: split `{own}` must be train, val or test", bundle.place)
        };
        DataError::new(ErrorKind::Split, format!("{found}; or split at random with `stratify` = true"))
    })
}
