//! What a forward pass may use and change besides its input.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::ParamId;
use burn::tensor::{Device, Tensor};

use super::{BnPolicy, BufferKey, Buffers, Running};
use crate::math::random::Random;
use crate::modality::{Modality, Present};
use crate::peers::Among;
use crate::roster::{Others, Rows};
use crate::step::LossTerm;

/// The explicit context of forward passes: training or evaluation, which
/// running statistics are read, and which are moved.
///
/// One `ForwardContext` serves all terms of one optimizer step. Within it a term moves a
/// buffer at most once, and a layer before the first meeting moves its buffer
/// once however many terms run it: that is what makes the two evaluators of
/// [`grad`](crate::grad) leave the same statistics behind.
#[derive(Clone, Debug)]
pub struct ForwardContext<'a> {
    mode: Mode<'a>,
    place: Place,
    /// Seed and step that random draws belong to.
    step: Option<(u64, u64)>,
    /// What other ranks have of the term that runs.
    others: Arc<Others>,
    /// Of the layers that run now: rows of all ranks, and how many are here.
    rows: Option<(Rows, usize)>,
    loss_scale: f64,
}

/// Whose statistics layers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The buffer.
    key: BufferKey,
    /// What is read in evaluation where `key` was never moved.
    fallback: BufferKey,
    /// The modalities that are present, after the first meeting.
    term: Option<Present>,
    /// Which of the streams that share a layer.
    turn: usize,
}

const BEFORE_MEETING: Place =
    Place { key: BufferKey::Single, fallback: BufferKey::Single, term: None, turn: 0 };

#[derive(Clone, Debug)]
enum Mode<'a> {
    Train { statistics: Arc<Mutex<Statistics<'a>>>, still: bool },
    Eval(&'a Buffers),
}

/// What a training pass moves.
#[derive(Debug)]
struct Statistics<'a> {
    buffers: &'a mut Buffers,
    moved: BTreeSet<(u64, Place)>,
}

