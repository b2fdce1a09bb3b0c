//! What is to be done, and what the names and lists say of it: nothing is decoded or written here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use counterpoint_data::media::Tools;

use crate::clip::Clip;
use crate::content::look;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::journal;
use crate::layout::Layout;
use crate::lock;
use crate::problem::{Finding, Problem};
use crate::settings::Settings;
use crate::split::{Assigned, SplitSettings, assign};

/// What is to be done.
pub struct Job {
    /// How the recordings are laid out.
    pub layout: &'static dyn Layout,
    /// Folder of the recordings.
    pub from: PathBuf,
    /// Folder of the data set; made if need be.
    pub to: PathBuf,
    /// What is made of every clip.
    pub settings: Settings,
    /// Which clips are for what.
    pub split: SplitSettings,
    /// Leave clips out that lack sound or picture.
    pub complete: bool,
    /// Use clips that end before their header says.
    pub keep_damaged: bool,
    /// Cut clips that are absent from their whole recordings, where those are there.
    pub uncut: bool,
    /// Clips that are worked on at a time.
    pub jobs: usize,
    /// The command as it was called, for the record.
    pub command: Vec<String>,
}

/// What a job will do.
pub struct Plan {
    /// The clips in the order of their names.
    pub clips: Vec<Clip>,
    /// Names of the further columns.
    pub columns: Vec<String>,
    /// What the names and lists show already.
    pub problems: Vec<Problem>,
    /// Things worth telling.
    pub notes: Vec<String>,
    /// The split of each clip.
    pub assigned: Assigned,
    /// The programs.
    pub tools: Tools,
    /// Lists that were read, relative to the recordings.
    pub lists: Vec<PathBuf>,
}

impl Plan {
    /// Clips of each class in each split.
    pub fn classes(&self) -> BTreeMap<&str, [usize; 3]> {
        let mut classes: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for (clip, part) in self.clips.iter().zip(&self.assigned.parts) {
            classes.entry(&clip.label).or_default()[*part as usize] += 1;
        }
        classes
    }
}

impl Job {
    /// Finds the programs, lists the clips and divides them; writes nothing.
    ///
    /// # Errors
    /// If a program or a list is absent, nothing is found, or the target holds something else.
    pub fn plan(&self) -> Result<Plan, PrepareError> {
        if let Some(fault) = self.settings.fault() {
            return Err(PrepareError::usage(fault));
        }
        if self.uncut && !self.layout.cuts() {
            return Err(PrepareError::usage(format!(
                "--uncut: the layout `{}` does not say where in its recording a clip is; vggsound and kinetics-sounds do",
                self.layout.name()
            )));
        }
        let folder = Folder::open(&self.from)?;
        check_target(&self.from, &self.to)?;
        let tools = Tools::find()?;
        let mut listing = self.layout.list(&folder, self.uncut)?;
        listing.clips.sort_by(|a, b| a.id.cmp(&b.id));
        // Lists repeat names; the first line counts.
        let mut seen = BTreeSet::new();
        let (clips, repeated): (Vec<Clip>, Vec<Clip>) =
            listing.clips.into_iter().partition(|clip| seen.insert(clip.id.clone()));
        listing.problems.extend(repeated.into_iter().map(|clip| {
            let file = clip.sources.files().first().map_or_else(PathBuf::new, |f| (*f).clone());
            Problem::left_out(&clip.id, file, Finding::Repeated)
        }));
        if clips.is_empty() {
            let more = match listing.problems.len() {
                0 => String::new(),
                n => format!(
                    " ({n} files or lines do not fit, the first is `{}`: {})",
                    listing.problems[0].id,
                    listing.problems[0].finding.words()
                ),
            };
            return Err(PrepareError::data(format!(
                "`{}` holds no clip of the layout `{}`{more}. Expected:\n{}",
                self.from.display(),
                self.layout.name(),
                self.layout.words()
            )));
        }
        let assigned = assign(&clips, &self.split)?;
        Ok(Plan {
            clips,
            columns: listing.columns,
            problems: listing.problems,
            notes: listing.notes,
            assigned,
            tools,
            lists: listing.lists,
        })
    }

    /// Clips whose files the recordings hold, and their bytes; what is wrong with the others.
    pub fn look(&self, plan: &Plan) -> (usize, u64, Vec<Problem>) {
        let (mut present, mut bytes, mut problems) = (0, 0, Vec::new());
        for clip in &plan.clips {
            let mut fine = true;
            for file in clip.sources.files() {
                match look(&self.from.join(file)) {
                    Ok((size, _)) => bytes += size,
                    Err(finding) => {
                        fine = false;
                        problems.push(Problem::left_out(&clip.id, file, finding));
                    }
                }
            }
            present += usize::from(fine);
        }
        (present, bytes, problems)
    }
}

/// Refuses a target inside the recordings, and one that holds something else.
pub fn check_target(from: &Path, to: &Path) -> Result<(), PrepareError> {
    let real = |path: &Path| {
        // The nearest folder above that is there.
        let mut rest = PathBuf::new();
        let mut at = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        loop {
            if let Ok(real) = at.canonicalize() {
                return real.join(rest);
            }
            let Some(name) = at.file_name().map(ToOwned::to_owned) else { return path.to_owned() };
            rest = Path::new(&name).join(rest);
            at.pop();
        }
    };
    let (real_from, real_to) = (real(from), real(to));
    if real_to.starts_with(&real_from) {
        return Err(PrepareError::usage(format!(
            "--to `{}` lies in the folder of the recordings `{}`, where it would be taken for recordings; choose \
             one beside it",
            to.display(),
            from.display()
        )));
    }
    match fs::read_dir(to) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(PrepareError::target("open the folder --to", to, &cause)),
        Ok(mut entries) => {
            let ours = to.join(journal::FILE).exists() || to.join(lock::FILE).exists();
            match entries.next() {
                Some(_) if !ours => Err(PrepareError::usage(format!(
                    "--to `{}` holds files that were not made by this command; choose an empty or a new folder",
                    to.display()
                ))),
                _ => Ok(()),
            }
        }
    }
}
