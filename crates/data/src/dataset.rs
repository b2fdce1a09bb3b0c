//! An opened data set: fitted preparations over the samples of all parts.

use std::sync::{Arc, OnceLock};

use counterpoint_batch::memory;
use counterpoint_batch::random::RngKey;
use counterpoint_batch::{Array, ClassFrequency, ClassMap, ModalitySpec, Sample, Target, TargetSpec};

use crate::cache::{Budget, Cache};
use crate::check::{Check, check};
use crate::config::CommonConfig;
use crate::contents::Contents;
use crate::decode::Levels;
use crate::disk::{Disk, Key};
use crate::error::{DataError, ErrorKind};
use crate::library::Library;
use crate::media::{Extract, Want};
use crate::plan::Plan;
use crate::prepare::{AugmentKeys, MapSteps, Preparation, Raw, Steps};
use crate::progress::Progress;
use crate::record::{Part, Record};
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// Fork of a sample's draw for what its modalities and label draw alike; no modality has this number.
const SHARED: u64 = u64::MAX;

/// What the splits of one data set share.
#[derive(Debug)]
pub struct Dataset {
    pub classes: Vec<String>,
    pub labelling: Labelling,
    pub preparations: Vec<Preparation>,
    pub spec: Vec<ModalitySpec>,
    pub records: Vec<Record>,
    pub notes: Vec<String>,
    /// Whether training samples of modalities with random steps are cached before these.
    augment: bool,
    raw: Cache<Raw>,
    arranged: Cache<Array>,
    /// Label maps as they are read (one place per sample), and at the model's size.
    raw_maps: Cache<Levels>,
    maps: Cache<ClassMap>,
    /// Height and width of a sample's pictures, where they must be one.
    sides: Vec<OnceLock<[usize; 2]>>,
    targets: OnceLock<TargetSpec>,
    budget: Budget,
    disk: Option<Arc<Disk>>,
    library: Library,
    /// What entries on the disk depend on beside their file, for each modality: decoded, and arranged.
    steps: Vec<[String; 2]>,
    pub(crate) digest: OnceLock<(String, Contents)>,
    pub progress: Progress,
}

impl Dataset {
    /// Checks a plan and fits what is to be fitted on its training samples, or
    /// takes over what was fitted before.
    pub fn build(
        mut plan: Plan,
        common: &CommonConfig,
        fitted: Option<&[Preparation]>,
        progress: &Progress,
    ) -> Result<Self, DataError> {
        plan.respell();
        plan.settle(common.modalities.is_some())?;
        let Plan { classes, labelling, drafts, records, notes } = plan;
        let (preparations, fits): (Vec<_>, Vec<_>) =
            drafts.into_iter().map(|d| (d.preparation, d.fit)).unzip();
        if let Some(free) = memory::free() {
            let specs: Vec<ModalitySpec> = preparations.iter().map(Preparation::spec).collect();
            check_batch(&specs, common.batch_size.min(records.len()), free)?;
        }
        let disk = common.disk()?;
        let slots = records.len() * preparations.len();
        let labels = if matches!(labelling, Labelling::Maps(_)) { records.len() } else { 0 };
        let mut set = Self {
            classes,
            labelling,
            spec: Vec::new(),
            preparations,
            records,
            notes,
            augment: common.augment,
            raw: Cache::new(slots),
            arranged: Cache::new(slots),
            raw_maps: Cache::new(labels),
            maps: Cache::new(labels),
            sides: (0..labels).map(|_| OnceLock::new()).collect(),
            targets: OnceLock::new(),
            budget: Budget::new(common.cache_mb.saturating_mul(1 << 20)),
            library: Library::new(disk.as_ref()),
            disk,
            steps: Vec::new(),
            digest: OnceLock::new(),
            progress: progress.clone(),
        };
        let fits = match fitted {
            None => fits,
            Some(fitted) => {
                set.take_over(fitted)?;
                Vec::new()
            }
        };
        // What is fitted lies behind the steps, so they are the same before and after.
        set.steps = set.preparations.iter().map(|p| [p.steps.decoding(), p.steps.arranging()]).collect();
        for (modality, fit) in fits.into_iter().enumerate() {
            set.fit(modality, fit)?;
        }
        set.spec = set.preparations.iter().map(Preparation::spec).collect();
        let idle = set.preparations.iter().filter(|p| !common.augment && p.asks_for_chance());
        let idle: Vec<String> = idle.map(|p| format!("`{}`", p.modality)).collect();
        if !idle.is_empty() {
            set.notes.push(format!(
                "random changes of {} are set, but `augment` is false, so training makes none; set `augment` = true",
                idle.join(" and ")
            ));
        }
        Ok(set)
    }

