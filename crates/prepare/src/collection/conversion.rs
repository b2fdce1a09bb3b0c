//! A conversion from its plan to the data set.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Collection;
use super::content::{Made, Opened};
use super::output::{self, Results};
use crate::content::{Content, Stamp, hex, look, sha256};
use crate::error::{ErrorKind, PrepareError};
use crate::folder::Folder;
use crate::job::check_target;
use crate::journal::{Journal, Record};
use crate::lock;
use crate::problem::Problem;
use crate::split::{Assigned, SplitSettings, assign};
use crate::summary::Summary;

/// What is made of a collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionSettings {
    /// Steps in time at most, 500 by default; of longer sequences the middles of as many equal parts are kept.
    pub steps: Option<usize>,
    /// The number in label pictures that means no label; by default their content tells.
    pub void: Option<u8>,
}

/// What is to be done.
pub struct Conversion {
    /// Which collection.
    pub collection: &'static dyn Collection,
    /// Its folder, or its one file.
    pub from: PathBuf,
    /// Folder of the data set; made if need be.
    pub to: PathBuf,
    /// What is made of it.
    pub settings: ConversionSettings,
    /// Which samples are for what.
    pub split: SplitSettings,
    /// The command as it was called, for the record.
    pub command: Vec<String>,
}

/// What a conversion will do.
pub struct ConversionPlan {
    pub(super) opened: Opened,
    /// The split of each sample.
    pub assigned: Assigned,
    pub(super) folder: PathBuf,
}

impl ConversionPlan {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.opened.samples.len()
    }

    /// The word for a sample in the plural.
    pub fn unit(&self) -> &'static str {
        self.opened.maker.unit()
    }

    /// Samples of train, val and test.
    pub fn splits(&self) -> [usize; 3] {
        let mut splits = [0; 3];
        self.assigned.parts.iter().for_each(|part| splits[*part as usize] += 1);
        splits
    }

    /// What is left out, and remarks.
    pub fn problems(&self) -> &[Problem] {
        &self.opened.problems
    }

    /// Things worth telling.
    pub fn notes(&self) -> &[String] {
        &self.opened.notes
    }

    /// Files that are read, with their sizes.
    pub fn sources(&self) -> Vec<(&PathBuf, u64)> {
        let size = |file: &PathBuf| fs::metadata(self.folder.join(file)).map_or(0, |facts| facts.len());
        self.opened.sources.iter().map(|file| (file, size(file))).collect()
    }
}

/// One finished step.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Step {
    id: String,
    /// Of what it was made, and how.
    key: String,
    files: Vec<Content>,
    remarks: Vec<Problem>,
}

impl Record for Step {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Conversion {
    /// Finds the files, reads ids, labels and splits; writes nothing.
    ///
    /// # Errors
    /// If files are absent, damaged or something else, or the target holds something else.
    pub fn plan(&self) -> Result<ConversionPlan, PrepareError> {
        let folder = Folder::of(&self.from)?;
        // Beside a file that is named alone there may be anything.
        check_target(&self.from, &self.to)?;
        let mut opened = self.collection.open(&folder, &self.settings)?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = opened.samples.iter().find(|sample| !seen.insert(&sample.id)) {
            return Err(PrepareError::data(format!("the id `{}` occurs twice", twice.id)));
        }
        if opened.samples.is_empty() {
            let first = opened.problems.first();
            let why = first.map_or(String::new(), |p| format!(", as `{}`: {}", p.id, p.finding.words()));
            return Err(PrepareError::data(format!(
                "`{}` holds no {} that can be used{why}. Expected:\n{}",
                self.from.display(),
                opened.maker.unit(),
                self.collection.words()
            )));
        }
        let assigned = assign(&opened.samples, &self.split)?;
        opened.sources.sort();
        opened.sources.dedup();
        Ok(ConversionPlan { opened, assigned, folder: folder.root().to_owned() })
    }

    /// Does it. `tell` is told how many steps are done of how many. What a call that was stopped or
    /// killed has finished is not done again.
    ///
    /// # Errors
    /// If a source is damaged, the target cannot be written, or `stop` was set; the same call continues.
    pub fn run(
        &self,
        plan: &mut ConversionPlan,
        stop: &AtomicBool,
        tell: &dyn Fn(usize, usize),
    ) -> Result<Summary, PrepareError> {
        fs::create_dir_all(&self.to)
            .map_err(|cause| PrepareError::target("make the folder", &self.to, &cause))?;
        let _lock = lock::lock(&self.to)?;
        let before: BTreeMap<String, Step> = Journal::read(&self.to)?;
        let journal = Journal::open(&self.to)?;
        let stamps = self.stamps(plan)?;
        let key = self.key(plan, &stamps);
        let steps = plan.opened.maker.steps(&plan.opened.samples);
        let (mut left_out, mut results) = (BTreeMap::new(), Results { stamps, ..Results::default() });
        let mut lines = String::new();
        for (number, id) in steps.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Err(PrepareError::new(
                    ErrorKind::Interrupted,
                    format!(
                        "interrupted after {number} of {} steps; the same command continues",
                        steps.len()
                    ),
                ));
            }
            let whole = |file: &Content| {
                fs::metadata(self.to.join(&file.file)).is_ok_and(|facts| facts.len() == file.bytes)
            };
            let done = match before.get(id).filter(|old| old.key == key && old.files.iter().all(whole)) {
                Some(old) => {
                    results.known += 1;
                    old.clone()
                }
                None => match plan.opened.maker.make(number, &plan.opened.samples, &self.to)? {
                    Made::Files(files, remarks) => {
                        let step = Step { id: id.clone(), key: key.clone(), files, remarks };
                        journal.add(&step)?;
                        step
                    }
                    Made::LeftOut(sample, problem) => {
                        left_out.insert(sample, problem);
                        tell(number + 1, steps.len());
                        continue;
                    }
                },
            };
            lines += &crate::journal::line(&done);
            results.files.extend(done.files);
            results.remarks.extend(done.remarks);
            tell(number + 1, steps.len());
        }
        results.lines = lines;
        results.used =
            (0..plan.opened.samples.len()).filter(|sample| !left_out.contains_key(sample)).collect();
        results.remarks.extend(left_out.into_values());
        output::write(self, plan, &results)
    }

    /// Size and hash of every source.
    fn stamps(&self, plan: &ConversionPlan) -> Result<Vec<Stamp>, PrepareError> {
        let stamp = |file: &PathBuf| {
            let path = plan.folder.join(file);
            let unreadable =
                |what: &str| PrepareError::data(format!("`{}` cannot be used: {what}", path.display()));
            let (bytes, modified) = look(&path).map_err(|finding| unreadable(&finding.words()))?;
            let sha256 = sha256(&path).map_err(|cause| unreadable(&cause.to_string()))?;
            Ok(Stamp { content: Content { file: file.clone(), bytes, sha256 }, modified })
        };
        plan.opened.sources.iter().map(stamp).collect()
    }

    /// What the content of every file depends on.
    fn key(&self, plan: &ConversionPlan, stamps: &[Stamp]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{} {:?}\n", self.collection.name(), self.settings));
        stamps.iter().for_each(|stamp| hasher.update(format!("{}\n", stamp.content.sha256)));
        plan.opened.samples.iter().for_each(|sample| hasher.update(format!("{:?}\n", sample.id)));
        hex(hasher)
    }
}
