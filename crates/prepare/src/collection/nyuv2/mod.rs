//! NYU Depth v2: colour, depth and a class for every pixel.

mod classes;
mod folder;
mod labelled;
mod maker;
mod pictures;

use std::path::{Path, PathBuf};

use super::Collection;
use super::content::Opened;
use super::conversion::ConversionSettings;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::layout::Words;

/// NYU Depth v2.
pub struct NyuV2;

/// The official file.
const LABELLED: &str = "nyu_depth_v2_labeled.mat";

impl Collection for NyuV2 {
    fn name(&self) -> &'static str {
        "nyuv2"
    }

    fn words(&self) -> Words {
        Words {
            summary: "NYU Depth v2: 1449 rooms with colour, depth and classes of pixels",
            files: "nyu_depth_v2_labeled.mat, splits.mat and classMapping40.mat; or folders image, depth and label (or rgb, \
                    label40, ..) with NAME.png: depth of 16 bits in millimetres, labels as class ids; JPEG for pictures",
            labels: "the 894 labels by classMapping40.mat; or the label pictures: 0 to 39 with 255 for none, or 1 to 40 \
                     with 0 for none (--void says which, where no file shows it), other classes by classes.csv (id,name)",
            splits: "splits.mat, or lists train.txt and test.txt (and val.txt) of names, or folders train and test above; \
                     validation is carved from train",
            groups: "the scene, which only the official file has",
        }
    }

    fn open(&self, folder: &Folder, settings: &ConversionSettings) -> Result<Opened, PrepareError> {
        if settings.steps.is_some() {
            return Err(PrepareError::usage("--steps is for sequences, and `nyuv2` has none"));
        }
        if let Some(void) = settings.void.filter(|void| ![0, classes::VOID].contains(void)) {
            return Err(PrepareError::usage(format!("--void must be 0 or 255, got {void}")));
        }
        match folder.find(LABELLED) {
            Some(_) if settings.void.is_some() => Err(PrepareError::usage(format!(
                "--void is for folders of label pictures; {LABELLED} says itself where no label is"
            ))),
            Some(file) => labelled::open(folder, &file),
            None if folder.files().iter().any(|file| role(file).is_some()) => folder::open(folder, settings),
            None => Err(PrepareError::data(format!(
                "`{}` holds neither {LABELLED} nor folders of pictures, depth and labels. Expected:\n{}",
                folder.root().display(),
                self.words()
            ))),
        }
    }
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Colour,
    Depth,
    Label,
}

/// What a picture shows, by the folder that it lies in.
fn role(file: &Path) -> Option<Role> {
    let folder = file.parent()?.file_name()?.to_string_lossy().to_lowercase();
    if !file.extension().is_some_and(|e| ["png", "jpg", "jpeg"].iter().any(|one| e.eq_ignore_ascii_case(one)))
    {
        return None;
    }
    match folder.as_str() {
        "image" | "images" | "rgb" | "color" | "colour" => Some(Role::Colour),
        "depth" | "depths" => Some(Role::Depth),
        "label" | "labels" | "label40" | "labels40" | "label_40" | "labels_40" => Some(Role::Label),
        _ => None,
    }
}

/// A path below the root, for messages.
fn shown(root: &Path, file: &Path) -> String {
    let path: PathBuf = root.join(file);
    format!("`{}`", path.display())
}
