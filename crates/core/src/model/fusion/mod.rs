//! Fusions: from the features of the present modalities to scores.
//!
//! Every fusion defines what it does when modalities are absent, because a
//! unimodal loss goes through it with one modality only. Zero-filling is the
//! rule; a fusion in which zeros annihilate the rest must do something else,
//! or that encoder would never learn.

mod bilinear;
mod combine;
mod concat;
mod config;
mod cross_attention;
mod ensemble;
mod film;
mod gated;
mod low_rank;
mod sum;

pub use bilinear::Bilinear;
pub use combine::{Combine, Shares};
pub use concat::Concat;
pub use config::{FusionConfig, Output};
pub use cross_attention::CrossAttention;
pub use ensemble::Ensemble;
pub use film::Film;
pub use gated::Gated;
pub use low_rank::LowRank;
pub use sum::Sum;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use super::Vectors;

/// The head as a fusion sees it: from `[batch, width]` to `[batch, outputs]`.
/// It is the identity if the fusion makes the scores itself.
pub type Read<'a> = dyn Fn(Tensor<2>) -> Tensor<2> + 'a;

/// Joins the modalities that are present, before or after the head.
pub trait Fusion: Module + ModuleDisplay {
    /// Scores of what is there; at least one entry is present.
    ///
    /// # Shapes
    /// `[batch, width of m]` for each modality to `[batch, outputs]`; `head`
    /// takes `[batch, self.width()]`.
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2>;

    /// Width of what the head reads.
    fn width(&self) -> usize;

    /// Scores of a modality by itself: what [`Row::Aux`](crate::grad::Row::Aux)
    /// means in a model without solo heads. Exactly one entry is present.
    ///
    /// Where the fused scores are a sum of one term for each modality, this is
    /// the modality's term with its part of the bias, so that the terms of all
    /// modalities add up to the fused scores.
    fn alone(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        self.scores(features, head)
    }
}

/// The fusions that a configuration can name.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per model")]
pub enum AnyFusion {
    /// See [`Concat`].
    Concat(Concat),
    /// See [`Sum`].
    Sum(Sum),
    /// See [`Gated`].
    Gated(Gated),
    /// See [`Film`].
    Film(Film),
    /// See [`Bilinear`].
    Bilinear(Bilinear),
    /// See [`LowRank`].
    LowRank(LowRank),
    /// See [`CrossAttention`].
    CrossAttention(CrossAttention),
    /// See [`Ensemble`].
    Ensemble(Ensemble),
}

/// Runs one expression on whatever fusion it is.
macro_rules! on_each {
    ($any:expr, $f:ident => $run:expr) => {
        match $any {
            AnyFusion::Concat($f) => $run,
            AnyFusion::Sum($f) => $run,
            AnyFusion::Gated($f) => $run,
            AnyFusion::Film($f) => $run,
            AnyFusion::Bilinear($f) => $run,
            AnyFusion::LowRank($f) => $run,
            AnyFusion::CrossAttention($f) => $run,
            AnyFusion::Ensemble($f) => $run,
        }
    };
}

impl Fusion for AnyFusion {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        on_each!(self, f => f.scores(features, head))
    }

    fn width(&self) -> usize {
        on_each!(self, f => f.width())
    }

    fn alone(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        on_each!(self, f => f.alone(features, head))
    }
}

/// Zeros in place of an absent modality of the given width.
pub(in crate::model) fn zero_fill(features: &Vectors, widths: &[usize]) -> Vec<Tensor<2>> {
    let there = features.iter().flatten().next().expect("a row has at least one modality");
    let (batch, device) = (there.dims()[0], there.device());
    features
        .iter()
        .zip(widths)
        .map(|(z, &width)| z.clone().unwrap_or_else(|| Tensor::zeros([batch, width], &device)))
        .collect()
}

/// Adds tensors; there is at least one.
fn sum_of(terms: impl IntoIterator<Item = Tensor<2>>) -> Tensor<2> {
    terms.into_iter().reduce(|sum, term| sum + term).expect("a row has at least one modality")
}
