//! What a step leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Tensor;
use counterpoint_batch::Targets;

use super::{Gradients, LossTerm, Routing, TermOutput};
use crate::host::Reads;
use crate::modality::Modality;
use crate::peers::{Message, Peers, Reader};

/// What a phase left behind, for strategies and diagnostics.
#[derive(Debug, Default)]
pub struct StepRecord {
    /// Forward results of every term and probe; of the terms in `shared` those of this rank.
    pub outputs: BTreeMap<LossTerm, TermOutput>,
    /// The terms that have a loss: every one that some sample served, probes excluded.
    pub trained: BTreeSet<LossTerm>,
    /// Their losses, once they are read.
    pub losses: BTreeMap<LossTerm, f64>,
    /// Norm of `d loss(r) / d z_m`, unweighted, for each term and modality, once they are read.
    pub boundary_norms: BTreeMap<(LossTerm, Modality), f64>,
    /// The strategy's matrix.
    pub routing: Routing,
    /// Every term's own gradient at all parameters, if the phase needed them.
    pub terms: BTreeMap<LossTerm, Gradients>,
    /// How often an encoder ran, up to where modalities meet: forward and backward, each counted.
    pub encoder_runs: usize,
    /// The samples of all ranks that serve a term, and their targets, where `outputs` has this rank's alone.
    shared: BTreeMap<LossTerm, (Vec<usize>, Targets)>,
    unread: Vec<(Number, Tensor<1>)>,
}

/// What a number on the device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    Loss(LossTerm),
    /// What this rank's samples add to a loss.
    Share(LossTerm),
    /// The square of a norm, or a part of it.
    Square(LossTerm, Modality),
}

impl StepRecord {
    /// Notes the loss of a term, `[1]`.
    pub(crate) fn note_loss(&mut self, term: LossTerm, loss: Tensor<1>) {
        self.trained.insert(term);
        self.unread.push((Number::Loss(term), loss.inner()));
    }

    /// Notes what the samples here add to the loss of a term, `[1]`, if any, and which samples serve it on all ranks.
    pub(crate) fn note_share(
        &mut self,
        term: LossTerm,
        share: Option<Tensor<1>>,
        served: (Vec<usize>, Targets),
    ) {
        self.trained.insert(term);
        self.shared.insert(term, served);
        self.unread.extend(share.map(|share| (Number::Share(term), share.inner())));
    }

    /// The samples of the whole batch that serve a trained term, and their targets.
    pub(crate) fn served(&self, term: LossTerm) -> (&[usize], &Targets) {
        match self.shared.get(&term) {
            Some((samples, targets)) => (samples, targets),
            None => (&self.outputs[&term].samples, &self.outputs[&term].targets),
        }
    }

    /// Whether `outputs` has this rank's results alone of a term.
    pub(crate) fn is_shared(&self, term: LossTerm) -> bool {
        self.shared.contains_key(&term)
    }

    /// Notes what arrives from a term at the features of a modality.
    pub(crate) fn note_boundary(&mut self, term: LossTerm, m: Modality, parts: &[Option<Tensor<2>>]) {
        for part in parts.iter().flatten() {
            self.unread.push((Number::Square(term, m), (part.clone() * part.clone()).sum()));
        }
    }

    /// Forgets gradients that are not numbers, of a step that moves nothing.
    pub(crate) fn forget_gradients(&mut self) {
        self.boundary_norms.clear();
        self.terms.clear();
    }

    /// Reads losses and norms from the device, together with what `reads` holds; returns the latter. Of what
    /// arrives at the features, and of losses that are sums, each rank knows its own samples' part, so all of them
    /// read together.
    pub fn read(&mut self, mut reads: Reads, peers: &dyn Peers) -> Vec<Vec<f32>> {
        let (what, numbers): (Vec<Number>, Vec<Tensor<1>>) =
            std::mem::take(&mut self.unread).into_iter().unzip();
        let others = reads.len();
        numbers.into_iter().for_each(|number| reads.add(number));
        let mut values = reads.fetch();
        let own = values.split_off(others);
        let mut sums: BTreeMap<Number, f64> = BTreeMap::new();
        for (number, value) in what.into_iter().zip(own) {
            *sums.entry(number).or_default() += f64::from(value[0]);
        }
        if peers.size() > 1 {
            sums = self.summed(sums, peers);
        }
        for (number, value) in sums {
            match number {
                Number::Loss(term) | Number::Share(term) => drop(self.losses.insert(term, value)),
                Number::Square(term, m) => drop(self.boundary_norms.insert((term, m), value.sqrt())),
            }
        }
        values
    }

    /// Parts that ranks have of the same number added up, and the most that encoders ran on one of them.
    fn summed(&mut self, own: BTreeMap<Number, f64>, peers: &dyn Peers) -> BTreeMap<Number, f64> {
        let mut message = Message::default();
        message.count(self.encoder_runs);
        let (known, parts): (BTreeMap<_, _>, _) =
            own.into_iter().partition(|(number, _)| matches!(number, Number::Loss(_)));
        for (number, value) in parts {
            message.counts(&number.code());
            message.number(value);
        }
        let mut sums = known;
        for rank in peers.gather(message.bytes()) {
            let mut rank = Reader::new(&rank);
            self.encoder_runs = self.encoder_runs.max(rank.count());
            while !rank.is_done() {
                let number = Number::of_code(&rank.counts());
                *sums.entry(number).or_default() += rank.number();
            }
        }
        sums
    }
}

impl Number {
    /// A part of a number as ranks tell each other of it.
    fn code(self) -> Vec<usize> {
        match self {
            Self::Loss(term) | Self::Share(term) => term.code().to_vec(),
            Self::Square(term, m) => [term.code().as_slice(), &[m.0]].concat(),
        }
    }

    /// What [`Self::code`] gave.
    fn of_code(code: &[usize]) -> Self {
        let term = LossTerm::of_code([code[0], code[1]]);
        code.get(2).map_or(Self::Share(term), |&m| Self::Square(term, Modality(m)))
    }
}
