//! Strategies: who receives to which loss, and how loudly.
//!
//! A strategy does not train. It never holds the model, the optimizer or a
//! loader, and it names no encoder, no fusion and no data set.

mod agm;
mod credit;
mod dgl;
mod epoch_tools;
mod facts;
mod gblend;
mod heads;
mod hooks;
mod joint;
mod mla;
mod mmpareto;
mod native;
mod noise;
mod ogm;
mod over;
mod pmr;
mod prototypes;
mod range;
mod reconboost;
mod registry;
mod relearn;
mod settings;
mod state;
mod tensors;
mod unimodal;

pub use agm::{Agm, AgmConfig};
pub use credit::Gate;
pub use dgl::Dgl;
pub use epoch_tools::{EpochTools, LossCurve, Measured, Split, SplitLoss};
pub use facts::ModelFacts;
pub use gblend::{GBlend, GBlendConfig};
pub use heads::Heads;
pub use joint::Joint;
pub use mla::{Direction, Mla, MlaConfig, Projection};
pub use mmpareto::{MmPareto, MmParetoConfig, Rescale, Weights};
pub use native::{Native, UnimodalQuery};
pub use noise::{Noise, NoiseConfig, noise_size};
pub use ogm::{Ogm, OgmConfig, Scores};
pub use over::{Addition, Over};
pub use pmr::{Pmr, PmrConfig, Pull};
pub use reconboost::{BoostStart, ReconBoost, ReconBoostConfig};
pub use relearn::{Relearn, RelearnConfig};
pub use settings::{StrategyConfig, StrategySettings};
pub use state::StrategyState;
pub use tensors::Tensors;
pub use unimodal::{Unimodal, UnimodalConfig};

use burn::tensor::Tensor;
use std::collections::BTreeMap;

use hooks::shared_hooks;

use crate::Error;
use crate::modality::{Modalities, Modality};
use crate::step::{
    Gradients, Group, Groups, LossTerm, Phase, Position, Routing, StepOutputs, StepRecord, TermOutput,
};
use crate::task::Task;

/// A number of a strategy's last step that is worth a look: a score, a ratio,
/// a coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stat {
    /// What it is, as the strategy's file calls it.
    pub name: &'static str,
    /// Whose it is; `None` for the whole model.
    pub modality: Option<Modality>,
    /// Its value.
    pub value: f64,
}

impl Stat {
    /// One figure for each modality.
    pub fn each(name: &'static str, values: &[f64]) -> impl Iterator<Item = Self> {
        values.iter().enumerate().map(move |(i, &value)| Self { name, modality: Some(Modality(i)), value })
    }
}

/// A way to train, as a rule for the matrix W and a few hooks.
///
/// ```
/// use counterpoint::Error;
/// use counterpoint::step::{Group, Phase, Routing, LossTerm, StepOutputs};
/// use counterpoint::modality::{Modalities, Modality};
/// use counterpoint::step::Position;
/// use counterpoint::strategy::Strategy;
/// use counterpoint::task::Classification;
///
/// /// Encoders learn from their unimodal losses first, then from the fused one.
/// struct Relay;
///
/// impl Strategy for Relay {
///     fn phases(&self, _: Position, names: &Modalities) -> Vec<Phase> {
///         vec![Phase::of([LossTerm::Fused].into_iter().chain(names.iter().map(LossTerm::Unimodal)).collect::<Vec<_>>())]
///     }
///
///     fn route(&mut self, outputs: &StepOutputs<'_>, names: &Modalities) -> Result<Routing, Error> {
///         let first = outputs.at.epoch < outputs.at.epochs / 2;
///         let w = Routing::default().with(LossTerm::Fused, Group::Fusion, 1.0).with(LossTerm::Fused, Group::Head, 1.0);
///         let term = |m| if first { LossTerm::Unimodal(m) } else { LossTerm::Fused };
///         Ok(names.iter().fold(w, |w, m| w.with(term(m), Group::Encoder(m), 1.0)))
///     }
/// }
///
/// let (names, audio) = (Modalities::new(["audio", "image"])?, Modality(0));
/// let mut weight = |epoch, term| {
///     let at = Position { epoch, epochs: 10, batch: 0, batches: 1, seed: 0 };
///     let (outputs, terms, task) = (Default::default(), Default::default(), Classification::new(2));
///     let outputs = StepOutputs { at, outputs: &outputs, terms: &terms, task: &task };
///     Relay.route(&outputs, &names).map(|w| w.weight(term, Group::Encoder(audio)))
/// };
/// assert_eq!((weight(0, LossTerm::Fused)?, weight(5, LossTerm::Fused)?), (0.0, 1.0));
/// // A missing entry means no gradient, not a zero gradient: weight decay and momentum rest too.
/// assert_eq!(weight(0, LossTerm::Unimodal(Modality(1)))?, 0.0);
/// # Ok::<(), Error>(())
/// ```
pub trait Strategy: Send {
    /// The optimizer steps for one batch.
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase>;

    /// The loss of a term; by default the task's.
    ///
    /// `earlier` holds the probes and the terms before this one, without graph.
    fn loss(
        &self,
        _row: LossTerm,
        output: &TermOutput,
        _earlier: &BTreeMap<LossTerm, TermOutput>,
        task: &dyn Task,
    ) -> Tensor<1> {
        task.loss(output.scores.clone(), &output.targets)
    }

    /// Whether [`Self::loss`], [`Self::route`] or [`Self::shape`] reads what models gave for a batch. One that does
    /// not, and has the task's loss, spares ranks that train a segmentation model from telling each other the
    /// scores of every pixel; it may then find those of its own rank alone.
    fn reads_outputs(&self) -> bool {
        true
    }

    /// The fused term and then one for each modality, if a weighted sum of these
    /// losses, and nothing else, is what training makes small: other weights
    /// are then another strategy of that kind.
    fn summands(&self, _modalities: &Modalities) -> Option<Vec<LossTerm>> {
        None
    }

    /// Whether [`Self::route`] may ever send this term's gradient to this group.
    /// Evaluators leave out what nobody receives to: with dense fusion that is
    /// a good part of a backward pass.
    fn receives(&self, _row: LossTerm, _group: Group) -> bool {
        true
    }

    /// The matrix for this phase, after its forward passes.
    ///
    /// # Errors
    /// If the outputs make no sense to the strategy.
    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error>;

    /// Changes gradients after they were mixed.
    fn shape(&mut self, _ledger: &StepRecord, _gradients: &mut Gradients, _groups: &Groups, _at: Position) {}

    /// How the method itself reads a single modality, where that is something
    /// else than fusion and head with that modality only.
    fn native(&self) -> Option<&dyn Native> {
        None
    }

    // Before, between and after epochs; all of them do nothing by default.
    shared_hooks!();
}
