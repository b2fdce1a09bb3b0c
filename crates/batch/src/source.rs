//! Where batches come from: the one interface between loading and training.

use std::error::Error;
use std::ops::Range;

use crate::{Batch, ModalitySpec, Targets};

/// Why a batch could not be made; the chain names file, field or shape.
pub type SourceError = Box<dyn Error + Send + Sync>;

/// Batches of one split.
pub trait BatchSource: Send + Sync {
    /// The modalities, in the order of [`Batch::inputs`].
    fn modalities(&self) -> &[ModalitySpec];

    /// Number of samples in one pass.
    fn samples(&self) -> usize;

    /// Number of batches in one pass.
    fn batches(&self) -> usize;

    /// The sets of modalities that samples have, each once: one flag for each
    /// modality, in order. Without an override every sample has all of them; a
    /// source with gaps must override this, or nobody can tell before training
    /// that a loss finds no sample.
    fn presence(&self) -> Vec<Vec<bool>> {
        vec![vec![true; self.modalities().len()]]
    }

    /// The batches of pass `epoch`, from batch number `from` on.
    ///
    /// The same `epoch` gives the same batches in the same order and with the
    /// same random augmentation, whatever was asked for before: this is what
    /// makes an interrupted run continue exactly.
    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_>;

    /// Every sample that can be had, without augmentation, in a fixed order:
    /// for measurements. A source that augments, shuffles or drops a last
    /// partial batch must override this.
    fn plain(&self) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        self.epoch(0, 0)
    }

    /// The targets of [`Self::plain`]'s samples, in no order that means anything. A source that
    /// knows them without reading its samples should override this.
    ///
    /// # Errors
    /// If a batch cannot be read.
    fn targets(&self) -> Result<Targets, SourceError> {
        let mut all = Targets::Classes(Vec::new());
        for batch in self.plain() {
            all.append(batch?.targets);
        }
        Ok(all)
    }

    /// About `count` samples that stand for the whole, as [`Self::plain`] gives
    /// them and the same ones every time: for measurements that must be cheap.
    /// By default the first batches; a source whose order means something must
    /// override this.
    fn sampled(&self, count: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let mut given = 0;
        Box::new(self.plain().take_while(move |batch| {
            let more = given < count;
            given += batch.as_ref().map_or(0, Batch::len);
            more
        }))
    }

    /// The share of the process `rank` of `ranks` that train one model together: of every batch the
    /// samples that [`share`] says, maybe none. All else is said of the whole. A source that need not
    /// make a batch to give a part of it should override this.
    fn share(&self, rank: usize, ranks: usize) -> Box<dyn BatchSource + '_> {
        Box::new(Shared { whole: self, rank, ranks })
    }
}

/// Which of `count` things the process `rank` of `ranks` has; all shares one after another are all things.
pub fn share(count: usize, rank: usize, ranks: usize) -> Range<usize> {
    count * rank / ranks..count * (rank + 1) / ranks
}

/// A source whose batches are cut after they were made.
struct Shared<'a, S: ?Sized> {
    whole: &'a S,
    rank: usize,
    ranks: usize,
}

impl<S: BatchSource + ?Sized> Shared<'_, S> {
    fn cut<'s>(
        &'s self,
        batches: Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + 's>,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + 's> {
        Box::new(batches.map(|batch| {
            let batch = batch?;
            let own = share(batch.len(), self.rank, self.ranks);
            Ok(batch.part(own)?)
        }))
    }
}

impl<S: BatchSource + ?Sized> BatchSource for Shared<'_, S> {
    fn modalities(&self) -> &[ModalitySpec] {
        self.whole.modalities()
    }

    fn samples(&self) -> usize {
        self.whole.samples()
    }

    fn batches(&self) -> usize {
        self.whole.batches()
    }

    fn presence(&self) -> Vec<Vec<bool>> {
        self.whole.presence()
    }

    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        self.cut(self.whole.epoch(epoch, from))
    }

    fn plain(&self) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        self.cut(self.whole.plain())
    }

    fn targets(&self) -> Result<Targets, SourceError> {
        self.whole.targets()
    }

    fn sampled(&self, count: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        self.cut(self.whole.sampled(count))
    }

    fn share(&self, rank: usize, ranks: usize) -> Box<dyn BatchSource + '_> {
        // Of a nameless source, or there would be no end of types.
        Box::new(Shared::<dyn BatchSource> { whole: self, rank, ranks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Array, Sample, Target};

    struct Five(Vec<ModalitySpec>);

    impl BatchSource for Five {
        fn modalities(&self) -> &[ModalitySpec] {
            &self.0
        }

        fn samples(&self) -> usize {
            5
        }

        fn batches(&self) -> usize {
            2
        }

        fn epoch(
            &self,
            _epoch: usize,
            from: usize,
        ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
            let sample = |i: usize| {
                let array = (i != 1).then(|| Array::new([2], vec![i as f32, 0.5]).unwrap());
                Sample::new(format!("s{i}"), vec![array], Target::Class(i))
            };
            let batches = [0..4, 4..5].into_iter().skip(from);
            Box::new(batches.map(move |of| Ok(Batch::collate(of.map(sample).collect(), &self.0)?)))
        }
    }

    #[test]
    fn shares_one_after_another_are_the_batch_and_some_are_empty() {
        let source = Five(vec![ModalitySpec::new("x", [2])]);
        let whole: Vec<Batch> = source.epoch(0, 0).map(Result::unwrap).collect();
        for ranks in 1..=3 {
            let of = |rank| source.share(rank, ranks).epoch(0, 0).map(Result::unwrap).collect::<Vec<_>>();
            let shares: Vec<Vec<Batch>> = (0..ranks).map(of).collect();
            for (number, whole) in whole.iter().enumerate() {
                let all = || shares.iter().map(|share| &share[number]);
                assert_eq!(all().flat_map(|b| b.ids.clone()).collect::<Vec<_>>(), whole.ids);
                let values = all().flat_map(|b| b.inputs[0].array.values().to_vec());
                assert_eq!(values.collect::<Vec<_>>(), whole.inputs[0].array.values());
                let present = all().flat_map(|b| b.inputs[0].present.clone());
                assert_eq!(present.collect::<Vec<_>>(), whole.inputs[0].present);
                let mut targets = Targets::Values(Vec::new());
                all().for_each(|b| targets.append(b.targets.clone()));
                assert_eq!(targets, whole.targets);
                assert!(all().all(|b| b.inputs[0].array.shape() == [b.len(), 2]));
            }
        }
        assert_eq!(source.share(0, 3).epoch(0, 1).next().unwrap().unwrap().len(), 0);
    }
}
