//! Models: encoders, fusions and heads, and how they compose.
//!
//! No model knows that strategies exist. A model says which parameters belong
//! to which group and computes the scores of a [`Row`]; who learns from what
//! is decided in [`grad`](crate::grad).

pub mod encoder;
pub mod fusion;
pub mod head;
mod multimodal;

pub use multimodal::{Multimodal, MultimodalConfig};

use burn::module::Module;
use burn::tensor::Tensor;

use crate::grad::{Groups, Row};
use crate::input::{Input, Inputs};
use crate::layer::Pass;
use crate::modality::{Modalities, Modality};

/// Features of the modalities; `None` where a modality is absent from the row.
pub type Features = Vec<Option<Tensor<2>>>;

/// Scores of one row and the features that led to them.
#[derive(Clone, Debug)]
pub struct Scored {
    /// `[samples, outputs]`.
    pub scores: Tensor<2>,
    /// `[samples, width]` of each modality that the row has.
    pub features: Features,
}

/// A network whose rows can be computed one by one.
pub trait Model: Module {
    /// The modalities, in order.
    fn modalities(&self) -> &Modalities;

    /// Every trainable parameter with its group, collected from sub-modules.
    fn groups(&self) -> Groups;

    /// Scores of several rows, each for samples that all have what it needs.
    /// Rows may share work that is the same for them.
    fn forward(&self, rows: &[(Row, Vec<usize>)], inputs: &Inputs, pass: &mut Pass<'_>) -> Vec<Scored>;
}

/// A model whose modalities meet only after their encoders have finished, so
/// that it can be cut at the features.
pub trait LateFusion: Model {
    /// The features of one modality, `[rows of the input, width]`.
    fn encode(&self, m: Modality, input: &Input, pass: &mut Pass<'_>) -> Tensor<2>;

    /// Fusion and head on the features that are there.
    ///
    /// `row` decides between the shared head and a modality's own: `Aux(m)`
    /// goes through the solo head of `m` if there is one, else through what
    /// the fusion calls a modality [alone](fusion::Fusion::alone).
    fn fuse(&self, row: Row, features: &Features, pass: &mut Pass<'_>) -> Tensor<2>;
}
