//! What training makes of samples that lack a modality.

use serde::{Deserialize, Serialize};

use super::StrategyConfig;
use crate::Error;

/// What the fused loss makes of a sample that lacks a modality. Losses of one
/// modality use every sample that has it, whatever is chosen here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incomplete {
    /// The sample is left out of it.
    #[default]
    Skip,
    /// The model is run as in evaluation on what the sample has: zeros, or what
    /// else the fusion makes of an absent modality, stand for the rest.
    ZeroFill,
}

impl StrategyConfig {
    /// Refuses a choice that the method has no meaning for.
    ///
    /// # Errors
    /// If it has no fused loss, or compares modalities on the samples of it.
    pub fn check_incomplete(&self, incomplete: Incomplete) -> Result<(), Error> {
        let (name, because) = match self {
            _ if incomplete == Incomplete::Skip => return Ok(()),
            Self::Unimodal { .. } => ("unimodal", "trains no fused loss"),
            Self::Mla(_) => ("mla", "trains no fused loss"),
            Self::Agm(_) => ("agm", "compares what modalities add to the fused scores of complete samples"),
            Self::Pmr(_) => ("pmr", "compares modalities on the samples of the fused loss"),
            _ => return Ok(()),
        };
        Err(Error::config(format!(
            "strategy.incomplete = \"zero-fill\" does not fit strategy `{name}`, which {because}; leave it out"
        )))
    }
}
