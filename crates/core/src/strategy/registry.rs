//! Every strategy by name.

use serde::{Deserialize, Serialize};

use super::{
    Agm, AgmConfig, Dgl, GBlend, GBlendConfig, Heads, Joint, Mla, MlaConfig, MmPareto, MmParetoConfig, Ogm,
    OgmConfig, Pmr, PmrConfig, ReconBoost, ReconBoostConfig, Relearn, RelearnConfig, Strategy, Unimodal,
};
use crate::Error;
use crate::modality::{Modalities, PerModality};

/// Names of all strategies with a line on each.
pub const CATALOG: &[(&str, &str)] = &[
    ("joint", "one loss on the fused scores trains everything"),
    ("unimodal", "one modality alone"),
    ("dgl", "disentangled gradient learning; its switches give the ablations of the paper's Table 3"),
    ("gblend", "fused loss and one loss per modality through its own head, with fixed or estimated weights"),
    ("ogm", "damps the encoder of the modality that is ahead; with noise of the gradient's size (OGM-GE)"),
    ("pmr", "pulls the features of modalities that are behind to class prototypes"),
    ("agm", "scales each modality's Shapley share of the output's gradient by its dominance"),
    ("mla", "modalities take turns through one shared head, whose gradient is projected"),
    ("mmpareto", "combines fused and own gradient at each encoder without conflict"),
    ("relearn", "pulls encoders that memorise back to their initial weights (diagnosing and re-learning)"),
    ("reconboost", "boosting: one modality learns what the others miss, then all together"),
];

/// Settings of a strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// See [`Joint`].
    Joint {},
    /// See [`Unimodal`].
    Unimodal {
        /// Name of the modality; may be left out if there is only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modality: Option<String>,
    },
    /// See [`Dgl`].
    Dgl {
        /// Weight of every unimodal loss, or of each modality's.
        #[serde(default = "alpha")]
        alpha: PerModality,
        /// Keeps the multimodal loss away from the encoders.
        #[serde(default = "yes")]
        truncate_multimodal: bool,
        /// Keeps the unimodal losses away from fusion and head.
        #[serde(default = "yes")]
        truncate_unimodal: bool,
    },
    /// See [`GBlend`].
    Gblend(GBlendConfig),
    /// See [`Ogm`].
    Ogm(OgmConfig),
    /// See [`Pmr`].
    Pmr(PmrConfig),
    /// See [`Agm`].
    Agm(AgmConfig),
    /// See [`Mla`].
    Mla(MlaConfig),
    /// See [`MmPareto`].
    Mmpareto(MmParetoConfig),
    /// See [`Relearn`].
    Relearn(RelearnConfig),
    /// See [`ReconBoost`].
    Reconboost(ReconBoostConfig),
}

fn alpha() -> PerModality {
    4.0.into()
}

fn yes() -> bool {
    true
}

impl StrategyConfig {
    /// Builds the strategy.
    ///
    /// # Errors
    /// If a value is out of range or the strategy does not fit the modalities.
    pub fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(match self {
            Self::Joint {} => Box::new(Joint),
            Self::Unimodal { modality } => {
                let found = match modality {
                    Some(name) => modalities.find(name),
                    None => (modalities.len() == 1).then(|| modalities.iter().next()).flatten(),
                };
                let modality = found.ok_or_else(|| {
                    Error::config(format!(
                        "strategy.modality = {:?}: strategy `unimodal` takes one of {}",
                        modality.as_deref().unwrap_or(""),
                        modalities.names().join(", ")
                    ))
                })?;
                Box::new(Unimodal { modality })
            }
            Self::Dgl { alpha, truncate_multimodal, truncate_unimodal } => {
                alpha.weights("strategy.alpha", modalities)?;
                Box::new(Dgl {
                    alpha: alpha.clone(),
                    truncate_multimodal: *truncate_multimodal,
                    truncate_unimodal: *truncate_unimodal,
                })
            }
            Self::Gblend(config) => Box::new(GBlend::new(config, modalities)?),
            Self::Ogm(config) => Box::new(Ogm::new(config)?),
            Self::Pmr(config) => Box::new(Pmr::new(config)?),
            Self::Agm(config) => Box::new(Agm::new(config, modalities)?),
            Self::Mla(config) => Box::new(Mla::new(config)),
            Self::Mmpareto(config) => Box::new(MmPareto::new(config)?),
            Self::Relearn(config) => Box::new(Relearn::new(config)?),
            Self::Reconboost(config) => Box::new(ReconBoost::new(config, modalities)?),
        })
    }

    /// DGL's weight of the unimodal losses: what multiplies the encoders'
    /// learning rate under SGD. `None` for every other strategy.
    pub fn alpha(&self) -> Option<&PerModality> {
        match self {
            Self::Dgl { alpha, .. } => Some(alpha),
            _ => None,
        }
    }

    /// Whether the model must have a head for every modality besides the fused one.
    pub fn wants_solo_heads(&self) -> bool {
        match self {
            Self::Gblend(config) => config.heads == Heads::Own,
            Self::Mmpareto(config) => config.heads == Heads::Own,
            _ => false,
        }
    }
}

pub(super) fn at_least_zero(key: &str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::config(format!("{key} = {value}: expected a number of at least 0")))
}
