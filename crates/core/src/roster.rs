//! Which samples serve which term: of a batch, and of the batch that several ranks share.

use std::collections::BTreeMap;
use std::sync::Arc;

use counterpoint_batch::Targets;

use crate::modality::{Modality, Present};
use crate::peers::{Message, Peers, Reader};
use crate::step::{Incomplete, LossTerm};

/// The samples that have all of `needed`.
pub(crate) fn serving(present: &[Present], needed: Present) -> Vec<usize> {
    (0..present.len()).filter(|&i| needed.within(present[i])).collect()
}

/// The samples with each combination of modalities; those without any are left out.
pub(crate) fn patterns(present: &[Present]) -> BTreeMap<Present, Vec<usize>> {
    let mut patterns: BTreeMap<Present, Vec<usize>> = BTreeMap::new();
    for (i, present) in present.iter().enumerate().filter(|(_, p)| p.count() > 0) {
        patterns.entry(*present).or_default().push(i);
    }
    patterns
}

/// The samples that a term is computed on, by the term that shows what they have.
pub(crate) fn parts(
    present: &[Present],
    term: LossTerm,
    incomplete: Incomplete,
    modalities: usize,
) -> Vec<(LossTerm, Vec<usize>)> {
    if term == LossTerm::Fused && incomplete == Incomplete::ZeroFill {
        let patterns = patterns(present).into_iter();
        return patterns.map(|(p, samples)| (LossTerm::showing(p, modalities), samples)).collect();
    }
    let samples = serving(present, term.present(modalities));
    if samples.is_empty() { Vec::new() } else { vec![(term, samples)] }
}

/// The rows of all ranks of what some layers compute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// How many earlier ranks have: the random numbers of a layer go to the rows of all ranks, one after another.
    pub before: usize,
    /// How many all ranks have.
    pub all: usize,
    /// The ranks that have some, in order.
    pub ranks: Arc<[usize]>,
}

/// What layers have to know of other ranks' rows while a term runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    /// Of every modality's stream.
    pub streams: Vec<Rows>,
    /// Of every part of the term.
    pub parts: BTreeMap<LossTerm, Rows>,
    /// With whom layers compute statistics of all rows, if they do.
    pub layers: Option<Arc<dyn Peers>>,
}

/// What the samples of all ranks have and ask for; a rank's own are in the midst of them.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    rank: usize,
    /// Of every rank the number of its first sample, and how many all have.
    starts: Vec<usize>,
    present: Vec<Present>,
    targets: Targets,
    layers: Option<Arc<dyn Peers>>,
}

impl Roster {
    /// Tells the others of one's own samples and of the longest of each modality, and hears of theirs.
    pub fn of(
        peers: &dyn Peers,
        present: &[Present],
        targets: &Targets,
        longest: &[usize],
    ) -> (Self, Vec<usize>) {
        let mut message = Message::default();
        message.counts(&present.iter().map(|p| p.bits()).collect::<Vec<_>>());
        write_targets(&mut message, targets);
        message.counts(longest);
        let mut longest = longest.to_vec();
        let mut whole = Self {
            rank: peers.rank(),
            starts: vec![0],
            present: Vec::new(),
            targets: Targets::Classes(Vec::new()),
            layers: peers.of_layers(),
        };
        for message in &peers.gather(message.bytes()) {
            let mut message = Reader::new(message);
            whole.present.extend(message.counts().into_iter().map(Present::of_bits));
            whole.targets.append(read_targets(&mut message));
            longest.iter_mut().zip(message.counts()).for_each(|(all, other)| *all = (*all).max(other));
            whole.starts.push(whole.present.len());
        }
        (whole, longest)
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.present.len()
    }

    /// Samples of earlier ranks: the number of one's own first.
    pub fn start(&self) -> usize {
        self.starts[self.rank]
    }

    /// Whether layers compute statistics of all ranks' rows.
    pub fn synchronises(&self) -> bool {
        self.layers.is_some()
    }

    /// What some samples ask for.
    pub fn targets(&self, samples: &[usize]) -> Targets {
        self.targets.pick(samples)
    }

    /// The samples that serve a term, in order.
    pub fn serving(&self, term: LossTerm, incomplete: Incomplete, modalities: usize) -> Vec<usize> {
        let parts = self.parts(term, incomplete, modalities).into_iter();
        let mut samples: Vec<usize> = parts.flat_map(|(_, samples)| samples).collect();
        samples.sort_unstable();
        samples
    }

    /// The same by what they have of it.
    pub fn parts(
        &self,
        term: LossTerm,
        incomplete: Incomplete,
        modalities: usize,
    ) -> Vec<(LossTerm, Vec<usize>)> {
        parts(&self.present, term, incomplete, modalities)
    }

