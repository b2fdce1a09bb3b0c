//! Encoders, one fusion, one head.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use counterpoint_batch::ModalitySpec;

use super::encoder::{AnyEncoder, Encoder, EncoderConfig};
use super::fusion::{AnyFusion, Combine, Fusion, FusionConfig, Output};
use super::head::{AnyHead, HeadConfig};
use super::{Feature, Features, Model, Scored, Vectors};
use crate::Error;
use crate::grad::{Group, Groups, Row};
use crate::input::Input;
use crate::layer::{Init, Linear, Pass};
use crate::modality::{Modalities, Modality};

/// Parts of a late-fusion model.
#[derive(Clone, Debug, PartialEq)]
pub struct MultimodalConfig {
    /// One for each modality, in order.
    pub encoders: Vec<EncoderConfig>,
    /// How features are joined.
    pub fusion: FusionConfig,
    /// What reads the joined features.
    pub head: HeadConfig,
    /// Whether every modality gets a linear head of its own besides.
    pub solo_heads: bool,
}

impl MultimodalConfig {
    /// Whether fused scores are a sum of one term for each modality (and a
    /// bias), so that a modality's share can be told from the others'.
    pub fn is_additive(&self) -> bool {
        match self.fusion {
            FusionConfig::Sum {} => true,
            FusionConfig::Concat {} => !matches!(self.head, HeadConfig::Mlp { .. }),
            FusionConfig::Ensemble { weights, .. } => weights == Combine::Sum,
            _ => false,
        }
    }

    /// Whether one and the same head reads every modality by itself, so that
    /// nothing stands for absent ones.
    pub fn reads_each_alone(&self) -> bool {
        self.fusion.output() == Output::Each
    }

    /// Whether that head is linear.
    pub fn has_shared_linear_head(&self) -> bool {
        self.reads_each_alone() && matches!(self.head, HeadConfig::Linear {})
    }

