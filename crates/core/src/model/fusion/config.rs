//! Which fusions there are and their settings.

use serde::{Deserialize, Serialize};

use super::{AnyFusion, Bilinear, Combine, Concat, CrossAttention, Ensemble, Film, Gated, LowRank, Sum};
use crate::Error;
use crate::layer::Init;

/// Settings of the fusion; which ones there are.
///
/// A `width` that is left out is that of the widest encoder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FusionConfig {
    /// Vectors side by side.
    Concat {},
    /// A linear layer for each modality; their outputs are added and are the scores.
    Sum {},
    /// The last present modality, gated by the others.
    Gated {
        /// Width of the joined vector.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<usize>,
    },
    /// The last modality, scaled and shifted by the others.
    Film {},
    /// Outer products of pairs of modalities.
    Bilinear {
        /// Width that features are projected to before they are multiplied.
        #[serde(default = "bilinear_dims")]
        dims: usize,
        /// Multiplies the features themselves; `dims` plays no part.
        #[serde(default)]
        full: bool,
        /// Width of the joined vector.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<usize>,
    },
    /// The outer product of all modalities through a weight of low rank.
    LowRank {
        /// Number of terms.
        #[serde(default = "rank")]
        rank: usize,
        /// Width of the joined vector.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<usize>,
    },
    /// Attention among the modalities, one token each.
    CrossAttention {
        /// Number of attention heads; divides the width.
        #[serde(default = "heads")]
        heads: usize,
        /// Width of the tokens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<usize>,
    },
    /// One head reads every modality alone; their scores are combined.
    Ensemble {
        /// How scores are combined: `mean`, `entropy`, `sum`, or a list of weights
        /// in the order of the modalities.
        #[serde(default)]
        weights: Combine,
        /// Multiplies the combined scores by a trainable number that starts at 1.
        #[serde(default)]
        rate: bool,
    },
}

fn bilinear_dims() -> usize {
    64
}

fn rank() -> usize {
    4
}

fn heads() -> usize {
    4
}

/// What a fusion leaves to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// One vector for the head to read.
    Vector,
    /// The scores themselves: there is no head behind it.
    Scores,
    /// Every modality's vector by itself: one head reads all, and scores are fused.
    Each,
}