    /// Prepares inputs as a model that was trained before expects them.
    fn take_over(&mut self, fitted: &[Preparation]) -> Result<(), DataError> {
        let names = |of: &[Preparation]| of.iter().map(|p| p.modality.clone()).collect::<Vec<_>>();
        let (are, were) = (names(&self.preparations), names(fitted));
        if are != were {
            return Err(DataError::config(format!(
                "the modalities are {}, but the model was trained on {}",
                are.join(", "),
                were.join(", ")
            )));
        }
        self.preparations = fitted.to_vec();
        Ok(())
    }

    /// One modality of one sample before normalisation; `None` if it is absent.
    pub(crate) fn arranged(
        &self,
        record: usize,
        modality: usize,
        chance: Option<AugmentKeys>,
    ) -> Result<Option<Array>, DataError> {
        let (entry, preparation) = (&self.records[record], &self.preparations[modality]);
        let Some(source) = &entry.sources[modality] else { return Ok(None) };
        let place =
            |e: DataError| e.at(format_args!("sample `{}`, modality `{}`", entry.id, preparation.modality));
        let chance = chance.filter(|_| preparation.random());
        let slot = record * self.preparations.len() + modality;
        if let (None, Some(array)) = (chance, self.arranged.get(slot)) {
            return Ok(Some(array.clone()));
        }
        let arrange = |raw: &Raw| preparation.arrange(raw, chance).map_err(|e| place(at_file(e, source)));
        if let Some(raw) = self.raw.get(slot) {
            return arrange(raw).map(Some);
        }
        // What is in memory already need not be kept twice.
        let file = source.place().is_some();
        // With augmentation on, epochs ask for the decoded file, not for what the fit saw.
        let varies = self.augment && entry.part == Part::Train && preparation.random();
        // Pictures of a scene are compared with each other, so they are kept as they are decoded.
        let decoded = varies || chance.is_some() || matches!(preparation.steps, Steps::Scene(_));
        let kept = file && preparation.steps.decodes() && (varies || chance.is_none());
        let disk = self.disk.as_ref().filter(|_| kept);
        let steps = &self.steps[modality][usize::from(!decoded)];
        let disk = disk.and_then(|disk| Some((disk, Key::new(source, steps)?)));
        if let (Some((disk, key)), false) = (disk, decoded)
            && let Some(array) = disk.get::<Array>(key, source)
        {
            self.arranged.put(slot, size_of_val(array.values()), &self.budget, || array.clone());
            return Ok(Some(array));
        }
        let of = &preparation.steps;
        let extract = || self.extract(entry, source, of.want());
        let load = || extract().and_then(|extract| of.load(source, extract)).map_err(place);
        let raw = match disk.filter(|_| decoded) {
            Some((disk, key)) => match disk.get(key, source) {
                Some(raw) => raw,
                None => {
                    let raw = load()?;
                    disk.put(key, &raw);
                    raw
                }
            },
            None => load()?,
        };
        let side = match (&preparation.steps, &raw) {
            (Steps::Scene(_), Raw::Picture(picture)) => Some([picture.height, picture.width]),
            (Steps::Scene(_), Raw::Levels(levels)) => Some([levels.height, levels.width]),
            _ => None,
        };
        if let Some(side) = side {
            self.check_side(record, side).map_err(|e| place(at_file(e, source)))?;
        }
        let array = arrange(&raw)?;
        if let (Some((disk, key)), false) = (disk, decoded) {
            disk.put(key, &array);
        }
        if file && varies {
            self.raw.put(slot, raw.bytes(), &self.budget, || raw);
        } else if file && chance.is_none() {
            self.arranged.put(slot, size_of_val(array.values()), &self.budget, || array.clone());
        }
        Ok(Some(array))
    }

