//! A strategy: encoders learn by themselves first, then together.

use counterpoint::Error;
use counterpoint::catalog::Settings;
use counterpoint::modality::Modalities;
use counterpoint::step::LossTerm::{Fused, Unimodal};
use counterpoint::step::{Group, Phase, Position, Routing, StepOutputs};
use counterpoint::strategy::{Strategy, StrategySettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The strategy and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relay {
    /// Epochs in which encoders learn from their unimodal losses.
    unimodal: usize,
}

impl Settings for Relay {
    const NAME: &'static str = "relay";
    const SUMMARY: &'static str = "encoders learn from their unimodal losses first, then from the fused one";
}

impl StrategySettings for Relay {
    fn build(&self, _: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(self.clone()))
    }
}

impl Strategy for Relay {
    fn phases(&self, _: Position, names: &Modalities) -> Vec<Phase> {
        vec![Phase::of([Fused].into_iter().chain(names.iter().map(Unimodal)).collect::<Vec<_>>())]
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, names: &Modalities) -> Result<Routing, Error> {
        let term = |m| if outputs.at.epoch < self.unimodal { Unimodal(m) } else { Fused };
        let w = Routing::default().with(Fused, Group::Fusion, 1.0).with(Fused, Group::Head, 1.0);
        Ok(names.iter().fold(w, |w, m| w.with(term(m), Group::Encoder(m), 1.0)))
    }
}
