//! Heads: from the fused vector to scores.

mod cosine;
mod linear;
mod mlp;

use burn::tensor::Tensor;
use counterpoint_catalog::{Chosen, Part};

use super::parts::{boxed, parts};
use super::{Boxed, Erased};
use crate::Error;
use crate::layer::Init;

parts! {
    HeadSettings, "head":
    linear::LinearHeadConfig,
    mlp::MlpHeadConfig,
    cosine::CosineHeadConfig,
}

/// The head that a configuration names, with its settings.
pub type HeadConfig = Chosen<dyn HeadSettings>;

/// Makes scores of a vector. A head is a [`Module`](burn::module::Module), too.
pub trait Head: Erased {
    /// # Shapes
    /// `[batch, width]` to `[batch, outputs]`.
    fn forward(&self, x: Tensor<2>) -> Tensor<2>;
}

boxed!(Head);

/// The settings of a head.
pub trait HeadSettings: Part {
    /// Builds the head of a vector that consists of parts of the given widths:
    /// one part for each modality if the fusion keeps them apart, else one.
    ///
    /// # Errors
    /// If a setting is out of range.
    fn build(&self, parts: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Head>, Error>;

    /// What follows from the settings.
    fn facts(&self) -> HeadFacts;
}

/// What is true of a head, whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadFacts {
    /// Whether scores are a sum of one term for each part of the vector (and a bias).
    pub additive: bool,
    /// Whether it is one linear layer.
    pub linear: bool,
    /// Whether it treats the parts of the vector one by one, so that the fusion
    /// has to keep modalities apart.
    pub tells_apart: bool,
}
