//! Training, validation and sealed test parts of an opened data set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use counterpoint_batch::random::{Random, RngKey};
use counterpoint_batch::{ModalitySpec, Sample, Target, TargetSpec, Targets};

use crate::check::Check;
use crate::config::CommonConfig;
use crate::contents::Contents;
use crate::coverage;
use crate::dataset::Dataset;
use crate::error::{DataError, ErrorKind};
use crate::leak::Leaks;
use crate::plan::Plan;
use crate::prepare::Preparation;
use crate::progress::Progress;
use crate::record::{Part, Record};
use crate::truth::Truth;

/// A data set with its three parts.
#[derive(Debug)]
pub struct Splits {
    /// For fitting weights.
    pub train: Split,
    /// For choosing among models and settings.
    pub val: Split,
    /// For the final evaluation; sealed.
    pub test: SealedTest,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// How each modality is prepared, in order; to be kept with the model.
    pub preparations: Vec<Preparation>,
    /// Things worth telling the user, such as values that were replaced.
    pub notes: Vec<String>,
    set: Arc<Dataset>,
}

impl Splits {
    pub(crate) fn build(
        plan: Plan,
        common: &CommonConfig,
        fitted: Option<&[Preparation]>,
        progress: &Progress,
    ) -> Result<Self, DataError> {
        let set = Arc::new(Dataset::build(plan, common, fitted, progress)?);
        Ok(Self {
            train: Split::new(&set, Part::Train),
            val: Split::new(&set, Part::Val),
            test: SealedTest { split: Split::new(&set, Part::Test) },
            classes: set.classes.clone(),
            preparations: set.preparations.clone(),
            notes: set.notes.clone(),
            set,
        })
    }

    /// Name and shape of each modality, in order.
    pub fn modalities(&self) -> &[ModalitySpec] {
        &self.set.spec
    }

    /// What is to be predicted. For label maps all those of the training split
    /// are read once; later calls are free.
    ///
    /// # Errors
    /// If a label map cannot be read or has an id without class.
    pub fn targets(&self) -> Result<TargetSpec, DataError> {
        self.set.targets()
    }

    /// Notes on what the targets of a split do not show: classes or labels that
    /// it lacks, numbers that never vary. Of label maps those of the train and
    /// val split are read; the test split's stay sealed.
    ///
    /// # Errors
    /// If a label map cannot be read or has an id without class.
    pub fn coverage(&self) -> Result<Vec<String>, DataError> {
        coverage::notes(&self.set)
    }

    /// SHA-256 in hexadecimal over file contents, labels, groups and the
    /// assignment to splits, of the modalities in use.
    ///
    /// It does not depend on where the files lie, on how they are prepared
    /// or on batch sizes. All files are read once; later calls are free.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub fn fingerprint(&self) -> Result<String, DataError> {
        Ok(self.set.digest()?.0.clone())
    }

    /// The content of every sample as short hashes: what two data sets with
    /// another [`Self::fingerprint`] are compared by. Read with it.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub fn contents(&self) -> Result<&Contents, DataError> {
        Ok(&self.set.digest()?.1)
    }

    /// Whether the files of all splits can be used, on this many threads. The seal
    /// of the test stays whole: only files that cannot be used are told.
    ///
    /// # Errors
    /// If some cannot; the message names the first and lists others.
    pub fn check(&self, how: Check, threads: usize) -> Result<(), DataError> {
        self.set.check(how, threads)
    }

    /// What is worth telling of the cache on the disk so far: entries that were damaged, or could not be written.
    pub fn cache_notes(&self) -> Vec<String> {
        self.set.cache_notes()
    }

    /// Groups and contents that occur in two parts, or twice in one. The seal
    /// of the test stays whole: names and counts are told, no label and no score.
    /// All files are read once; after [`Self::fingerprint`] this is free. Files
    /// count as equal byte for byte.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub fn leaks(&self) -> Result<Leaks, DataError> {
        Leaks::find(&self.set, None)
    }

    /// The same with files equal that decode to the same sound or picture, however they
    /// are encoded; all of them are decoded, on this many threads.
    ///
    /// # Errors
    /// If a file cannot be decoded; the message names the first.
    pub fn leaks_decoded(&self, threads: usize) -> Result<Leaks, DataError> {
        Leaks::find(&self.set, Some(threads))
    }
}

/// One part of a data set. Cloning is cheap.
#[derive(Clone)]
pub struct Split {
    set: Arc<Dataset>,
    part: Part,
    records: Arc<[usize]>,
}

impl Split {
    fn new(set: &Arc<Dataset>, part: Part) -> Self {
        let records = (0..set.records.len()).filter(|&r| set.records[r].part == part).collect();
        Self { set: Arc::clone(set), part, records }
    }

    /// `train`, `val` or `test`.
    pub fn name(&self) -> &'static str {
        self.part.name()
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no sample; an opened data set has no such part.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Name and shape of each modality, in order.
    pub fn modalities(&self) -> &[ModalitySpec] {
        &self.set.spec
    }

    /// How each modality is prepared, in order.
    pub(crate) fn preparations(&self) -> &[Preparation] {
        &self.set.preparations
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.set.classes
    }