    /// What ffmpeg takes out of a source of a sample; `None` if it is read without.
    pub(crate) fn extract(
        &self,
        entry: &Record,
        source: &Source,
        want: Option<Want>,
    ) -> Result<Option<Extract>, DataError> {
        let wants = entry.wants(self.preparations.iter().map(|of| of.steps.want()));
        self.library.open(source, want, wants)
    }

    /// One finished sample.
    pub fn sample(&self, record: usize, draw: Option<RngKey>) -> Result<Sample, DataError> {
        let entry = &self.records[record];
        let mut inputs = Vec::with_capacity(self.preparations.len());
        for (modality, preparation) in self.preparations.iter().enumerate() {
            let chance =
                draw.map(|draw| AugmentKeys { shared: draw.fork(SHARED), own: draw.fork(modality as u64) });
            let mut array = self.arranged(record, modality, chance)?;
            if let Some(array) = &mut array {
                preparation.finish(array, chance.map(|chance| chance.own));
            }
            inputs.push(array);
        }
        let target = match (&entry.truth, self.labelling) {
            (Truth::Class(class), _) => Target::Class(*class),
            (Truth::Value(value), _) => Target::Value(*value),
            (Truth::Labels(flags), _) => Target::Labels(flags.clone()),
            (Truth::Map(source), Labelling::Maps(steps)) => {
                let chance = draw.map(|draw| AugmentKeys { shared: draw.fork(SHARED), own: draw });
                Target::Map(self.map(record, source, steps, chance)?)
            }
            (Truth::Map(_), _) => {
                return Err(DataError::new(ErrorKind::Internal, "a label map without its preparation"));
            }
        };
        Ok(Sample::new(&entry.id, inputs, target))
    }

    /// The label map of one sample.
    fn map(
        &self,
        record: usize,
        source: &Source,
        steps: MapSteps,
        chance: Option<AugmentKeys>,
    ) -> Result<ClassMap, DataError> {
        let entry = &self.records[record];
        if let (None, Some(map)) = (chance, self.maps.get(record)) {
            return Ok(map.clone());
        }
        if let Some(picture) = self.raw_maps.get(record) {
            return Ok(steps.arrange(picture, chance));
        }
        let place = |e: DataError| e.at(format_args!("label of sample `{}`", entry.id));
        let Source::Levels { path } = source else {
            return Err(place(DataError::new(
                ErrorKind::Internal,
                "a label map that is not a picture of numbers",
            )));
        };
        let picture = Levels::read(path).map_err(place)?;
        let side = [picture.height, picture.width];
        let check = steps.check(&picture).and_then(|()| self.check_side(record, side));
        check.map_err(|e| place(at_file(e, source)))?;
        let map = steps.arrange(&picture, chance);
        if self.augment && entry.part == Part::Train {
            self.raw_maps.put(record, picture.values.len() * 2, &self.budget, || picture);
        } else if chance.is_none() {
            self.maps.put(record, map.pixels.len(), &self.budget, || map.clone());
        }
        Ok(map)
    }

    /// Refuses a picture of another size than those of its sample before it.
    fn check_side(&self, record: usize, found: [usize; 2]) -> Result<(), DataError> {
        let Some(side) = self.sides.get(record) else { return Ok(()) };
        let [height, width] = *side.get_or_init(|| found);
        if found == [height, width] {
            return Ok(());
        }
        Err(DataError::shape(format!(
            "has {} x {} pixels, another picture of this sample {height} x {width}; colour, depth and label \
             must show the same pixels: scale one of them",
            found[0], found[1]
        )))
    }

