//! Fusions: from the features of the present modalities to one vector.
//!
//! Every fusion defines what it does when modalities are absent, because a
//! unimodal loss goes through it with one modality only. Zero-filling is the
//! rule; a fusion in which zeros annihilate the rest must do something else,
//! or that encoder would never learn.

mod concat;
mod sum;

pub use concat::Concat;
pub use sum::Sum;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Features;
use crate::Error;
use crate::layer::Init;

/// Joins the features of the modalities that are present.
pub trait Fusion: Module + ModuleDisplay {
    /// Joins what is there; at least one entry is present.
    ///
    /// # Shapes
    /// `[batch, width of m]` for each modality to `[batch, self.width()]`.
    fn fuse(&self, features: &Features) -> Tensor<2>;

    /// Width of the joined vector.
    fn width(&self) -> usize;
}

/// Settings of the fusion; which ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FusionConfig {
    /// Features side by side.
    Concat {},
    /// A linear layer for each modality; their outputs are added and are the scores.
    Sum {},
}

/// What a fusion leaves to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A vector for a head to read.
    Vector,
    /// The scores themselves: there is no head behind it.
    Scores,
}

impl FusionConfig {
    /// Names of all fusions with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        ("concat", "features side by side; absent modalities are zeros"),
        (
            "sum",
            "one linear layer to the scores for each modality, added; absent modalities leave their bias",
        ),
    ];

    /// Builds the fusion of features of the given widths for `outputs` scores.
    ///
    /// # Errors
    /// If the fusion does not take so many modalities or such widths.
    pub fn build(&self, widths: &[usize], outputs: usize, init: &Init) -> Result<AnyFusion, Error> {
        Ok(match self {
            Self::Concat {} => AnyFusion::Concat(Concat::new(widths)),
            Self::Sum {} => AnyFusion::Sum(Sum::new(widths, outputs, init)),
        })
    }

    /// What the fusion leaves to the head.
    pub fn output(&self) -> Output {
        match self {
            Self::Concat {} => Output::Vector,
            Self::Sum {} => Output::Scores,
        }
    }
}

/// The fusions that a configuration can name.
#[derive(Module, Debug)]
pub enum AnyFusion {
    /// See [`Concat`].
    Concat(Concat),
    /// See [`Sum`].
    Sum(Sum),
}

impl Fusion for AnyFusion {
    fn fuse(&self, features: &Features) -> Tensor<2> {
        match self {
            Self::Concat(f) => f.fuse(features),
            Self::Sum(f) => f.fuse(features),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Concat(f) => f.width(),
            Self::Sum(f) => f.width(),
        }
    }
}

/// Zeros in place of an absent modality of the given width.
fn zero_fill(features: &Features, widths: &[usize]) -> Vec<Tensor<2>> {
    let there = features.iter().flatten().next().expect("a row has at least one modality");
    let (batch, device) = (there.dims()[0], there.device());
    features
        .iter()
        .zip(widths)
        .map(|(z, &width)| z.clone().unwrap_or_else(|| Tensor::zeros([batch, width], &device)))
        .collect()
}