    /// Whose rows a term is computed on.
    pub fn others(&self, term: LossTerm, incomplete: Incomplete, modalities: usize) -> Others {
        let stream = |m| self.rows(&serving(&self.present, Present::only(Modality(m))));
        let parts = self.parts(term, incomplete, modalities).into_iter();
        Others {
            streams: (0..modalities).map(stream).collect(),
            parts: parts.map(|(term, samples)| (term, self.rows(&samples))).collect(),
            layers: self.layers.clone(),
        }
    }

    fn rows(&self, samples: &[usize]) -> Rows {
        let of = |rank: &usize| {
            let own = self.starts[*rank]..self.starts[rank + 1];
            samples.iter().any(|sample| own.contains(sample))
        };
        Rows {
            before: samples.iter().filter(|&&sample| sample < self.start()).count(),
            all: samples.len(),
            ranks: (0..self.starts.len() - 1).filter(of).collect(),
        }
    }
}

/// Writes targets of any kind.
pub(crate) fn write_targets(message: &mut Message, targets: &Targets) {
    let flags = |flags: &[bool]| flags.iter().map(|&flag| u8::from(flag)).collect::<Vec<_>>();
    match targets {
        Targets::Classes(classes) => {
            message.counts(&[0]);
            message.counts(classes);
        }
        Targets::Values(values) => {
            message.counts(&[1]);
            message.floats(values);
        }
        Targets::Labels { width, flags: all } => {
            message.counts(&[2, *width]);
            message.raw(&flags(all));
        }
        Targets::Maps { height, width, pixels } => {
            message.counts(&[3, *height, *width]);
            message.raw(pixels);
        }
        other => unreachable!("a kind of targets without a message: {}", other.describe()),
    }
}

/// Reads what [`write_targets`] wrote.
pub(crate) fn read_targets(message: &mut Reader<'_>) -> Targets {
    let kind = message.counts();
    match kind[..] {
        [1] => Targets::Values(message.floats()),
        [2, width] => Targets::Labels { width, flags: message.raw().iter().map(|&flag| flag != 0).collect() },
        [3, height, width] => Targets::Maps { height, width, pixels: message.raw().to_vec() },
        _ => Targets::Classes(message.counts()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Threads;

    #[test]
    fn every_rank_knows_all_samples_and_the_rows_before_its_own() {
        let both = Present::all(2);
        let (first, second) = (Present::only(Modality(0)), Present::only(Modality(1)));
        let of = [vec![both, first], vec![], vec![second, both, first]];
        let threads = Threads::of(3).into_iter().zip(&of).map(|(peers, present)| {
            let targets = Targets::Classes(vec![peers.rank(); present.len()]);
            move || (Roster::of(&peers, present, &targets, &[present.len(), 1]), peers)
        });
        let rosters: Vec<(Roster, Vec<usize>)> = std::thread::scope(|scope| {
            let started: Vec<_> = threads.map(|run| scope.spawn(run)).collect();
            started.into_iter().map(|thread| thread.join().unwrap().0).collect()
        });
        for ((roster, longest), start) in rosters.iter().zip([0, 2, 2]) {
            assert_eq!((roster.samples(), roster.start(), &longest[..]), (5, start, &[3, 1][..]));
            assert_eq!(roster.targets(&[0, 1, 2, 3, 4]), Targets::Classes(vec![0, 0, 2, 2, 2]));
        }
        let rows = |before, all, ranks: &[usize]| Rows { before, all, ranks: ranks.into() };
        let third = |term, incomplete| rosters[2].0.others(term, incomplete, 2);
        let fused = LossTerm::Fused;
        let skip = third(fused, Incomplete::Skip);
        assert_eq!(skip.streams, [rows(2, 4, &[0, 2]), rows(1, 3, &[0, 2])]);
        assert_eq!(skip.parts, [(fused, rows(1, 2, &[0, 2]))].into());
        let [own, second] = [0, 1].map(|m| LossTerm::Unimodal(Modality(m)));
        let all = [(fused, rows(1, 2, &[0, 2])), (own, rows(1, 2, &[0, 2])), (second, rows(0, 1, &[2]))];
        assert_eq!(third(fused, Incomplete::ZeroFill).parts, all.into());
        // A loss of one modality uses all that have it.
        assert_eq!(third(own, Incomplete::ZeroFill).parts, [(own, rows(2, 4, &[0, 2]))].into());
    }

    #[test]
    fn targets_of_every_kind_arrive() {
        let all = [
            Targets::Classes(vec![3, 0]),
            Targets::Values(vec![0.5]),
            Targets::Labels { width: 2, flags: vec![true, false, false, true] },
            Targets::Maps { height: 1, width: 2, pixels: vec![7, 255] },
        ];
        for targets in all {
            let mut message = Message::default();
            write_targets(&mut message, &targets);
            let mut reader = Reader::new(message.bytes());
            assert_eq!((read_targets(&mut reader), reader.is_done()), (targets, true));
        }
    }
}
