//! Joint training: one loss on the fused scores trains everything.
//!
//! ```text
//! W[fused, every group] = 1
//! ```
//!
//! Source: the usual late fusion, "Concat" of the DGL paper's Table 1;
//! docs/methods.md, "Joint training".
//! Cost: 1 by definition. Limits: the encoders share one error signal, so the
//! modality that learns first takes it from the others.

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Strategy, StrategySettings};
use crate::Error;
use crate::modality::Modalities;
use crate::step::Position;
use crate::step::{Group, LossTerm, Phase, Routing, StepOutputs};

/// One loss for everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Joint {}

impl Settings for Joint {
    const NAME: &'static str = "joint";
    const SUMMARY: &'static str = "one loss on the fused output trains everything";
}

impl StrategySettings for Joint {
    fn build(&self, _modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(*self))
    }
}

impl Strategy for Joint {
    fn phases(&self, _at: Position, _modalities: &Modalities) -> Vec<Phase> {
        vec![Phase::of([LossTerm::Fused])]
    }

    fn reads_outputs(&self) -> bool {
        false
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let mut w = Routing::default().with(LossTerm::Fused, Group::Fusion, 1.0).with(
            LossTerm::Fused,
            Group::Head,
            1.0,
        );
        for m in modalities.iter() {
            w.set(LossTerm::Fused, Group::Encoder(m), 1.0);
        }
        Ok(w)
    }
}
