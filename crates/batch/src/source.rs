//! Where batches come from: the one interface between loading and training.

use std::error::Error;

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
}
