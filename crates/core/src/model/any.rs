//! The models that a configuration can name.

use burn::module::Module;

use super::encoder::{AnyEncoder, AnyStages};
use super::esanet::EsaNet;
use super::fusion::AnyFusion;
use super::{CubeMlp, Feature, Features, Model, Multimodal, Scored, Staged};
use crate::grad::{Groups, Row};
use crate::input::Input;
use crate::layer::Pass;
use crate::modality::{Modalities, Modality};

/// One of the models of [`ModelConfig`](super::ModelConfig).
#[derive(Module, Debug)]
pub enum AnyModel {
    /// See [`Multimodal`].
    LateFusion(Multimodal<AnyEncoder, AnyFusion>),
    /// See [`EsaNet`].
    EsaNet(EsaNet),
    /// See [`Staged`].
    Staged(Staged<AnyStages>),
    /// See [`CubeMlp`].
    CubeMlp(CubeMlp),
}

/// Runs one expression on whatever model it is.
macro_rules! on_each {
    ($any:expr, $m:ident => $run:expr) => {
        match $any {
            AnyModel::LateFusion($m) => $run,
            AnyModel::EsaNet($m) => $run,
            AnyModel::Staged($m) => $run,
            AnyModel::CubeMlp($m) => $run,
        }
    };
}

impl Model for AnyModel {
    fn modalities(&self) -> &Modalities {
        on_each!(self, m => m.modalities())
    }

    fn groups(&self) -> Groups {
        on_each!(self, m => m.groups())
    }

    fn encode(&self, m: Modality, input: &Input, pass: &mut Pass<'_>) -> Feature {
        on_each!(self, model => model.encode(m, input, pass))
    }

    fn join(&self, row: Row, features: &Features, pass: &mut Pass<'_>) -> Scored {
        on_each!(self, m => m.join(row, features, pass))
    }
}
