//! What a step leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Tensor;

use super::{Gradients, LossTerm, Routing, TermOutput};
use crate::host::Reads;
use crate::modality::Modality;
use crate::peers::{Message, Peers, Reader};

/// What a phase left behind, for strategies and diagnostics.
#[derive(Debug, Default)]
pub struct StepRecord {
    /// Forward results of every term and probe.
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
    unread: Vec<(Number, Tensor<1>)>,
}

/// What a number on the device says.
#[derive(Clone, Copy, Debug)]
enum Number {
    Loss(LossTerm),
    /// The square of a norm, or a part of it.
    Square(LossTerm, Modality),
}

impl StepRecord {
    /// Notes the loss of a term, `[1]`.
    pub(crate) fn note_loss(&mut self, term: LossTerm, loss: Tensor<1>) {
        self.trained.insert(term);
        self.unread.push((Number::Loss(term), loss.inner()));
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
    /// arrives at the features, each rank knows its own samples' part, so all of them read together.
    pub fn read(&mut self, mut reads: Reads, peers: &dyn Peers) -> Vec<Vec<f32>> {
        let (what, numbers): (Vec<Number>, Vec<Tensor<1>>) =
            std::mem::take(&mut self.unread).into_iter().unzip();
        let others = reads.len();
        numbers.into_iter().for_each(|number| reads.add(number));
        let mut values = reads.fetch();
        let own = values.split_off(others);
        let mut squares = Squares::new();
        for (number, value) in what.into_iter().zip(own) {
            let value = f64::from(value[0]);
            match number {
                Number::Loss(term) => drop(self.losses.insert(term, value)),
                Number::Square(term, m) => *squares.entry((term, m)).or_default() += value,
            }
        }
        if peers.size() > 1 {
            squares = self.summed(&squares, peers);
        }
        self.boundary_norms.extend(squares.into_iter().map(|(at, square)| (at, square.sqrt())));
        values
    }

    /// The squares of all ranks added up, and the most that encoders ran on one of them.
    fn summed(&mut self, own: &Squares, peers: &dyn Peers) -> Squares {
        let mut message = Message::default();
        message.count(self.encoder_runs);
        for (&(term, m), &square) in own {
            message.counts(&[term.code().as_slice(), &[m.0]].concat());
            message.number(square);
        }
        let mut sums = Squares::new();
        for rank in peers.gather(message.bytes()) {
            let mut rank = Reader::new(&rank);
            self.encoder_runs = self.encoder_runs.max(rank.count());
            while !rank.is_done() {
                let at = rank.counts();
                let at = (LossTerm::of_code([at[0], at[1]]), Modality(at[2]));
                *sums.entry(at).or_default() += rank.number();
            }
        }
        sums
    }
}

/// By term, at the features of a modality.
type Squares = BTreeMap<(LossTerm, Modality), f64>;