    /// What is to be predicted; reads the training label maps at the first call.
    pub fn targets(&self) -> Result<TargetSpec, DataError> {
        let count = self.classes.len();
        let steps = match self.labelling {
            Labelling::Classes => return Ok(TargetSpec::Classes { count }),
            Labelling::Values => return Ok(TargetSpec::Values),
            Labelling::Labels => return Ok(TargetSpec::Labels { count }),
            Labelling::Maps(steps) => steps,
        };
        if let Some(known) = self.targets.get() {
            return Ok(known.clone());
        }
        let mut frequency = ClassFrequency::new(count);
        for (record, entry) in self.records.iter().enumerate().filter(|(_, r)| r.part == Part::Train) {
            self.progress.tell("label maps read", record, self.records.len());
            if let Truth::Map(source) = &entry.truth {
                frequency.add(&self.map(record, source, steps, None)?);
            }
        }
        let [height, width] = steps.size;
        let spec = TargetSpec::Maps { height, width, frequency: frequency.shares() };
        Ok(self.targets.get_or_init(|| spec).clone())
    }

    /// Of every class whether a label map of the part shows it.
    pub fn classes_in_maps(&self, part: Part) -> Result<Vec<bool>, DataError> {
        let mut seen = vec![false; self.classes.len()];
        let Labelling::Maps(steps) = self.labelling else { return Ok(seen) };
        for (record, entry) in self.records.iter().enumerate().filter(|(_, r)| r.part == part) {
            if let Truth::Map(source) = &entry.truth {
                mark(&mut seen, &self.map(record, source, steps, None)?);
            }
        }
        Ok(seen)
    }

    /// What is worth telling of the cache on the disk.
    pub fn cache_notes(&self) -> Vec<String> {
        let notes = self.disk.as_ref().map(|disk| disk.notes()).unwrap_or_default();
        notes.into_iter().chain(self.library.notes()).collect()
    }

    /// Whether all files can be used; see [`Check`].
    pub fn check(&self, how: Check, threads: usize) -> Result<(), DataError> {
        check(&self.records, &self.preparations, &self.library, how, threads, &self.progress)
    }
}

/// Refuses batches that do not fit into `free` bytes: as arrays, and once more as tensors.
fn check_batch(specs: &[ModalitySpec], samples: usize, free: u64) -> Result<(), DataError> {
    let bytes = |spec: &ModalitySpec| {
        let sample = spec.shape.iter().fold(8, |bytes: u64, &side| bytes.saturating_mul(side as u64));
        sample.saturating_mul(samples as u64)
    };
    let needed = specs.iter().map(bytes).fold(0, u64::saturating_add);
    if needed <= free {
        return Ok(());
    }
    let largest = specs.iter().max_by_key(|spec| bytes(spec)).map_or(String::new(), |spec| {
        format!("; the largest input is `{}` of shape {:?}", spec.name, spec.shape)
    });
    Err(DataError::config(format!(
        "a batch of {samples} samples needs about {}, {} are free{largest}: lower its size or `batch_size`",
        memory::shown(needed),
        memory::shown(free)
    )))
}

/// Marks the classes of a label map.
fn mark(seen: &mut [bool], map: &ClassMap) {
    for &class in &map.pixels {
        if let Some(seen) = seen.get_mut(usize::from(class)) {
            *seen = true;
        }
    }
}

/// Names the file of an error that arose after decoding.
fn at_file(error: DataError, source: &Source) -> DataError {
    match source.place() {
        Some(place) => error.at(place),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_larger_than_the_memory_is_refused_with_both_figures() {
        let specs = [ModalitySpec::new("audio", [1, 4, 4]), ModalitySpec::new("image", [3, 1000, 1000])];
        assert!(check_batch(&specs, 100, 3_000_000_000).is_ok());
        let message = check_batch(&specs, 1000, 3_000_000_000).unwrap_err().to_string();
        assert!(message.contains("a batch of 1000 samples needs about 24 GB, 3.0 GB are free"), "{message}");
        assert!(message.contains("`image` of shape [3, 1000, 1000]"), "{message}");
        assert!(check_batch(&specs, usize::MAX, u64::MAX - 1).is_err(), "counts stay within 64 bits");
    }

    #[test]
    fn void_pixels_mark_no_class() {
        let mut seen = vec![false; 2];
        mark(&mut seen, &ClassMap { height: 1, width: 2, pixels: vec![1, ClassMap::VOID] });
        assert_eq!(seen, [false, true]);
    }
}