impl FusionConfig {
    /// Names of all fusions with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        ("concat", "features side by side; absent modalities are zeros"),
        (
            "sum",
            "one linear layer to the scores for each modality, added; absent modalities leave their bias",
        ),
        ("gated", "the last present modality times the sigmoid of the others; one alone gates itself"),
        ("film", "the last modality scaled by 1 + gamma and shifted by beta, both from the others"),
        ("bilinear", "outer product of projected features, or of whole ones; one alone is squared"),
        (
            "low-rank",
            "low-rank tensor fusion: products of affine maps, so absent modalities leave a constant",
        ),
        ("cross-attention", "attention among one token for each modality; absent tokens are left out"),
        (
            "ensemble",
            "one head reads every modality; scores are averaged, weighted by entropy or a list, or added",
        ),
    ];

    /// The name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Concat {} => "concat",
            Self::Sum {} => "sum",
            Self::Gated { .. } => "gated",
            Self::Film {} => "film",
            Self::Bilinear { .. } => "bilinear",
            Self::LowRank { .. } => "low-rank",
            Self::CrossAttention { .. } => "cross-attention",
            Self::Ensemble { .. } => "ensemble",
        }
    }

    /// Builds the fusion of features of the given widths for `outputs` scores.
    ///
    /// # Errors
    /// If the fusion does not take such widths or a setting is 0; the message
    /// names the fusion, what it needs and what it got.
    pub fn build(&self, widths: &[usize], outputs: usize, init: &Init) -> Result<AnyFusion, Error> {
        let positive = |key: &str, value: usize| match value {
            0 => Err(Error::config(format!("fusion `{}`: {key} must be positive, got 0", self.name()))),
            _ => Ok(value),
        };
        let widest = widths.iter().copied().max().unwrap_or(0);
        let or_widest = |width: Option<usize>| positive("width", width.unwrap_or(widest));
        Ok(match *self {
            Self::Concat {} => AnyFusion::Concat(Concat::new(widths)),
            Self::Sum {} => AnyFusion::Sum(Sum::new(widths, outputs, init)),
            Self::Gated { width } => AnyFusion::Gated(Gated::new(widths, or_widest(width)?, init)),
            Self::Film {} => AnyFusion::Film(Film::new(widths, init)),
            Self::Bilinear { dims, full, width } => {
                let dims = if full { None } else { Some(positive("dims", dims)?) };
                AnyFusion::Bilinear(Bilinear::new(widths, dims, or_widest(width)?, init)?)
            }
            Self::LowRank { rank, width } => {
                AnyFusion::LowRank(LowRank::new(widths, positive("rank", rank)?, or_widest(width)?, init))
            }
            Self::CrossAttention { heads, width } => {
                let heads = positive("heads", heads)?;
                AnyFusion::CrossAttention(CrossAttention::new(widths, heads, or_widest(width)?, init)?)
            }
            Self::Ensemble { weights, rate } => {
                AnyFusion::Ensemble(Ensemble::new(widths, outputs, weights, rate, init)?)
            }
        })
    }

    /// The fusion of a model with so many modalities.
    ///
    /// Where there is one, nothing is to be fused, and no fusion may put layers
    /// between its encoder and the head: a modality alone is the reference that
    /// all fusions have in common (docs/methods.md, "Unimodal training"). A fusion that makes the
    /// scores itself stays; of one modality it is a linear layer.
    pub fn among(self, modalities: usize) -> Self {
        match self.output() {
            Output::Vector | Output::Each if modalities == 1 => Self::Concat {},
            _ => self,
        }
    }

    /// What the fusion leaves to the head.
    pub fn output(&self) -> Output {
        match self {
            Self::Sum {} => Output::Scores,
            Self::Ensemble { .. } => Output::Each,
            _ => Output::Vector,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::head::HeadConfig;

    fn fusion(text: &str) -> Result<FusionConfig, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn every_name_of_the_catalog_is_a_configuration_that_says_its_name() {
        for (name, line) in FusionConfig::CATALOG {
            assert_eq!(fusion(&format!("{{\"name\": \"{name}\"}}")).unwrap().name(), *name);
            assert!(!line.is_empty());
        }
        for (name, _) in HeadConfig::CATALOG {
            let hidden = if *name == "mlp" { ", \"hidden\": 8" } else { "" };
            let head: HeadConfig =
                serde_json::from_str(&format!("{{\"name\": \"{name}\"{hidden}}}")).unwrap();
            assert_eq!(head.name(), *name);
        }
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let of = |name: &str| fusion(&format!("{{\"name\": \"{name}\"}}")).unwrap();
        assert_eq!(of("gated"), FusionConfig::Gated { width: None });
        assert_eq!(of("bilinear"), FusionConfig::Bilinear { dims: 64, full: false, width: None });
        assert_eq!(of("low-rank"), FusionConfig::LowRank { rank: 4, width: None });
        assert_eq!(of("cross-attention"), FusionConfig::CrossAttention { heads: 4, width: None });
        assert_eq!(of("ensemble"), FusionConfig::Ensemble { weights: Combine::Mean, rate: false });
        let entropy = fusion(r#"{"name": "ensemble", "weights": "entropy"}"#).unwrap();
        assert_eq!(entropy, FusionConfig::Ensemble { weights: Combine::Entropy, rate: false });
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
        let width =
            |config: FusionConfig| super::super::Fusion::width(&config.build(&[3, 8, 4], 2, &init).unwrap());
        assert_eq!(width(FusionConfig::Gated { width: None }), 8);
        assert_eq!(width(FusionConfig::LowRank { rank: 2, width: None }), 8);
        assert_eq!(width(FusionConfig::CrossAttention { heads: 4, width: None }), 8);
        assert_eq!(width(FusionConfig::Bilinear { dims: 2, full: false, width: Some(5) }), 5);
        assert_eq!(width(FusionConfig::Film {}), 4, "as wide as what it modulates");
        assert_eq!(width(FusionConfig::Concat {}), 15);
    }
}
