//! One modality alone.
//!
//! ```text
//! W[solo(m), encoder m] = W[solo(m), fusion] = W[solo(m), head] = 1
//! ```
//!
//! Source: "Audio-only", "Visual-only" of the DGL paper's Table 1;
//! docs/methods.md, "Unimodal training". The command
//! builds the model with that modality alone, so nothing idle is carried
//! along; under late fusion it is the encoder and the head, whatever the fusion. Equals DGL with one modality and alpha 1.
//! Cost: the share of that encoder.

use super::{Moment, Strategy};
use crate::Error;
use crate::grad::{Group, Phase, Routing, Row, Seen};
use crate::modality::{Modalities, Modality};

/// Trains the encoder of one modality with fusion and head.
#[derive(Clone, Copy, Debug)]
pub struct Unimodal {
    /// The modality.
    pub modality: Modality,
}

impl Strategy for Unimodal {
    fn phases(&self, _at: Moment, _modalities: &Modalities) -> Vec<Phase> {
        vec![Phase::of([Row::Solo(self.modality)])]
    }

    fn route(&mut self, _seen: &Seen<'_>, _modalities: &Modalities) -> Result<Routing, Error> {
        let row = Row::Solo(self.modality);
        let groups = [Group::Encoder(self.modality), Group::Fusion, Group::Head];
        Ok(groups.into_iter().fold(Routing::default(), |w, g| w.with(row, g, 1.0)))
    }
}