/// Those that passes share. Each move is whole, so one that panicked left none half done.
fn locked<'m, 'a>(statistics: &'m Mutex<Statistics<'a>>) -> MutexGuard<'m, Statistics<'a>> {
    statistics.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> ForwardContext<'a> {
    /// A pass with batch statistics that moves `buffers`.
    pub fn train(buffers: &'a mut Buffers) -> Self {
        let statistics = Arc::new(Mutex::new(Statistics { buffers, moved: BTreeSet::new() }));
        Self::new(Mode::Train { statistics, still: false })
    }

    /// The same, whose losses are multiplied by `scale` before they go backward, and their gradients divided by it.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Self { loss_scale: scale, ..self }
    }

    /// What losses of this pass are multiplied by.
    pub(crate) fn loss_scale(&self) -> f64 {
        self.loss_scale
    }

    /// A pass with running statistics that changes nothing.
    pub fn eval(buffers: &'a Buffers) -> Self {
        Self::new(Mode::Eval(buffers))
    }

    fn new(mode: Mode<'a>) -> Self {
        let others = Arc::default();
        Self { mode, place: BEFORE_MEETING, step: None, others, rows: None, loss_scale: 1.0 }
    }

    /// A context for layers that run at the same time as others of this pass, on another
    /// thread perhaps. What they move, they move for the whole pass.
    pub(crate) fn beside(&self) -> Self {
        self.clone()
    }

    /// The same, for a measurement: no buffer is moved.
    pub(crate) fn measuring(&self) -> Self {
        let mut beside = self.clone();
        beside.set_still(true);
        beside
    }

    /// Whether batch statistics are used.
    pub fn trains(&self) -> bool {
        matches!(self.mode, Mode::Train { .. })
    }

    /// Runs `f` for layers after a meeting of modalities, of which `term` are
    /// present out of `all`.
    ///
    /// In evaluation a set of modalities that never trained reads the
    /// statistics of all together.
    pub fn after_fusion<T>(
        &mut self,
        term: Present,
        all: Present,
        policy: BnPolicy,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let fused = BufferKey::Subset(all);
        let key = if policy == BnPolicy::PerSubset { BufferKey::Subset(term) } else { fused };
        let outer =
            std::mem::replace(&mut self.place, Place { key, fallback: fused, term: Some(term), turn: 0 });
        let result = match policy {
            BnPolicy::FusedOnly if term != all => self.probe(f),
            _ => f(self),
        };
        self.place = outer;
        result
    }

    /// Runs `f` for one of several streams that go through the same layers,
    /// each of which moves their buffers.
    pub fn turn<T>(&mut self, turn: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.place.turn, turn);
        let result = f(self);
        self.place.turn = outer;
        result
    }

    /// Says which step of which run random draws belong to. A pass that was
    /// not told draws nothing: dropout is off.
    pub fn draw(&mut self, seed: u64, step: u64) {
        self.step = Some((seed, step));
    }

    /// Says which rows other ranks have of the term that runs next. A pass that was not told has
    /// the whole batch.
    pub(crate) fn follow(&mut self, others: Others) {
        self.others = Arc::new(others);
    }

    /// Whether layers meet those of other ranks, so that all of them must run in the same order.
    pub(crate) fn synchronises(&self) -> bool {
        self.others.layers.is_some()
    }

    /// The parts of the term on all ranks, if layers meet those of other ranks.
    pub(crate) fn shown(&self) -> impl Iterator<Item = LossTerm> {
        self.others.parts.keys().copied().filter(|_| self.synchronises())
    }

    /// The same for layers of one modality's stream, which has `count` rows here.
    #[must_use]
    pub(crate) fn of_stream(mut self, m: Modality, count: usize) -> Self {
        self.rows = self.others.streams.get(m.0).map(|rows| (rows.clone(), count));
        self
    }

    /// Runs `f` for layers after the meeting, on a part of a term with `count` samples here.
    pub(crate) fn of_part<T>(&mut self, part: LossTerm, count: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let rows = self.others.parts.get(&part).map(|rows| (rows.clone(), count));
        let outer = std::mem::replace(&mut self.rows, rows);
        let result = f(self);
        self.rows = outer;
        result
    }

    /// How many random numbers of a layer belong to rows of earlier ranks, if `here` belong to the rows here.
    pub(super) fn skipped(&self, here: usize) -> usize {
        self.rows.as_ref().map_or(0, |(rows, count)| here / (*count).max(1) * rows.before)
    }

    /// The ranks that a layer computes statistics with, and how many samples they have of the `here` that it is given;
    /// `None` where those here are all that it looks at.
    pub(super) fn among(&self, layer: ParamId, here: usize) -> Option<(Among, usize)> {
        let ((rows, count), peers) = (self.rows.as_ref()?, self.others.layers.as_ref()?);
        let among = || Among::new(Arc::clone(peers), Arc::clone(&rows.ranks), layer.val());
        (self.trains() && rows.ranks.len() > 1).then(|| (among(), here / (*count).max(1) * rows.all))
    }

    /// The random numbers of a layer in this step and term; none in evaluation.
    pub(super) fn random(&self, layer: &str) -> Option<Random> {
        let (seed, step) = self.step.filter(|_| self.trains())?;
        let (step, place) = (step.to_string(), format!("{:?}", (self.place.term, self.place.turn)));
        Some(Random::new(seed, &["dropout", layer, &step, &place]))
    }

    /// Runs `f` without moving any buffer: a measurement must not train.
    pub fn probe<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.set_still(true);
        let result = f(self);
        self.set_still(outer);
        result
    }

    fn set_still(&mut self, value: bool) -> bool {
        match &mut self.mode {
            Mode::Train { still, .. } => std::mem::replace(still, value),
            Mode::Eval(_) => true,
        }
    }

    /// The running statistics of a layer. Before the first batch they are those
    /// that the layer was given, under [`BufferKey::Single`], or mean 0 and
    /// variance 1.
    pub(super) fn running(&self, layer: ParamId, channels: usize, device: &Device) -> Running {
        let places = [self.place.key, self.place.fallback, BufferKey::Single];
        let found = |buffers: &Buffers| places.iter().find_map(|&key| buffers.get(layer, key).cloned());
        let running = match &self.mode {
            Mode::Train { statistics, .. } => found(locked(statistics).buffers),
            Mode::Eval(buffers) => found(buffers),
        };
        running.unwrap_or_else(|| Running {
            mean: Tensor::zeros([channels], device),
            variance: Tensor::ones([channels], device),
        })
    }

    /// Moves a layer's buffer unless this pass has moved it or only measures.
    pub(super) fn observe(&mut self, layer: ParamId, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        if let Mode::Train { statistics, still: false } = &self.mode {
            let mut statistics = locked(statistics);
            if statistics.moved.insert((layer.val(), self.place)) {
                statistics.buffers.move_towards(layer, self.place.key, Running { mean, variance }, count);
            }
        }
    }
}
