//! How a method itself reads a single modality.
//!
//! The rule is zero-filling: fusion and head with that modality only. It is
//! the same for all methods, but not fair to one that trains a head of its own
//! for every modality and never shows the fused head a single modality. Such a
//! method says here how its own scores are had, and evaluations give both.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use crate::modality::{Modality, Present};
use crate::step::{LossTerm, TermOutput};

/// One modality of samples that have certain ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnimodalQuery {
    /// The modality that is read.
    pub modality: Modality,
    /// Exactly what the samples have, `modality` included.
    pub present: Present,
    /// How many modalities the model has.
    pub modalities: usize,
}

impl UnimodalQuery {
    /// The term that shows all that the samples have.
    pub fn together(&self) -> LossTerm {
        LossTerm::showing(self.present, self.modalities)
    }
}

/// A method's own convention for the scores of a single modality.
///
/// Evaluations ask once for every set of modalities that samples have, so a
/// sample without an image is read as the method reads samples without one.
pub trait Native {
    /// Name for people: `own head`, `prototypes`.
    fn name(&self) -> &'static str;

    /// Whether training fits these scores to the targets, modality by
    /// modality. Then they are the better-founded ones, and comparisons read
    /// them instead of zero-filling.
    fn is_trained(&self) -> bool;

    /// The terms that the scores are made of.
    fn terms(&self, unimodal: UnimodalQuery) -> Vec<LossTerm>;

    /// Scores from the outputs of [`Self::terms`], which are all of the same
    /// samples; `None` while the method has nothing to read them by.
    ///
    /// # Shapes
    /// As the scores of the terms: `[samples, outputs]`, or
    /// `[samples * places, outputs]` of dense prediction.
    fn scores(&self, unimodal: UnimodalQuery, outputs: &BTreeMap<LossTerm, TermOutput>) -> Option<Tensor<2>>;
}
