//! Which samples serve which term: of a batch, and of the batch that several ranks share.

use std::collections::BTreeMap;

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

/// How many rows earlier ranks have: the random numbers of a layer go to the rows of all ranks, one
/// after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// Of every modality's stream.
    pub streams: Vec<usize>,
    /// Of every part of the term.
    pub parts: BTreeMap<LossTerm, usize>,
}

/// What the samples of all ranks have and ask for; a rank's own are in the midst of them.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    /// Samples of earlier ranks.
    start: usize,
    present: Vec<Present>,
    targets: Targets,
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
        let mut whole = Self { start: 0, present: Vec::new(), targets: Targets::Classes(Vec::new()) };
        for (rank, message) in peers.gather(message.bytes()).iter().enumerate() {
            let mut message = Reader::new(message);
            if rank == peers.rank() {
                whole.start = whole.present.len();
            }
            whole.present.extend(message.counts().into_iter().map(Present::of_bits));
            whole.targets.append(read_targets(&mut message));
            longest.iter_mut().zip(message.counts()).for_each(|(all, other)| *all = (*all).max(other));
        }
        (whole, longest)
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.present.len()
    }

    /// Samples of earlier ranks: the number of one's own first.
    pub fn start(&self) -> usize {
        self.start
    }

    /// What some samples ask for.
    pub fn targets(&self, samples: &[usize]) -> Targets {
        self.targets.pick(samples)
    }

    /// The samples that serve a term, in order.
    pub fn serving(&self, term: LossTerm, incomplete: Incomplete, modalities: usize) -> Vec<usize> {
        let parts = parts(&self.present, term, incomplete, modalities).into_iter();
        let mut samples: Vec<usize> = parts.flat_map(|(_, samples)| samples).collect();
        samples.sort_unstable();
        samples
    }

    /// The rows that earlier ranks have of a term.
    pub fn earlier(&self, term: LossTerm, incomplete: Incomplete, modalities: usize) -> Earlier {
        let before = &self.present[..self.start];
        let rows = |m| serving(before, Present::only(Modality(m))).len();
        let parts = parts(before, term, incomplete, modalities).into_iter();
        Earlier {
            streams: (0..modalities).map(rows).collect(),
            parts: parts.map(|(term, samples)| (term, samples.len())).collect(),
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
        let third = |term, incomplete| rosters[2].0.earlier(term, incomplete, 2);
        let fused = LossTerm::Fused;
        let skip = third(fused, Incomplete::Skip);
        assert_eq!((skip.streams, skip.parts), (vec![2, 1], [(fused, 1)].into()));
        let own = LossTerm::Unimodal(Modality(0));
        assert_eq!(third(fused, Incomplete::ZeroFill).parts, [(fused, 1), (own, 1)].into());
        // A loss of one modality uses all that have it.
        assert_eq!(third(own, Incomplete::ZeroFill).parts, [(own, 2)].into());
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
