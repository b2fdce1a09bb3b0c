//! Models: encoders, fusions and heads, and how they compose.
//!
//! No model knows that strategies exist. A model says which parameters belong
//! to which group and computes the scores of a [`LossTerm`]; who learns from what
//! is decided in [`grad`](crate::grad).

mod any;
mod boxed;
mod branches;
mod config;
mod cube;
pub mod encoder;
pub mod esanet;
pub mod fusion;
pub mod head;
mod late_fusion;
mod parts;
pub mod sequence;
mod staged;
mod streams;

pub use any::{AnyModel, ErasedModel};
pub use boxed::{AnyMapper, AnyVisitor, Boxed, Change, Erased, IntoBoxed};
pub use config::{ModelSettings, NetworkFacts};
pub(crate) use streams::{Order, Stream, encode};

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Chosen;

use crate::feature::{Feature, Features, Vectors};
use crate::input::{Input, Inputs};
use crate::layer::ForwardContext;
use crate::modality::{Modalities, Modality};
use crate::step::{Groups, LossTerm};

parts::parts! {
    ModelSettings, "model":
    late_fusion::LateFusionConfig,
    esanet::EsaNetConfig,
    staged::StagedConfig,
    cube::CubeMlpConfig,
}

/// The model that a configuration names, with its settings.
pub type ModelConfig = Chosen<dyn ModelSettings>;

/// Scores of one term and the features that led to them.
#[derive(Clone, Debug)]
pub struct Scored {
    /// `[items, outputs]`: one item per sample, or one per pixel.
    pub scores: Tensor<2>,
    /// One vector per sample for each modality that the term has: what its
    /// stream ends in, averaged over space and time.
    pub features: Vectors,
}

/// A network of one stream for each modality, which meet somewhere.
///
/// It is cut in two where modalities first meet. Before that, a stream's work
/// does not depend on who else is present, so one pass serves all terms. Late
/// fusion meets at the end of its encoders; a dense model meets in between, and
/// the rest of its streams then runs in [`Self::join`], though its parameters
/// still belong to their encoders.
pub trait Model: Module {
    /// The modalities, in order.
    fn modalities(&self) -> &Modalities;

    /// Every trainable parameter with its group, collected from sub-modules.
    fn groups(&self) -> Groups;

    /// The stream of one modality up to the first meeting, for every sample
    /// that has it.
    fn encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature;

    /// The rest of the network on what is there. The streams of absent
    /// modalities are not run; zeros stand for them wherever modalities meet.
    ///
    /// `term` decides between the shared head and a modality's own: `Aux(m)`
    /// goes through the unimodal head of `m` if there is one, else through what
    /// the model calls that modality alone.
    fn join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored;

    /// Scores of several terms, each for samples that all have what it needs.
    fn forward(
        &self,
        terms: &[(LossTerm, Vec<usize>)],
        inputs: &Inputs,
        pass: &mut ForwardContext<'_>,
    ) -> Vec<Scored> {
        let count = self.modalities().len();
        // A stream that other ranks need runs here, too, where its layers meet theirs.
        let shown: Vec<LossTerm> = terms.iter().map(|(term, _)| *term).chain(pass.shown()).collect();
        let wanted = |m: Modality| shown.iter().any(|term| term.present(count).has(m));
        let streams = self.modalities().iter().filter(|&m| wanted(m)).filter_map(|modality| {
            let input = inputs.get(modality)?;
            Some(Stream { modality, model: self.clone(), input, pass: pass.beside() })
        });
        let encoded = encode(streams.collect(), count);
        terms
            .iter()
            .map(|(term, samples)| {
                let features = inputs.pick(&encoded, term.present(count), samples);
                pass.of_part(*term, samples.len(), |pass| self.join(*term, &features, pass))
            })
            .collect()
    }
}
