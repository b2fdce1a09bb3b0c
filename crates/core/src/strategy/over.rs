//! One strategy over another: everything of the inner one, and something besides.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::hooks::shared_hooks;
use super::{EpochTools, Joint, ModelFacts, Native, Stat, Strategy, StrategyConfig, StrategyState};
use crate::Error;
use crate::modality::Modalities;
use crate::step::Position;
use crate::step::{Gradients, Group, Groups, LossTerm, Phase, Routing, StepOutputs, StepRecord, TermOutput};
use crate::task::Task;

/// What a method adds to the strategy that it is over. Each hook runs after
/// the inner strategy's, and adds nothing unless it is implemented.
pub trait Addition: Send {
    /// Changes the optimizer steps for one batch; see [`Strategy::phases`].
    fn phases(&self, inner: Vec<Phase>, _at: Position) -> Vec<Phase> {
        inner
    }

    /// Changes the matrix. Entries that the inner strategy does not have must not come in:
    /// it may have said that nobody receives there.
    fn route(&mut self, inner: Routing) -> Routing {
        inner
    }

    /// Changes gradients; see [`Strategy::shape`].
    fn shape(&mut self, _gradients: &mut Gradients, _groups: &Groups, _at: Position) {}

    /// How a single modality is read, given how the inner strategy reads it.
    fn native<'a>(&self, inner: Option<&'a dyn Native>) -> Option<&'a dyn Native> {
        inner
    }

    shared_hooks!();
}

/// A strategy with an addition.
pub struct Over<A> {
    inner: Box<dyn Strategy>,
    addition: A,
}

impl<A: Addition> Over<A> {
    /// Puts an addition over a strategy.
    pub fn new(inner: Box<dyn Strategy>, addition: A) -> Self {
        Self { inner, addition }
    }
}

/// What a method is over if its settings do not say.
pub(super) fn joint() -> StrategyConfig {
    Joint {}.into()
}

/// Builds the strategy that `over` in a method's settings names.
///
/// # Errors
/// As [`StrategySettings::build`].
pub(super) fn inner(over: &StrategyConfig, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
    over.build(modalities).map_err(|error| Error::new(error.kind(), format!("strategy.over: {error}")))
}

/// The state of the inner strategy has this before its names.
const INNER: &str = "over.";

impl<A: Addition> Strategy for Over<A> {
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase> {
        self.addition.phases(self.inner.phases(at, modalities), at)
    }

    fn loss(
        &self,
        term: LossTerm,
        output: &TermOutput,
        earlier: &BTreeMap<LossTerm, TermOutput>,
        task: &dyn Task,
    ) -> Tensor<1> {
        self.inner.loss(term, output, earlier, task)
    }

    fn reads_outputs(&self) -> bool {
        self.inner.reads_outputs()
    }

    fn summands(&self, modalities: &Modalities) -> Option<Vec<LossTerm>> {
        self.inner.summands(modalities)
    }

    fn receives(&self, term: LossTerm, group: Group) -> bool {
        self.inner.receives(term, group)
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        Ok(self.addition.route(self.inner.route(outputs, modalities)?))
    }

    fn shape(&mut self, record: &StepRecord, gradients: &mut Gradients, groups: &Groups, at: Position) {
        self.inner.shape(record, gradients, groups, at);
        self.addition.shape(gradients, groups, at);
    }

    fn begin(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        self.inner.begin(at, tools)?;
        self.addition.begin(at, tools)
    }

    fn epoch_end(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        let before = self.inner.save();
        self.inner.epoch_end(at, tools)?;
        // Stopped in between, both measure again when training continues.
        let added = self.addition.epoch_end(at, tools);
        if added.is_err() {
            self.inner.restore(&before)?;
        }
        added
    }

    fn after_validation(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        self.inner.after_validation(at, tools)?;
        self.addition.after_validation(at, tools)
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        self.inner.check(facts)?;
        self.addition.check(facts)
    }

    fn needs_initial(&self) -> bool {
        self.inner.needs_initial() || self.addition.needs_initial()
    }

    fn native(&self) -> Option<&dyn Native> {
        self.addition.native(self.inner.native())
    }

    fn stats(&self) -> Vec<Stat> {
        [self.addition.stats(), self.inner.stats()].concat()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        [self.addition.legend(), self.inner.legend()].concat()
    }

    fn save(&self) -> StrategyState {
        let inner = self.inner.save().0.into_iter().map(|(name, array)| (format!("{INNER}{name}"), array));
        StrategyState(self.addition.save().0.into_iter().chain(inner).collect())
    }

    fn restore(&mut self, state: &StrategyState) -> Result<(), Error> {
        let inner =
            |(name, array): (&String, &_)| Some((name.strip_prefix(INNER)?.to_owned(), Clone::clone(array)));
        self.inner.restore(&StrategyState(state.0.iter().filter_map(inner).collect()))?;
        self.addition.restore(state)
    }
}
