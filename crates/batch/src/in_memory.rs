//! Samples that are in memory already, as batches.

use std::collections::BTreeSet;

use crate::random::Random;
use crate::{Batch, BatchSource, ModalitySpec, Sample, ShapeError, SourceError};

/// Samples in memory, shuffled anew in every pass.
///
/// ```
/// use counterpoint_batch::{Array, BatchSource, InMemory, ModalitySpec, Sample, Target};
///
/// let spec = vec![ModalitySpec::new("audio", [2])];
/// let sample = |i: usize| {
///     let audio = Array::new([2], vec![i as f32, 0.0])?;
///     Ok::<_, counterpoint_batch::ShapeError>(Sample::new(format!("s{i}"), vec![Some(audio)], Target::Class(i % 2)))
/// };
/// let samples = (0..5).map(sample).collect::<Result<Vec<_>, _>>()?;
/// let data = InMemory::new(spec, samples, 2, 0)?;
/// assert_eq!((data.samples(), data.batches()), (5, 3));
/// let ids = |epoch| -> Vec<String> { data.epoch(epoch, 0).flat_map(|batch| batch.unwrap().ids).collect() };
/// assert_eq!(ids(3), ids(3)); // a pass is a function of its number, whatever was asked for before
/// assert_ne!(ids(0), ids(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct InMemory {
    spec: Vec<ModalitySpec>,
    samples: Vec<Sample>,
    batch_size: usize,
    seed: u64,
}

impl InMemory {
    /// Batches of `batch_size` samples (the last may be smaller), in an order that `seed` and the
    /// number of the pass decide.
    ///
    /// # Errors
    /// If there is no sample, `batch_size` is 0, or a sample does not fit the specification.
    pub fn new(
        spec: Vec<ModalitySpec>,
        samples: Vec<Sample>,
        batch_size: usize,
        seed: u64,
    ) -> Result<Self, ShapeError> {
        if samples.is_empty() || batch_size == 0 {
            let (count, plural) = (samples.len(), if samples.len() == 1 { "" } else { "s" });
            return Err(ShapeError(format!(
                "{count} sample{plural} in batches of {batch_size}: expected at least 1 of each"
            )));
        }
        for sample in &samples {
            Batch::collate(vec![sample.clone()], &spec)?;
        }
        Ok(Self { spec, samples, batch_size, seed })
    }

    fn batch(&self, chosen: &[usize]) -> Result<Batch, SourceError> {
        let samples = chosen.iter().map(|&i| self.samples[i].clone()).collect();
        Ok(Batch::collate(samples, &self.spec)?)
    }

    fn in_order(
        &self,
        order: Vec<usize>,
        from: usize,
    ) -> impl Iterator<Item = Result<Batch, SourceError>> + Send {
        let first = (from * self.batch_size).min(order.len());
        let chosen: Vec<Vec<usize>> = order[first..].chunks(self.batch_size).map(<[usize]>::to_vec).collect();
        chosen.into_iter().map(|chosen| self.batch(&chosen))
    }
}

impl BatchSource for InMemory {
    fn modalities(&self) -> &[ModalitySpec] {
        &self.spec
    }

    fn samples(&self) -> usize {
        self.samples.len()
    }

    fn batches(&self) -> usize {
        self.samples.len().div_ceil(self.batch_size)
    }

    fn presence(&self) -> Vec<Vec<bool>> {
        presence(&self.samples)
    }

    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let order = Random::new(self.seed, &["order", &epoch.to_string()]).permutation(self.samples.len());
        Box::new(self.in_order(order, from))
    }

    fn plain(&self) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        Box::new(self.in_order((0..self.samples.len()).collect(), 0))
    }
}

/// The sets of modalities that samples have, each once: what [`BatchSource::presence`] tells.
pub fn presence(samples: &[Sample]) -> Vec<Vec<bool>> {
    let has = |sample: &Sample| sample.inputs.iter().map(Option::is_some).collect();
    let sets: BTreeSet<Vec<bool>> = samples.iter().map(has).collect();
    sets.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Array, Target};

    fn sample(id: &str, shape: &[usize]) -> Sample {
        Sample::new(id, vec![(!shape.is_empty()).then(|| Array::zeros(shape))], Target::Class(0))
    }

    #[test]
    fn a_pass_has_every_sample_once_and_can_be_entered_anywhere() {
        let spec = vec![ModalitySpec::new("audio", [2])];
        let samples = (0..7).map(|i| sample(&i.to_string(), if i == 3 { &[] } else { &[2] })).collect();
        let data = InMemory::new(spec, samples, 3, 5).unwrap();
        let ids = |batches: Vec<Batch>| batches.into_iter().flat_map(|b| b.ids).collect::<Vec<_>>();
        let pass = |from| ids(data.epoch(2, from).map(Result::unwrap).collect());
        let mut sorted = pass(0);
        sorted.sort();
        let plain = ids(data.plain().map(Result::unwrap).collect());
        assert_eq!((&sorted, sorted.len()), (&plain, 7));
        assert_eq!(pass(1), pass(0)[3..]);
        assert_eq!(pass(9), [""; 0]);
        assert_eq!(data.presence(), [[false], [true]]);
    }

    #[test]
    fn what_makes_no_batch_is_refused_by_sample_and_shape() {
        let spec = || vec![ModalitySpec::new("audio", [2])];
        let refused = |samples, size| InMemory::new(spec(), samples, size, 0).unwrap_err().to_string();
        assert_eq!(refused(Vec::new(), 2), "0 samples in batches of 2: expected at least 1 of each");
        assert_eq!(
            refused(vec![sample("a", &[2])], 0),
            "1 sample in batches of 0: expected at least 1 of each"
        );
        let wrong = refused(vec![sample("a", &[2]), sample("b", &[3])], 2);
        assert_eq!(wrong, "sample `b`: modality `audio` has shape [3], expected [2]");
    }
}
