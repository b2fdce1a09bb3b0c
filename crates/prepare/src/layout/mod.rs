//! How data sets lay out their recordings, one file each.
//!
//! A layout reads names and lists, and decodes nothing.

mod ave;
mod crema_d;
mod generic;
mod kinetics_sounds;
mod ucf101;
mod vggsound;

use std::fmt;
use std::path::PathBuf;

use crate::clip::Clip;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::problem::Problem;

/// How a data set lays out its recordings.
pub trait Layout: Sync {
    /// Its name in commands.
    fn name(&self) -> &'static str;

    /// What it reads, in words.
    fn words(&self) -> Words;

    /// Whether it knows where in its recording a clip is.
    fn cuts(&self) -> bool {
        false
    }

    /// Lists the clips of a folder by their names; with `uncut`, which only those that [`cuts`](Self::cuts)
    /// are given, a clip that is absent is cut from its whole recording.
    ///
    /// # Errors
    /// If a list is absent or damaged; what is wrong with one clip is a problem in the listing.
    fn list(&self, folder: &Folder, uncut: bool) -> Result<Listing, PrepareError>;
}

/// A layout in words.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The data set in one line.
    pub summary: &'static str,
    /// Where files lie.
    pub files: &'static str,
    /// Where labels come from.
    pub labels: &'static str,
    /// Which splits are published.
    pub splits: &'static str,
    /// What the groups are.
    pub groups: &'static str,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  files:  {}\n  labels: {}\n  splits: {}\n  groups: {}",
            self.files, self.labels, self.splits, self.groups
        )
    }
}

/// What a layout found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The clips.
    pub clips: Vec<Clip>,
    /// Names of what [`Clip::cells`] hold.
    pub columns: Vec<String>,
    /// Files and lines that cannot be used.
    pub problems: Vec<Problem>,
    /// Things worth telling.
    pub notes: Vec<String>,
    /// Lists that were read, relative to the folder.
    pub lists: Vec<PathBuf>,
}

/// All layouts, in the order in which they are listed.
pub const ALL: [&dyn Layout; 6] = [
    &generic::Generic,
    &crema_d::CremaD,
    &kinetics_sounds::KineticsSounds,
    &vggsound::VggSound,
    &ave::Ave,
    &ucf101::Ucf101,
];

/// The layout of a name.
///
/// # Errors
/// If there is none; the message lists them.
pub fn named(name: &str) -> Result<&'static dyn Layout, PrepareError> {
    ALL.into_iter().find(|layout| layout.name() == name).ok_or_else(|| {
        let line = |layout: &dyn Layout| format!("  {:<16} {}", layout.name(), layout.words().summary);
        PrepareError::usage(format!(
            "there is no layout `{name}`; there are:\n{}\nand the data sets of arrays mosi, mosei and nyuv2",
            ALL.map(line).join("\n")
        ))
    })
}
