//! Disentangled gradient learning: encoders learn only from their own
//! unimodal losses, fusion and head only from the multimodal loss.
//!
//! ```text
//!            encoder m                     fusion, head
//! fused      1, or 0 (multimodal trunc.)   1
//! unim.(m)   alpha_m                       alpha_m, or 0 (unimodal trunc.)
//! ```
//!
//! Source: Wei et al., ICCV 2025, Algorithm 1 and Equations 9-15;
//! docs/methods.md, "Disentangled gradient learning". The four
//! settings of the two switches are the terms of Table 3 and the untruncated
//! sum that the table lacks. The paper has one alpha for all modalities, which
//! is what a single number means; `alpha = { audio = 2, image = 4 }` weighs each
//! loss by itself. Differs from the released code: the gated head's
//! input layers learn, a summed head keeps every bias in its unimodal path,
//! no unused layer is created. Under SGD alpha multiplies the encoders'
//! learning rate (and divides their weight decay); under Adam it cancels.
//! `gate = "credit"` is an addition of ours (`credit.rs`).
//! Cost: joint plus one small pass through fusion and head per modality; with
//! dense fusion the streams after the first exchange run once more for each.

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credit::{Credit, Gate};
use super::{Over, Strategy, StrategySettings};
use crate::Error;
use crate::modality::{Modalities, PerModality};
use crate::step::Position;
use crate::step::{Group, LossTerm, Phase, Routing, StepOutputs};

/// DGL and, through its switches, its ablations. It has nothing but its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dgl {
    /// Weight of every unimodal loss, or of each modality's.
    pub alpha: PerModality,
    /// Keeps the fused loss away from the encoders ("MT"). A gate lets it through, whatever this says.
    pub truncate_multimodal: bool,
    /// Keeps the unimodal losses away from fusion and head ("UT").
    pub truncate_unimodal: bool,
    /// What weighs the unimodal losses by how much their modalities predict; nothing by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// By which share of a guess's loss a modality has to be better than the guess to have all of
    /// alpha. With a gate only.
    #[serde(skip_serializing_if = "is_usual")]
    #[schemars(extend("exclusiveMinimum" = 0, "default" = 0.1))]
    pub kappa: f64,
}

/// The share that suits `gate = "credit"`.
const KAPPA: f64 = 0.1;

fn is_usual(kappa: &f64) -> bool {
    *kappa == KAPPA
}

impl Default for Dgl {
    fn default() -> Self {
        let (truncate_multimodal, truncate_unimodal) = (true, true);
        Self { alpha: 4.0.into(), truncate_multimodal, truncate_unimodal, gate: None, kappa: KAPPA }
    }
}

impl Dgl {
    /// Whether the fused loss stays away from the encoders.
    pub fn truncates_multimodal(&self) -> bool {
        self.truncate_multimodal && self.gate.is_none()
    }
}

impl Settings for Dgl {
    const NAME: &'static str = "dgl";
    const SUMMARY: &'static str =
        "disentangled gradient learning; its switches give the ablations of the paper's Table 3";
}

impl StrategySettings for Dgl {
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        self.alpha.weights("strategy.alpha", modalities)?;
        if !(self.kappa.is_finite() && self.kappa > 0.0) {
            return Err(Error::config(format!("strategy.kappa = {}: expected a number above 0", self.kappa)));
        }
        match self.gate {
            None if !is_usual(&self.kappa) => Err(Error::config(format!(
                "strategy.kappa = {} does nothing without a gate; add gate = \"credit\", or leave it out",
                self.kappa
            ))),
            None => Ok(Box::new(self.clone())),
            Some(Gate::Credit) => {
                let open = Self { truncate_multimodal: false, ..self.clone() };
                Ok(Box::new(Over::new(Box::new(open), Credit::new(self.kappa, modalities))))
            }
        }
    }
}

impl Strategy for Dgl {
    fn phases(&self, _at: Position, modalities: &Modalities) -> Vec<Phase> {
        let unimodals = modalities.iter().map(LossTerm::Unimodal);
        vec![Phase::of(std::iter::once(LossTerm::Fused).chain(unimodals).collect::<Vec<_>>())]
    }

    fn summands(&self, modalities: &Modalities) -> Option<Vec<LossTerm>> {
        Some(std::iter::once(LossTerm::Fused).chain(modalities.iter().map(LossTerm::Unimodal)).collect())
    }

    fn receives(&self, term: LossTerm, group: Group) -> bool {
        match (term, group) {
            (LossTerm::Fused, Group::Encoder(_)) => !self.truncate_multimodal,
            (LossTerm::Unimodal(m), Group::Encoder(encoder)) => m == encoder,
            (LossTerm::Unimodal(_), _) => !self.truncate_unimodal,
            _ => true,
        }
    }

    fn reads_outputs(&self) -> bool {
        false
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let alpha = self.alpha.weights("strategy.alpha", modalities)?;
        let mut w = Routing::default();
        for group in [Group::Fusion, Group::Head] {
            w.set(LossTerm::Fused, group, 1.0);
            if !self.truncate_unimodal {
                for m in modalities.iter() {
                    w.set(LossTerm::Unimodal(m), group, alpha[m.0]);
                }
            }
        }
        for m in modalities.iter() {
            w.set(LossTerm::Unimodal(m), Group::Encoder(m), alpha[m.0]);
            if !self.truncate_multimodal {
                w.set(LossTerm::Fused, Group::Encoder(m), 1.0);
            }
        }
        Ok(w)
    }
}
