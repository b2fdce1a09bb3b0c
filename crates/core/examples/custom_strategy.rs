//! A strategy of one's own: which loss trains which parameters, epoch by epoch.
//!
//! `cargo run --release --example custom_strategy`

use std::error::Error;

use counterpoint::modality::Modalities;
use counterpoint::model::LateFusionConfig;
use counterpoint::model::encoder::MlpConfig;
use counterpoint::step::LossTerm::{Fused, Unimodal};
use counterpoint::step::{Group, LossTerm, Phase, Position, Routing, StepOutputs};
use counterpoint::strategy::Strategy;

// The data and the training loop, which know nothing of strategies.
#[expect(dead_code, reason = "that example has a main of its own")]
mod dgl_on_arrays;

/// Fusion and head always learn from the fused loss. Encoders learn from their
/// unimodal losses, whose share falls from 1 to 0 over the epochs.
struct Fade;

impl Strategy for Fade {
    /// One optimizer step per batch, with the fused loss and one for each modality.
    fn phases(&self, _: Position, names: &Modalities) -> Vec<Phase> {
        vec![Phase::of([Fused].into_iter().chain(names.iter().map(Unimodal)).collect::<Vec<_>>())]
    }

    /// What never gets a gradient, so that its backward pass is left out.
    fn receives(&self, term: LossTerm, group: Group) -> bool {
        term == Fused || matches!(group, Group::Encoder(_))
    }

    /// The weight of each loss in the gradient of each group; what is not named is 0.
    fn route(
        &mut self,
        outputs: &StepOutputs<'_>,
        names: &Modalities,
    ) -> Result<Routing, counterpoint::Error> {
        let fused = outputs.at.epoch as f64 / (outputs.at.epochs.max(2) - 1) as f64;
        let shared = Routing::default().with(Fused, Group::Fusion, 1.0).with(Fused, Group::Head, 1.0);
        Ok(names.iter().fold(shared, |routing, m| {
            routing.with(Fused, Group::Encoder(m), fused).with(Unimodal(m), Group::Encoder(m), 1.0 - fused)
        }))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let model = LateFusionConfig { encoder: MlpConfig { widths: vec![16] }.into(), ..Default::default() };
    dgl_on_arrays::train(&model, Box::new(Fade))
}
