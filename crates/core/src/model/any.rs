//! A model whose type is known only while the program runs.

use burn::module::ModuleDisplay;

use super::parts::boxed;
use super::{Boxed, Erased, Model, Scored};
use crate::feature::{Feature, Features};
use crate::input::Input;
use crate::layer::ForwardContext;
use crate::modality::{Modalities, Modality};
use crate::step::{Groups, LossTerm};

/// Any model: what a configuration builds.
pub type AnyModel = Boxed<dyn ErasedModel>;

/// [`Model`] without its type; every model is one.
pub trait ErasedModel: Erased {
    /// As [`Model::modalities`].
    fn erased_modalities(&self) -> &Modalities;
    /// As [`Model::groups`].
    fn erased_groups(&self) -> Groups;
    /// As [`Model::encode`].
    fn erased_encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature;
    /// As [`Model::join`].
    fn erased_join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored;
}

boxed!(ErasedModel);

impl<M: Model + ModuleDisplay + 'static> ErasedModel for M {
    fn erased_modalities(&self) -> &Modalities {
        self.modalities()
    }

    fn erased_groups(&self) -> Groups {
        self.groups()
    }

    fn erased_encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature {
        self.encode(m, input, pass)
    }

    fn erased_join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored {
        self.join(term, features, pass)
    }
}

impl Model for AnyModel {
    fn modalities(&self) -> &Modalities {
        (**self).erased_modalities()
    }

    fn groups(&self) -> Groups {
        (**self).erased_groups()
    }

    fn encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature {
        (**self).erased_encode(m, input, pass)
    }

    fn join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored {
        (**self).erased_join(term, features, pass)
    }
}
