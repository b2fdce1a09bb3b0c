//! The heads of methods that give every modality a loss of its own.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ModelFacts, Native, UnimodalQuery};
use crate::Error;
use crate::modality::{Modalities, Modality};
use crate::step::{LossTerm, TermOutput};

/// Which head computes a modality's own loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Heads {
    /// A separate head per modality, which learns only from its own loss.
    #[default]
    Own,
    /// The fused head with zeros for the other modalities.
    Shared,
}

impl Heads {
    /// The term of one modality's own loss.
    pub(super) fn term(self, m: Modality) -> LossTerm {
        match self {
            Self::Own => LossTerm::Auxiliary(m),
            Self::Shared => LossTerm::Unimodal(m),
        }
    }

    /// The fused term, then one for each modality.
    pub(super) fn terms(self, modalities: &Modalities) -> Vec<LossTerm> {
        std::iter::once(LossTerm::Fused).chain(modalities.iter().map(|m| self.term(m))).collect()
    }

    /// Own heads read their modalities; the shared one is zero-filled.
    pub(super) fn native(&self) -> Option<&dyn Native> {
        (*self == Self::Own).then_some(self)
    }

    /// Refuses own heads of a model that has none.
    pub(super) fn check(self, facts: &ModelFacts, strategy: &str, because: &str) -> Result<(), Error> {
        ModelFacts::require(
            facts.unimodal_heads || self == Self::Shared,
            strategy,
            &format!(
                "a separate head per modality (model.unimodal_heads), because {because}; or set strategy.heads = \
                 \"shared\" to use the fused head with zeros for the other modalities"
            ),
        )
    }
}

impl Native for Heads {
    fn name(&self) -> &'static str {
        "own head"
    }

    fn is_trained(&self) -> bool {
        true
    }

    fn terms(&self, unimodal: UnimodalQuery) -> Vec<LossTerm> {
        vec![self.term(unimodal.modality)]
    }

    fn scores(&self, unimodal: UnimodalQuery, outputs: &BTreeMap<LossTerm, TermOutput>) -> Option<Tensor<2>> {
        Some(outputs.get(&self.term(unimodal.modality))?.scores.clone())
    }
}
