//! `folders`: a folder for each class, `dog/one.wav`, also below `train`, `val` and `test`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::{self, Bundle, Place};
use super::labels::Classes;
use super::modality::ManifestModality;
use super::{DataSet, Request};
use crate::error::{DataError, ErrorKind};
use crate::folder::{Listing, list};
use crate::plan::Plan;
use crate::record::{Part, Record};
use crate::truth::{Labelling, Truth};

/// Levels of folders that are looked into.
const DEPTH: usize = 8;
/// Files that may be of a sample and are read here.
const ENDINGS: &[&str] = &["wav", "flac", "mp3", "ogg", "png", "jpg", "jpeg", "txt", "json"];

/// Settings of the data set `folders`; `root` is the folder of the folders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FoldersConfig {
    /// The classes in order; by default the folders, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// For each modality a table `[data.modality.NAME]` with its `kind` and the keys of that kind.
    /// Files with the same name before their endings are one sample; the ending says the kind, and
    /// where two modalities are of one kind, `one.NAME.png` says which. Numbers and categories are
    /// fields of `one.json`.
    pub modality: BTreeMap<String, ManifestModality>,
}

impl Settings for FoldersConfig {
    const NAME: &'static str = "folders";
    const SUMMARY: &'static str = "your own files, a folder for each class";
}

impl DataSet for FoldersConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let root = request.root("the folder that holds a folder for each class")?;
        let names: Vec<&str> = self.modality.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Err(DataError::config("no modality: add a table [data.modality.NAME] with a `kind`"));
        }
        let names = request.modalities(&names)?;
        let drafts = bundle::drafts(&self.modality, &names, request.base)?;
        let tops = list(&root, &[])?.folders;
        let part_of = |path: &Path| Part::from_name(&name(path));
        let split = !tops.is_empty() && tops.iter().all(|top| part_of(top).is_some());
        if !split && !request.split.is_random() {
            return Err(DataError::new(
                ErrorKind::Split,
                format!(
                    "`{}` has no folders train, val and test above the classes; make them, or split at random with \
                     `stratify` = true",
                    root.display()
                ),
            ));
        }
        let mut found: Vec<(String, Part, String, Bundle)> = Vec::new();
        for top in &tops {
            let part = part_of(top).filter(|_| split && !request.split.is_random()).unwrap_or(Part::Train);
            let classes = if split { list(top, &[])?.folders } else { vec![top.clone()] };
            for class in classes {
                let label = name(&class);
                for (id, mut bundle) in self.bundles(&root, &class)? {
                    bundle.read_fields()?;
                    found.push((id, part, label.clone(), bundle));
                }
            }
        }
        if found.is_empty() {
            return Err(DataError::missing(format!(
                "`{}` holds no folder of files that end with {}; `root` is the folder above the classes",
                root.display(),
                endings().join(", ")
            )));
        }
        let classes =
            Classes::new(self.classes.as_deref(), found.iter().map(|(.., label, _)| label.as_str()))?;
        let bundles: Vec<Bundle> = found.iter().map(|(.., bundle)| bundle.clone()).collect();
        let mut notes = Vec::new();
        let sources = bundle::sources(&self.modality, &drafts, &bundles, &mut notes)?;
        for (name, sources) in names.iter().zip(&sources) {
            if let ManifestModality::Video(video) = &self.modality[name]
                && video.frame_width.unwrap_or(0) == 0
                && sources.iter().all(Option::is_none)
            {
                return Err(DataError::config(format!(
                    "modality `{name}`: there is no film; expected files such as one.mp4, or pictures with the frames \
                     side by side and `frame_width`; list folders of frames in a `manifest`"
                )));
            }
        }
        let mut sources: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
        let mut records = Vec::new();
        for (id, part, label, bundle) in found {
            let group = match &request.split.split_by {
                Some(by) => Some(bundle.cell(by)?),
                None => Some(bundle.cell("group")?),
            };
            records.push(Record {
                truth: Truth::Class(classes.of(&label, &id)?),
                sources: sources.iter_mut().map(|of| of.next().flatten()).collect(),
                group: group.filter(|group| !group.is_empty()),
                part,
                id,
            });
        }
        // Files of no modality, such as a read-me, are no samples.
        let all = records.len();
        records.retain(|record| record.sources.iter().any(Option::is_some));
        if records.len() < all {
            notes.push(format!("{} names without a file of a modality are left out", all - records.len()));
        }
        Ok(Plan { classes: classes.names, labelling: Labelling::Classes, drafts, records, notes })
    }
}

impl FoldersConfig {
    /// The samples below the folder of a class, by their names.
    fn bundles(&self, root: &Path, class: &Path) -> Result<BTreeMap<String, Bundle>, DataError> {
        let mut bundles: BTreeMap<String, Bundle> = BTreeMap::new();
        let mut files = Vec::new();
        walk(class, DEPTH, &mut files)?;
        for path in files {
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            let mut stem = path.with_extension("");
            // `one.left.png` is of the modality `left`.
            let tag = stem.extension().map(|tag| tag.to_string_lossy().into_owned());
            let tag = tag.filter(|tag| self.modality.contains_key(tag));
            if tag.is_some() {
                stem.set_extension("");
            }
            let inside = stem.strip_prefix(root).unwrap_or(&stem);
            let id = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            let bundle = bundles.entry(id).or_default();
            bundle.place = format!("`{}`", stem.display());
            let (tag, place) = (tag.unwrap_or_default(), Place::File(path));
            bundle.parts.push(bundle::Part { tag, ending, place });
        }
        Ok(bundles)
    }
}

/// Those, and the endings of what ffmpeg reads.
fn endings() -> Vec<&'static str> {
    let more =
        bundle::SOUNDS.iter().chain(bundle::FILMS.iter().filter(|film| !bundle::SOUNDS.contains(film)));
    ENDINGS.iter().chain(more).copied().collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn walk(folder: &Path, levels: usize, found: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let Listing { files, folders } = list(folder, &endings())?;
    found.extend(files);
    match levels {
        0 if !folders.is_empty() => Err(DataError::missing(format!(
            "`{}` lies {DEPTH} folders deep and holds more; name a folder nearer to the files",
            folder.display()
        ))),
        0 => Ok(()),
        _ => folders.iter().try_for_each(|folder| walk(folder, levels - 1, found)),
    }
}
