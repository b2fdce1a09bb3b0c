//! Encoders, one fusion, one head.

mod config;

pub use config::LateFusionConfig;

use burn::module::Module;
use burn::tensor::Tensor;

use super::branches::Branches;
use super::encoder::Encoder;
use super::fusion::Fusion;
use super::head::Head;
use super::{Boxed, Model, Scored};
use crate::Error;
use crate::feature::{Feature, Features, Vectors};
use crate::input::Input;
use crate::layer::{ForwardContext, Linear};
use crate::modality::{Modalities, Modality};
use crate::step::{Group, Groups, LossTerm};

/// Encoders that run to their end, then one fusion and one head, of any types.
#[derive(Module, Debug)]
pub struct LateFusion {
    branches: Branches<Boxed<dyn Encoder>>,
    fusion: Boxed<dyn Fusion>,
    head: Option<Boxed<dyn Head>>,
}

impl LateFusion {
    /// A model from its parts; without a head the fusion makes the scores.
    ///
    /// # Errors
    /// If there is not one encoder (and one or no unimodal head) for each modality.
    pub fn new(
        modalities: Modalities,
        encoders: Vec<Boxed<dyn Encoder>>,
        fusion: Boxed<dyn Fusion>,
        head: Option<Boxed<dyn Head>>,
        unimodal_heads: Vec<Linear>,
    ) -> Result<Self, Error> {
        Ok(Self { branches: Branches::new(modalities, encoders, unimodal_heads)?, fusion, head })
    }

    /// Fusion and head on the features that are there, `[samples, outputs]`.
    fn scores(&self, term: LossTerm, features: &Vectors) -> Tensor<2> {
        let head = |fused: Tensor<2>| match &self.head {
            Some(head) => head.forward(fused),
            None => fused,
        };
        match term {
            LossTerm::Auxiliary(_) => self
                .branches
                .unimodal_scores(term, features)
                .unwrap_or_else(|| self.fusion.unimodal(features, &head)),
            _ => self.fusion.scores(features, &head),
        }
    }
}

impl Model for LateFusion {
    fn modalities(&self) -> &Modalities {
        self.branches.modalities()
    }

    fn groups(&self) -> Groups {
        let mut groups = self.branches.groups();
        groups.add(Group::Fusion, "fusion", &self.fusion);
        if let Some(head) = &self.head {
            groups.add(Group::Head, "head", head);
        }
        self.branches.add_unimodal_heads(&mut groups);
        groups
    }

    fn encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature {
        Feature::of(self.branches.encoders[m.0].forward(input, pass))
    }

    fn join(&self, term: LossTerm, features: &Features, _pass: &mut ForwardContext<'_>) -> Scored {
        let features: Vectors = features.iter().map(|z| z.as_ref().map(|z| z.part(0))).collect();
        Scored { scores: self.scores(term, &features), features }
    }
}
