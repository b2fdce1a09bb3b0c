//! From a folder of recordings to a data set: the part that is the same for all layouts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use counterpoint_data::set::Part;

use crate::clip::Clip;
use crate::error::{ErrorKind, PrepareError};
use crate::extract::{Extractor, Failed, look};
use crate::folder::Folder;
use crate::journal::{self, Entry, Journal};
use crate::layout::Layout;
use crate::names;
use crate::output;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::split::{Assigned, SplitSettings, assign};
use crate::summary::Summary;
use crate::tools::Tools;

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
        let folder = Folder::open(&self.from)?;
        self.check_target()?;
        let tools = Tools::find()?;
        let mut listing = self.layout.list(&folder)?;
        listing.clips.sort_by(|a, b| a.id.cmp(&b.id));
        // Lists repeat names; the first line counts.
        let mut seen = BTreeSet::new();
        let (clips, repeated): (Vec<Clip>, Vec<Clip>) =
            listing.clips.into_iter().partition(|clip| seen.insert(clip.id.clone()));
        listing.problems.extend(repeated.into_iter().map(|clip| {
            let file = clip.sources.files().first().map_or_else(PathBuf::new, |f| (*f).clone());
            Problem::left_out(&clip.id, file, crate::Finding::Repeated)
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

    /// Refuses a target inside the recordings, and one that holds something else.
    fn check_target(&self) -> Result<(), PrepareError> {
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
        let (from, to) = (real(&self.from), real(&self.to));
        if to.starts_with(&from) {
            return Err(PrepareError::usage(format!(
                "--to `{}` lies in the folder of the recordings `{}`, where it would be taken for recordings; choose \
                 one beside it",
                self.to.display(),
                self.from.display()
            )));
        }
        match fs::read_dir(&self.to) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(PrepareError::target("open the folder --to", &self.to, &cause)),
            Ok(mut entries) => {
                let ours = self.to.join(journal::FILE).exists() || self.to.join(output::LOCK).exists();
                match entries.next() {
                    Some(_) if !ours => Err(PrepareError::usage(format!(
                        "--to `{}` holds files that were not made by this command; choose an empty or a new folder",
                        self.to.display()
                    ))),
                    _ => Ok(()),
                }
            }
        }
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

    /// Does it. `tell` is told how many clips are done of how many, from several threads. What a call
    /// that was stopped or killed has finished is not done again.
    ///
    /// # Errors
    /// If the target cannot be written, no clip can be used, or `stop` was set; the same call continues.
    pub fn run(
        &self,
        plan: &Plan,
        stop: &AtomicBool,
        tell: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Summary, PrepareError> {
        fs::create_dir_all(&self.to)
            .map_err(|cause| PrepareError::target("make the folder", &self.to, &cause))?;
        let _lock = output::lock(&self.to)?;
        let before = Journal::read(&self.to)?;
        let journal = Journal::open(&self.to)?;
        let names = names::of(plan.clips.iter().map(|clip| clip.id.as_str()));
        let extractor = Extractor {
            tools: &plan.tools,
            from: &self.from,
            to: &self.to,
            settings: &self.settings,
            complete: self.complete,
            keep_damaged: self.keep_damaged,
        };
        let (next, done, known) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let fatal: Mutex<Option<PrepareError>> = Mutex::new(None);
        let results: Mutex<BTreeMap<usize, Result<Entry, Problem>>> = Mutex::new(BTreeMap::new());
        let one = |clip: &Clip| -> Result<Entry, Failed> {
            let name = &names[clip.id.as_str()];
            let old = before.get(&clip.id);
            let stamps = extractor.stamps(clip, old.map_or(&[], |e| &e.sources))?;
            // The same content is the same clip, whatever became of its time.
            let contents = |stamps: &[crate::extract::Stamp]| {
                stamps.iter().map(|s| s.content.clone()).collect::<Vec<_>>()
            };
            if let Some(old) = old
                && old.settings == self.settings
                && &old.name == name
                && contents(&old.sources) == contents(&stamps)
                && self.allows(old)
                && extractor.whole(&old.made)
            {
                known.fetch_add(1, Ordering::Relaxed);
                return Ok(Entry { sources: stamps, ..old.clone() });
            }
            let entry = Entry {
                id: clip.id.clone(),
                name: name.clone(),
                settings: self.settings,
                ffmpeg: plan.tools.version.clone(),
                sources: stamps,
                made: extractor.make(clip, name)?,
            };
            journal.add(&entry).map_err(Failed::Target)?;
            Ok(entry)
        };
        let work = || {
            while !stop.load(Ordering::Relaxed) && fatal.lock().is_ok_and(|f| f.is_none()) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(clip) = plan.clips.get(at) else { return };
                let result = match one(clip) {
                    Ok(entry) => Ok(entry),
                    Err(Failed::Clip(problem)) => Err(*problem),
                    Err(Failed::Target(error)) => {
                        fatal.lock().unwrap_or_else(|p| p.into_inner()).get_or_insert(error);
                        return;
                    }
                };
                results.lock().unwrap_or_else(|p| p.into_inner()).insert(at, result);
                tell(done.fetch_add(1, Ordering::Relaxed) + 1, plan.clips.len());
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.jobs.max(1) {
                scope.spawn(work);
            }
            work();
        });
        if let Some(error) = fatal.into_inner().unwrap_or_else(|p| p.into_inner()) {
            return Err(error);
        }
        let results = results.into_inner().unwrap_or_else(|p| p.into_inner());
        if results.len() < plan.clips.len() {
            return Err(PrepareError::new(
                ErrorKind::Interrupted,
                format!(
                    "interrupted after {} of {} clips; the same command continues",
                    results.len(),
                    plan.clips.len()
                ),
            ));
        }
        let results: Vec<Result<Entry, Problem>> = results.into_values().collect();
        output::write(self, plan, &results, known.into_inner())
    }

    /// Whether a clip that was finished under other demands meets those of now.
    fn allows(&self, entry: &Entry) -> bool {
        use crate::problem::Finding::{CutOff, NoPicture, NoSound};
        entry.made.remarks.iter().all(|remark| match remark.finding {
            NoSound | NoPicture => !self.complete,
            CutOff { .. } => self.keep_damaged,
            _ => true,
        })
    }
}

/// The splits in the order of [`Part::ALL`].
pub(crate) fn per_part(count: [usize; 3]) -> String {
    let one = |part: Part| format!("{} {}", part.name(), count[part as usize]);
    Part::ALL.map(one).join(", ")
}