    /// Builds the model for the data's modalities and the task's outputs.
    ///
    /// Of one modality the model is its encoder and the head, whatever the
    /// fusion ([`FusionConfig::among`]).
    ///
    /// # Errors
    /// If parts do not fit; the message names both and both shapes.
    pub fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Multimodal<AnyEncoder, AnyFusion>, Error> {
        let names = Modalities::new(data.iter().map(|m| m.name.as_str()))?;
        if self.encoders.len() != data.len() {
            return Err(Error::config(format!(
                "the model has {} encoders, the data {} modalities ({})",
                self.encoders.len(),
                data.len(),
                names.names().join(", ")
            )));
        }
        if self.fusion.output() == Output::Scores && matches!(self.head, HeadConfig::Mlp { .. }) {
            return Err(Error::config(format!(
                "fusion `{}` makes the scores itself, so head `{}` would never be used; leave the head out",
                self.fusion.name(),
                self.head.name()
            )));
        }
        if outputs == 0 {
            return Err(Error::config("a head needs at least one output"));
        }
        let init = Init::new(seed, device);
        let encoders = self
            .encoders
            .iter()
            .zip(data)
            .map(|(encoder, m)| {
                encoder
                    .build(m, &init.part(format_args!("encoder.{}", m.name)))
                    .map_err(|e| Error::new(e.kind(), format!("modality `{}`: {e}", m.name)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let widths: Vec<usize> = encoders.iter().map(Encoder::width).collect();
        let among = self.fusion.among(data.len());
        let fusion = among.build(&widths, outputs, &init.part("fusion")).map_err(|e| {
            let given = names.names().iter().zip(&widths).map(|(name, width)| format!("{name} {width}"));
            Error::new(e.kind(), format!("{e} (widths: {})", given.collect::<Vec<_>>().join(", ")))
        })?;
        if matches!(self.head, HeadConfig::Cosine { .. }) && !matches!(self.fusion, FusionConfig::Concat {}) {
            return Err(Error::config(format!(
                "head `cosine` compares every modality's own features with its own class weights, \
                 which fusion `{}` does not pass on; use fusion `concat`",
                self.fusion.name()
            )));
        }
        let parts = match among {
            FusionConfig::Concat {} => widths.clone(),
            _ => vec![fusion.width()],
        };
        let head = match self.fusion.output() {
            Output::Scores => None,
            Output::Vector | Output::Each => Some(self.head.build(&parts, outputs, &init.part("head"))?),
        };
        let solo_heads = if self.solo_heads {
            let head = |(m, &width): (&ModalitySpec, &usize)| {
                Linear::new(width, outputs, &init.part(format_args!("solo_head.{}", m.name)))
            };
            data.iter().zip(&widths).map(head).collect()
        } else {
            Vec::new()
        };
        init.check()?;
        Ok(Multimodal { encoders, fusion, head, solo_heads, modalities: names })
    }
}

/// A late-fusion model of any encoders and any fusion.
#[derive(Module, Debug)]
pub struct Multimodal<E: Encoder, F: Fusion> {
    encoders: Vec<E>,
    fusion: F,
    head: Option<AnyHead>,
    solo_heads: Vec<Linear>,
    #[module(skip)]
    modalities: Modalities,
}

impl<E: Encoder, F: Fusion> Multimodal<E, F> {
    /// A model from parts of any types.
    ///
    /// # Errors
    /// If there is not one encoder (and one or no solo head) for each modality.
    pub fn new(
        modalities: Modalities,
        encoders: Vec<E>,
        fusion: F,
        head: Option<AnyHead>,
        solo_heads: Vec<Linear>,
    ) -> Result<Self, Error> {
        let count = modalities.len();
        if encoders.len() != count || !(solo_heads.is_empty() || solo_heads.len() == count) {
            return Err(Error::shape(format!(
                "{count} modalities need {count} encoders and 0 or {count} solo heads, got {} and {}",
                encoders.len(),
                solo_heads.len()
            )));
        }
        Ok(Self { encoders, fusion, head, solo_heads, modalities })
    }

    /// Whether every modality has a head of its own.
    pub fn has_solo_heads(&self) -> bool {
        !self.solo_heads.is_empty()
    }

    /// Fusion and head on the features that are there, `[samples, outputs]`.
    fn scores(&self, row: Row, features: &Vectors) -> Tensor<2> {
        let head = |fused: Tensor<2>| match &self.head {
            Some(head) => head.forward(fused),
            None => fused,
        };
        let Row::Aux(m) = row else { return self.fusion.scores(features, &head) };
        match self.solo_heads.get(m.0) {
            Some(own) => own.forward(features[m.0].clone().expect("an auxiliary row has its modality")),
            None => self.fusion.alone(features, &head),
        }
    }
}

impl<E: Encoder, F: Fusion> Model for Multimodal<E, F> {
    fn modalities(&self) -> &Modalities {
        &self.modalities
    }

    fn groups(&self) -> Groups {
        let mut groups = Groups::default();
        for (m, encoder) in self.modalities.iter().zip(&self.encoders) {
            groups.add(Group::Encoder(m), &format!("encoder.{}", self.modalities.name(m)), encoder);
        }
        groups.add(Group::Fusion, "fusion", &self.fusion);
        if let Some(head) = &self.head {
            groups.add(Group::Head, "head", head);
        }
        for (m, head) in self.modalities.iter().zip(&self.solo_heads) {
            groups.add(Group::SoloHead(m), &format!("solo_head.{}", self.modalities.name(m)), head);
        }
        groups
    }

    fn encode(&self, m: Modality, input: &Input, pass: &mut Pass<'_>) -> Feature {
        Feature::of(self.encoders[m.0].forward(input, pass))
    }

    fn join(&self, row: Row, features: &Features, _pass: &mut Pass<'_>) -> Scored {
        let features: Vectors = features.iter().map(|z| z.as_ref().map(|z| z.part(0))).collect();
        Scored { scores: self.scores(row, &features), features }
    }
}
