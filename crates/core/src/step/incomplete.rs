//! What training makes of samples that lack a modality.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the fused loss makes of a sample that lacks a modality. Losses of one
/// modality use every sample that has it, whatever is chosen here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Incomplete {
    /// The sample is left out of the fused loss.
    #[default]
    Skip,
    /// The model is run as in evaluation on what the sample has: zeros, or what
    /// else the fusion makes of an absent modality, stand for the rest.
    ZeroFill,
}