    /// Names of the samples, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries().map(|record| record.id.as_str())
    }

    /// Group of each sample (speaker, video), if the set has groups.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        self.entries().map(|record| record.group.as_deref())
    }

    /// Class of each sample, in order; none where targets are not classes.
    pub fn labels(&self) -> impl Iterator<Item = usize> {
        self.entries().filter_map(|record| record.truth.class())
    }

    /// What the samples ask to be predicted, in order; `None` of label maps, which are files.
    pub fn targets(&self) -> Option<Targets> {
        let target = |record: &Record| {
            Some(match &record.truth {
                Truth::Class(class) => Target::Class(*class),
                Truth::Value(value) => Target::Value(*value),
                Truth::Labels(flags) => Target::Labels(flags.clone()),
                Truth::Map(_) => return None,
            })
        };
        let targets: Option<Vec<Target>> = self.entries().map(target).collect();
        Targets::collate(self.ids().zip(targets?)).ok()
    }

    /// The split without a share of its samples, and those: of every class that share, at least
    /// one sample of all. Which ones, `seed` decides; both keep the order.
    ///
    /// # Errors
    /// If nothing would be left of one of them.
    pub fn parted(&self, share: f64, seed: u64) -> Result<(Self, Self), DataError> {
        let mut classes: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for (&record, entry) in self.records.iter().zip(self.entries()) {
            classes.entry(entry.truth.class()).or_default().push(record);
        }
        let mut out = BTreeSet::new();
        for (class, mut records) in classes {
            let count = (records.len() as f64 * share).round() as usize;
            let class = class.map_or_else(String::new, |class| class.to_string());
            Random::new(seed, &["held out", &class]).shuffle(&mut records);
            out.extend(records.into_iter().take(count));
        }
        if out.is_empty() || out.len() == self.len() {
            return Err(DataError::config(format!(
                "a share of {share} of the {} samples of the {} split is {}; choose another share",
                self.len(),
                self.name(),
                if out.is_empty() { "none" } else { "all" }
            )));
        }
        let of = |held: bool| Self {
            set: Arc::clone(&self.set),
            part: self.part,
            records: self.records.iter().copied().filter(|record| out.contains(record) == held).collect(),
        };
        Ok((of(false), of(true)))
    }

    /// The samples of this split and then those of another one of the same data.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self { records: self.records.iter().chain(other.records.iter()).copied().collect(), ..self.clone() }
    }

    /// Number of samples of each class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.set.classes.len()];
        self.labels().for_each(|class| counts[class] += 1);
        counts
    }

    /// Number of samples that have each modality, in their order.
    pub fn present_counts(&self) -> Vec<usize> {
        let has = |m: usize| self.entries().filter(|record| record.sources[m].is_some()).count();
        (0..self.set.spec.len()).map(has).collect()
    }

    /// The sets of modalities that samples have, each once: one flag for each
    /// modality, in their order.
    pub fn presence(&self) -> Vec<Vec<bool>> {
        let has = |record: &Record| record.sources.iter().map(Option::is_some).collect();
        let sets: BTreeSet<Vec<bool>> = self.entries().map(has).collect();
        sets.into_iter().collect()
    }

    /// Number of samples that have all modalities.
    pub fn complete_count(&self) -> usize {
        self.entries().filter(|record| record.sources.iter().all(Option::is_some)).count()
    }

    /// Decodes and prepares one sample.
    ///
    /// `draw` seeds random crops and the like; `None` gives the fixed form
    /// that evaluation uses.
    ///
    /// # Errors
    /// If there is no such sample or one of its files cannot be used.
    pub fn sample(&self, index: usize, draw: Option<RngKey>) -> Result<Sample, DataError> {
        match self.records.get(index) {
            Some(&record) => self.set.sample(record, draw),
            None => Err(DataError::new(
                ErrorKind::Split,
                format!("the {} split has {} samples, there is no index {index}", self.name(), self.len()),
            )),
        }
    }

    fn entries(&self) -> impl ExactSizeIterator<Item = &Record> {
        self.records.iter().map(|&record| &self.set.records[record])
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Split({}, {} samples)", self.name(), self.len())
    }
}

/// The test part: nothing but its size, and what it lacks altogether
/// ([`Splits::notes`]), can be known before it is opened.
///
/// Code that trains or chooses takes a [`Split`], so it cannot look at test
/// samples by accident; every look passes through [`SealedTest::open`] and
/// can be found, and recorded, by its reason.
///
/// ```compile_fail
/// # fn show(splits: counterpoint_data::Splits) {
/// splits.test.labels(); // sealed: no such method
/// # }
/// ```
pub struct SealedTest {
    split: Split,
}

impl SealedTest {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.split.len()
    }

    /// Whether there is no sample; an opened data set has no such part.
    pub fn is_empty(&self) -> bool {
        self.split.is_empty()
    }

    /// Breaks the seal; the caller records the reason.
    ///
    /// # Errors
    /// If the reason is empty.
    pub fn open(&self, reason: &str) -> Result<Split, DataError> {
        if reason.trim().is_empty() {
            return Err(DataError::new(
                ErrorKind::Split,
                "the test split is sealed; give the reason for accessing it, which is recorded with the run",
            ));
        }
        Ok(self.split.clone())
    }
}

impl fmt::Debug for SealedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedTest({} samples)", self.len())
    }
}
