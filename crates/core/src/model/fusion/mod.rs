//! Fusions: from the features of the present modalities to scores.
//!
//! Every fusion defines what it does when modalities are absent, because a
//! unimodal loss goes through it with one modality only. Zero-filling is the
//! rule; a fusion in which zeros annihilate the rest must do something else,
//! or that encoder would never learn.

mod bilinear;
mod combine;
mod concat;
mod cross_attention;
mod ensemble;
mod film;
mod gated;
mod low_rank;
mod sum;

pub use combine::{Combine, Shares};

use burn::tensor::Tensor;
use counterpoint_catalog::{Chosen, Part};

use super::parts::{boxed, parts};
use super::{Boxed, Erased};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::Init;

parts! {
    FusionSettings, "fusion":
    concat::ConcatConfig,
    sum::SumConfig,
    gated::GatedConfig,
    film::FilmConfig,
    bilinear::BilinearConfig,
    low_rank::LowRankConfig,
    cross_attention::CrossAttentionConfig,
    ensemble::EnsembleConfig,
}

/// The fusion that a configuration names, with its settings.
pub type FusionConfig = Chosen<dyn FusionSettings>;

/// The head as a fusion sees it: from `[batch, width]` to `[batch, outputs]`.
/// It is the identity if the fusion makes the scores itself.
pub type Read<'a> = dyn Fn(Tensor<2>) -> Tensor<2> + 'a;

/// Joins the modalities that are present, before or after the head. A fusion is
/// a [`Module`](burn::module::Module), too.
pub trait Fusion: Erased {
    /// Scores of what is there; at least one entry is present.
    ///
    /// # Shapes
    /// `[batch, width of m]` for each modality to `[batch, outputs]`; `head`
    /// takes `[batch, self.width()]`.
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2>;

    /// Width of what the head reads.
    fn width(&self) -> usize;

    /// Scores of a modality by itself: what [`LossTerm::Auxiliary`](crate::step::LossTerm::Auxiliary)
    /// means in a model without unimodal heads. Exactly one entry is present.
    ///
    /// Where the fused scores are a sum of one term for each modality, this is
    /// the modality's term with its part of the bias, so that the terms of all
    /// modalities add up to the fused scores.
    fn unimodal(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        self.scores(features, head)
    }
}

boxed!(Fusion);

/// The settings of a fusion.
pub trait FusionSettings: Part {
    /// Builds the fusion of features of the given widths for `outputs` scores.
    ///
    /// # Errors
    /// If the fusion does not take such widths or a setting is out of range; the
    /// message names the fusion, what it needs and what it got.
    fn build(&self, widths: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error>;

    /// What follows from the settings.
    fn facts(&self) -> FusionFacts;
}

/// What is true of a fusion, whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusionFacts {
    /// What it leaves to the head.
    pub output: Output,
    /// Whether it does nothing to the sum of one term for each modality: the
    /// fused scores are such a sum (and a bias) if what the head makes of one
    /// vector is, and always where no head reads a joined vector.
    pub additive: bool,
    /// Whether its formula does not ask who comes first.
    pub symmetric: bool,
}

/// What a fusion leaves to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// All vectors side by side, zeros for absent ones: the head can tell them apart.
    SideBySide,
    /// One vector for the head to read.
    Joined,
    /// The scores themselves, which a head does not follow.
    Scores,
    /// Every modality's vector by itself: one head reads all, and scores are fused.
    Each,
}

/// The width of the joined vector: as told, else that of the widest encoder.
fn joined(fusion: &str, width: Option<usize>, widths: &[usize]) -> Result<usize, Error> {
    positive(fusion, "width", width.unwrap_or(widths.iter().copied().max().unwrap_or(0)))
}

fn positive(fusion: &str, key: &str, value: usize) -> Result<usize, Error> {
    match value {
        0 => Err(Error::config(format!("fusion `{fusion}`: {key} must be positive, got 0"))),
        _ => Ok(value),
    }
}

/// Zeros in place of an absent modality of the given width.
pub(in crate::model) fn zero_fill(features: &Vectors, widths: &[usize]) -> Vec<Tensor<2>> {
    let there = features.iter().flatten().next().expect("a term has at least one modality");
    let (batch, device) = (there.dims()[0], there.device());
    features
        .iter()
        .zip(widths)
        .map(|(z, &width)| z.clone().unwrap_or_else(|| Tensor::zeros([batch, width], &device)))
        .collect()
}

/// Adds tensors; there is at least one.
fn sum_of(terms: impl IntoIterator<Item = Tensor<2>>) -> Tensor<2> {
    terms.into_iter().reduce(|sum, term| sum + term).expect("a term has at least one modality")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fusion(text: &str) -> Result<FusionConfig, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let of = |name: &str| fusion(&format!("{{\"name\": \"{name}\"}}")).unwrap();
        assert_eq!(of("gated"), GatedConfig { width: None }.into());
        assert_eq!(of("bilinear"), BilinearConfig { dims: 64, full: false, width: None }.into());
        assert_eq!(of("low-rank"), LowRankConfig { rank: 4, width: None }.into());
        assert_eq!(of("cross-attention"), CrossAttentionConfig { heads: 4, width: None }.into());
        assert_eq!(of("ensemble"), EnsembleConfig { weights: Combine::Mean, rate: false }.into());
        let entropy = fusion(r#"{"name": "ensemble", "weights": "entropy"}"#).unwrap();
        assert_eq!(entropy, EnsembleConfig { weights: Combine::Entropy, rate: false }.into());
    }

    #[test]
    fn unknown_names_keys_and_words_are_refused() {
        let refused = [
            (r#"{"name": "concatenate"}"#, "concatenate"),
            (r#"{"name": "concat", "width": 3}"#, "width"),
            (r#"{"name": "gated", "widht": 3}"#, "widht"),
            (r#"{"name": "ensemble", "weights": "entropi"}"#, "entropi"),
            (r#"{"name": "low-rank", "rank": -1}"#, "-1"),
        ];
        for (text, word) in refused {
            let error = fusion(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn the_joined_vector_is_as_wide_as_the_widest_encoder_unless_told() {
        let init = Init::new(0, &burn::tensor::Device::flex());
        let width = |config: FusionConfig| config.build(&[3, 8, 4], 2, &init).unwrap().width();
        assert_eq!(width(GatedConfig { width: None }.into()), 8);
        assert_eq!(width(LowRankConfig { rank: 2, width: None }.into()), 8);
        assert_eq!(width(CrossAttentionConfig { heads: 4, width: None }.into()), 8);
        assert_eq!(width(BilinearConfig { dims: 2, full: false, width: Some(5) }.into()), 5);
        assert_eq!(width(FilmConfig {}.into()), 4, "as wide as what it modulates");
        assert_eq!(width(ConcatConfig {}.into()), 15);
    }
}
