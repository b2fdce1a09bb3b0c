//! Batches of a split in an order that only seed and epoch decide.

mod feed;

use std::ops::Range;
use std::sync::Arc;

use counterpoint_batch::random::RngKey;
use counterpoint_batch::{Batch, BatchSource, ModalitySpec, Sample, SourceError, Targets, share};

use crate::config::CommonConfig;
use crate::error::{DataError, ErrorKind};
use crate::split::Split;

/// First branches of the seed: the order of samples, and their random changes.
const ORDER: u64 = 0;
const AUGMENT: u64 = 1;

/// How a split becomes batches.
///
/// Plain values, so a caller can change any of them; [`Loader::new`] checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Samples in a batch.
    pub batch_size: usize,
    /// Root of the order and of random changes.
    pub seed: u64,
    /// A new order in every epoch; otherwise the order of the split.
    pub shuffle: bool,
    /// Random crops and the like, drawn from (seed, epoch, sample).
    pub augment: bool,
    /// Leave out a last batch that is not full.
    pub drop_last: bool,
    /// Threads; 0 loads in the calling thread.
    pub workers: usize,
    /// Batches that are being made or wait, at most.
    pub prefetch: usize,
    /// The same in MiB; one batch may always be made.
    pub prefetch_mb: usize,
    /// Which of the processes this is that train together, from 0 on: it loads its share of each batch.
    pub rank: usize,
    /// How many of them there are. Their shares one after another are the batch that one process loads alone.
    pub ranks: usize,
}

impl LoaderOptions {
    /// For training: shuffled, augmented and cut as configured.
    pub fn train(common: &CommonConfig, seed: u64) -> Self {
        Self {
            batch_size: common.batch_size,
            seed,
            shuffle: true,
            augment: common.augment,
            drop_last: common.drop_last,
            workers: common.workers,
            prefetch: common.prefetch,
            prefetch_mb: common.prefetch_mb,
            rank: 0,
            ranks: 1,
        }
    }

    /// For evaluation: every sample once, in order, unchanged.
    pub fn eval(common: &CommonConfig) -> Self {
        Self { shuffle: false, augment: false, drop_last: false, ..Self::train(common, 0) }
    }
}

/// A [`BatchSource`] over a split.
///
/// Batches are the same bits for any number of workers, any cache and from
/// any starting batch. Workers run ahead by `prefetch` batches and end when
/// the iterator is dropped. After an error the iterator ends.
///
/// ```no_run
/// use counterpoint_batch::BatchSource;
/// use counterpoint_data::{DataConfig, Loader, LoaderOptions};
///
/// let config = DataConfig::from_toml("name = \"spoken-digits\"")?;
/// let splits = config.open(".".as_ref())?;
/// let loader = Loader::new(splits.train, LoaderOptions::train(&config.common, 7))?;
/// for batch in loader.epoch(0, 0) {
///     assert_eq!(batch?.inputs[0].array.shape()[1..], [1, 64, 32]);
/// }
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    split: Split,
    options: LoaderOptions,
}

impl Loader {
    /// A loader over a split.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if an option is out of range, or no batch is left.
    pub fn new(split: Split, options: LoaderOptions) -> Result<Self, DataError> {
        let LoaderOptions { batch_size, workers, prefetch, prefetch_mb, rank, ranks, .. } = options;
        let range = CommonConfig { batch_size, workers, prefetch, prefetch_mb, ..CommonConfig::default() };
        range.check()?;
        if rank >= ranks {
            return Err(DataError::config(format!("`rank` must be below `ranks` = {ranks}, got {rank}")));
        }
        let loader = Self { split, options };
        if loader.batches() == 0 {
            return Err(DataError::config(format!(
                "`batch_size` = {batch_size} with `drop_last` leaves no batch of the {} {} samples; lower it",
                loader.split.len(),
                loader.split.name()
            )));
        }
        Ok(loader)
    }

    /// The split that is loaded.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// The options.
    pub fn options(&self) -> &LoaderOptions {
        &self.options
    }

    /// What a sample draws its random changes from in an epoch; `None` if there are none.
    pub fn draw(&self, epoch: usize, sample: usize) -> Option<RngKey> {
        // Keyed by the sample, not by its place in the epoch.
        self.draws(epoch).map(|draws| draws.fork(sample as u64))
    }

    fn draws(&self, epoch: usize) -> Option<RngKey> {
        self.options.augment.then(|| RngKey::new(self.options.seed).fork(AUGMENT).fork(epoch as u64))
    }

    fn recipe(&self, epoch: usize) -> Recipe {
        let root = RngKey::new(self.options.seed);
        let mut order: Vec<usize> = (0..self.split.len()).collect();
        if self.options.shuffle {
            root.fork(ORDER).fork(epoch as u64).rng().shuffle(&mut order);
        }
        Recipe { split: self.split.clone(), order, draw: self.draws(epoch) }
    }

    /// Places in the order of an epoch of what all processes load for a batch.
    fn whole(&self, batch: usize) -> Range<usize> {
        let size = self.options.batch_size;
        (batch * size).min(self.split.len())..((batch + 1) * size).min(self.split.len())
    }

    /// The part of [`Self::whole`] that this process loads.
    fn own(&self, batch: usize) -> Range<usize> {
        self.share_of(self.whole(batch))
    }

