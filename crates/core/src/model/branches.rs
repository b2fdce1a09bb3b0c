//! What every model has for each modality.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;

use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear};
use crate::modality::Modalities;
use crate::step::{Group, Groups, LossTerm};

/// An encoder for each modality, and a linear head of its own where asked for.
#[derive(Module, Debug)]
pub(super) struct Branches<E: Module + ModuleDisplay> {
    pub(super) encoders: Vec<E>,
    unimodal_heads: Vec<Linear>,
    #[module(skip)]
    modalities: Modalities,
}

impl<E: Module + ModuleDisplay> Branches<E> {
    /// Branches from encoders and heads of any kind.
    ///
    /// # Errors
    /// If there is not one encoder (and one or no head) for each modality.
    pub(super) fn new(
        modalities: Modalities,
        encoders: Vec<E>,
        unimodal_heads: Vec<Linear>,
    ) -> Result<Self, Error> {
        let count = modalities.len();
        if encoders.len() != count || !(unimodal_heads.is_empty() || unimodal_heads.len() == count) {
            return Err(Error::shape(format!(
                "{count} modalities need {count} encoders and 0 or {count} unimodal heads, got {} and {}",
                encoders.len(),
                unimodal_heads.len()
            )));
        }
        Ok(Self { encoders, unimodal_heads, modalities })
    }

    /// The encoders that `build` makes for the data's modalities, without heads.
    ///
    /// # Errors
    /// If two modalities have one name or an encoder does not fit its modality,
    /// which the message then names.
    pub(super) fn build(
        data: &[ModalitySpec],
        init: &Init,
        mut build: impl FnMut(&ModalitySpec, &Init) -> Result<E, Error>,
    ) -> Result<Self, Error> {
        let modalities = Modalities::new(data.iter().map(|m| m.name.as_str()))?;
        let encoder = |m: &ModalitySpec| {
            build(m, &init.part(format_args!("encoder.{}", m.name)))
                .map_err(|e| Error::new(e.kind(), format!("modality `{}`: {e}", m.name)))
        };
        let encoders = data.iter().map(encoder).collect::<Result<_, _>>()?;
        Self::new(modalities, encoders, Vec::new())
    }

    /// The same with a head from features of the given widths for each modality.
    ///
    /// # Errors
    /// If there are no outputs.
    pub(super) fn with_unimodal_heads(
        mut self,
        wanted: bool,
        widths: &[usize],
        outputs: usize,
        init: &Init,
    ) -> Result<Self, Error> {
        if outputs == 0 {
            return Err(Error::config("a head needs at least one output"));
        }
        let head = |(name, &width): (&String, &usize)| {
            // The random numbers keep their first name: another one would be other weights.
            Linear::new(width, outputs, &init.part(format_args!("solo_head.{name}")))
        };
        if wanted {
            self.unimodal_heads = self.modalities.names().iter().zip(widths).map(head).collect();
        }
        Ok(self)
    }

    /// The modalities, in order.
    pub(super) fn modalities(&self) -> &Modalities {
        &self.modalities
    }

    /// Every encoder with its modality's name.
    pub(super) fn named(&self) -> impl Iterator<Item = (&String, &E)> {
        self.modalities.names().iter().zip(&self.encoders)
    }

    /// The encoders' parameters, each in its modality's group.
    pub(super) fn groups(&self) -> Groups {
        let mut groups = Groups::default();
        for (m, encoder) in self.modalities.iter().zip(&self.encoders) {
            groups.add(Group::Encoder(m), &format!("encoder.{}", self.modalities.name(m)), encoder);
        }
        groups
    }

    /// Adds the heads' parameters to those of the rest of the model.
    pub(super) fn add_unimodal_heads(&self, groups: &mut Groups) {
        for (m, head) in self.modalities.iter().zip(&self.unimodal_heads) {
            groups.add(Group::UnimodalHead(m), &format!("unimodal_head.{}", self.modalities.name(m)), head);
        }
    }

    /// The scores of a modality's own head, if the term asks for it and it is there.
    pub(super) fn unimodal_scores(&self, term: LossTerm, features: &Vectors) -> Option<Tensor<2>> {
        let LossTerm::Auxiliary(m) = term else { return None };
        Some(self.unimodal_heads.get(m.0)?.forward(features[m.0].clone()?))
    }
}

/// The settings of a modality's encoder: its own, or those for all.
pub(super) fn of_modality<'a, C>(m: &ModalitySpec, own: &'a BTreeMap<String, C>, all: &'a C) -> &'a C {
    own.get(&m.name).unwrap_or(all)
}
