//! A job from its plan to the data set: clips in parallel, then the lists.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::clip::Clip;
use crate::content::Stamp;
use crate::error::{ErrorKind, PrepareError};
use crate::extract::Extractor;
use crate::job::{Job, Plan};
use crate::journal::{Entry, Journal};
use crate::made::Failed;
use crate::problem::Problem;
use crate::streams::Streams;
use crate::summary::Summary;
use crate::{lock, names, output};

impl Job {
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
        let _lock = lock::lock(&self.to)?;
        let before: BTreeMap<String, Entry> = Journal::read(&self.to)?;
        let journal = Journal::open(&self.to)?;
        let names = names::of(plan.clips.iter().map(|clip| clip.id.as_str()));
        let streams = Streams {
            tools: &plan.tools,
            from: &self.from,
            to: &self.to,
            settings: &self.settings,
            complete: self.complete,
        };
        let extractor = Extractor { streams, keep_damaged: self.keep_damaged };
        let (next, done, known) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let fatal: Mutex<Option<PrepareError>> = Mutex::new(None);
        let results: Mutex<BTreeMap<usize, Result<Entry, Problem>>> = Mutex::new(BTreeMap::new());
        let one = |clip: &Clip| -> Result<Entry, Failed> {
            let name = &names[clip.id.as_str()];
            let old = before.get(&clip.id);
            let stamps = extractor.stamps(clip, old.map_or(&[], |e| &e.sources))?;
            // The same content is the same clip, whatever became of its time.
            let contents = |stamps: &[Stamp]| stamps.iter().map(|s| s.content.clone()).collect::<Vec<_>>();
            if let Some(old) = old
                && old.settings == self.settings
                && &old.name == name
                && old.cut == clip.sources.cut
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
                cut: clip.sources.cut,
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