    /// What this process loads of some places.
    fn share_of(&self, whole: Range<usize>) -> Range<usize> {
        let own = share(whole.len(), self.options.rank, self.options.ranks);
        whole.start + own.start..whole.start + own.end
    }

    /// Batches that may be made or wait: as many as both limits allow.
    fn ahead(&self) -> usize {
        let inputs: usize = self.split.modalities().iter().map(|m| m.shape.iter().product::<usize>()).sum();
        let bytes = (self.own(0).len() * inputs * size_of::<f32>()).max(1);
        self.options.prefetch.min((self.options.prefetch_mb << 20) / bytes).max(1)
    }
}

impl BatchSource for Loader {
    fn modalities(&self) -> &[ModalitySpec] {
        self.split.modalities()
    }

    fn samples(&self) -> usize {
        (0..self.batches()).map(|batch| self.whole(batch).len()).sum()
    }

    fn batches(&self) -> usize {
        match self.options.drop_last {
            true => self.split.len() / self.options.batch_size,
            false => self.split.len().div_ceil(self.options.batch_size),
        }
    }

    fn targets(&self) -> Result<Targets, SourceError> {
        match self.split.targets() {
            Some(targets) => Ok(targets),
            None => {
                let mut all = Targets::Classes(Vec::new());
                for batch in self.plain() {
                    all.append(batch?.targets);
                }
                Ok(all)
            }
        }
    }

    fn presence(&self) -> Vec<Vec<bool>> {
        self.split.presence()
    }

    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let recipe = Arc::new((self.clone(), self.recipe(epoch)));
        let range = from.min(self.batches())..self.batches();
        let make = move |batch: usize, stopped: &dyn Fn() -> bool| {
            let (loader, recipe) = &*recipe;
            recipe.batch(batch, loader.own(batch), stopped)
        };
        if self.options.workers == 0 {
            let mut failed = false;
            Box::new(range.map_while(move |batch| {
                let made = (!failed).then(|| make(batch, &|| false).map_err(Into::into));
                failed = !matches!(made, Some(Ok(_)));
                made
            }))
        } else {
            let ahead = self.ahead();
            let workers = self.options.workers.min(ahead).min(range.len());
            Box::new(feed::Feed::start(make, range, workers, ahead))
        }
    }

    fn plain(&self) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        self.sampled(self.split.len())
    }

    fn sampled(&self, count: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let (size, all) = (self.options.batch_size, self.split.len());
        let count = count.min(all);
        // Spread evenly, because lists are often sorted by class or by speaker.
        let order = (0..count).map(|i| i * all / count).collect();
        let recipe = Recipe { split: self.split.clone(), order, draw: None };
        let places = move |batch: usize| self.share_of(batch * size..((batch + 1) * size).min(count));
        Box::new(
            (0..count.div_ceil(size)).map(move |batch| Ok(recipe.batch(batch, places(batch), &|| false)?)),
        )
    }

    fn share(&self, rank: usize, ranks: usize) -> Box<dyn BatchSource + '_> {
        let options = LoaderOptions { rank, ranks, ..self.options.clone() };
        Box::new(Self { split: self.split.clone(), options })
    }
}

/// Everything that decides the batches of one epoch.
struct Recipe {
    split: Split,
    order: Vec<usize>,
    draw: Option<RngKey>,
}

impl Recipe {
    /// Makes one batch; gives up between two samples when told to stop.
    fn batch(
        &self,
        number: usize,
        places: Range<usize>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Batch, DataError> {
        if places.is_empty() {
            return Ok(Batch::of_none(self.split.modalities()));
        }
        let mut samples: Vec<Sample> = Vec::with_capacity(places.len());
        for &index in &self.order[places] {
            if stopped() {
                return Err(DataError::new(ErrorKind::Internal, "loading was stopped"));
            }
            // Keyed by the sample, not by its place in the epoch.
            samples.push(self.split.sample(index, self.draw.map(|draw| draw.fork(index as u64)))?);
        }
        Batch::collate(samples, self.split.modalities())
            .map_err(|cause| DataError::shape(format!("batch {number} cannot be assembled")).because(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataConfig;

    #[test]
    fn batches_that_wait_are_limited_by_number_and_by_memory() {
        let ahead = |keys: &str| {
            let config = DataConfig::from_toml(&format!("name = \"xor\"\n{keys}")).unwrap();
            let splits = config.open(".".as_ref()).unwrap();
            let loader = Loader::new(splits.train, LoaderOptions::train(&config.common, 0)).unwrap();
            let numbers: usize = loader.modalities().iter().map(|m| m.shape.iter().product::<usize>()).sum();
            (loader.ahead(), loader.own(0).len() * numbers * 4)
        };
        assert_eq!(ahead("prefetch = 3").0, 3);
        let (many, bytes) = ahead("batch_size = 64\nprefetch = 1024\nprefetch_mb = 1");
        assert_eq!(many, ((1 << 20) / bytes).min(1024));
        let (few, larger) = ahead("batch_size = 640\nprefetch = 1024\nprefetch_mb = 1");
        assert!(larger > bytes && few < many && few * larger <= 1 << 20, "{few} of {larger} bytes");
    }
}
