//! A single modality.
//!
//! ```text
//! W[unimodal(m), encoder m] = W[unimodal(m), fusion] = W[unimodal(m), head] = 1
//! ```
//!
//! Source: "Audio-only", "Visual-only" of the DGL paper's Table 1;
//! docs/methods.md, "Unimodal training". The command
//! builds the model with that modality alone, so nothing idle is carried
//! along; under late fusion it is the encoder and the head, whatever the fusion. Equals DGL with one modality and alpha 1.
//! Cost: the share of that encoder.

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Strategy, StrategySettings};
use crate::Error;
use crate::modality::{Modalities, Modality};
use crate::step::Position;
use crate::step::{Group, LossTerm, Phase, Routing, StepOutputs};

/// Settings of [`Unimodal`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnimodalConfig {
    /// Name of the modality; may be left out if there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
}

impl Settings for UnimodalConfig {
    const NAME: &'static str = "unimodal";
    const SUMMARY: &'static str = "one encoder and a head, trained on one modality";
}

impl StrategySettings for UnimodalConfig {
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        let found = match &self.modality {
            Some(name) => modalities.find(name),
            None => (modalities.len() == 1).then(|| modalities.iter().next()).flatten(),
        };
        let modality = found.ok_or_else(|| {
            Error::config(format!(
                "strategy.modality = {:?}: strategy `unimodal` takes one of {}",
                self.modality.as_deref().unwrap_or(""),
                modalities.names().join(", ")
            ))
        })?;
        Ok(Box::new(Unimodal { modality }))
    }

    fn only_modality(&self) -> Option<&str> {
        self.modality.as_deref()
    }

    fn needs_complete(&self) -> Option<&'static str> {
        Some("trains no fused loss")
    }
}

/// Trains the encoder of one modality with fusion and head.
#[derive(Clone, Copy, Debug)]
pub struct Unimodal {
    /// The modality.
    pub modality: Modality,
}

impl Strategy for Unimodal {
    fn phases(&self, _at: Position, _modalities: &Modalities) -> Vec<Phase> {
        vec![Phase::of([LossTerm::Unimodal(self.modality)])]
    }

    fn reads_outputs(&self) -> bool {
        false
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, _modalities: &Modalities) -> Result<Routing, Error> {
        let term = LossTerm::Unimodal(self.modality);
        let groups = [Group::Encoder(self.modality), Group::Fusion, Group::Head];
        Ok(groups.into_iter().fold(Routing::default(), |w, g| w.with(term, g, 1.0)))
    }
}
