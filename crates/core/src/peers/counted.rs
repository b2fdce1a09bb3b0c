//! What a step tells the other ranks.

use std::cell::Cell;

use super::Peers;

/// The same rank, with a count of what is said.
#[derive(Debug)]
pub struct Counted<P> {
    inner: P,
    traffic: Cell<Traffic>,
}

/// What a rank said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sums over ranks.
    pub sums: usize,
    /// Bytes that are added up, of one rank: as many on any number of ranks.
    pub summed: usize,
    /// Messages that everyone gets.
    pub gathers: usize,
    /// Bytes of these, of all ranks together: about as many on any number of ranks, for they are of the samples
    /// of a batch.
    pub gathered: usize,
}

impl<P: Peers> Counted<P> {
    /// Counts from here on.
    pub fn new(inner: P) -> Self {
        Self { inner, traffic: Cell::default() }
    }

    /// What was said.
    pub fn traffic(&self) -> Traffic {
        self.traffic.get()
    }
}

impl<P: Peers> Peers for Counted<P> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn sum(&self, values: &mut [f32]) {
        let before = self.traffic.get();
        let summed = before.summed + size_of_val(values);
        self.traffic.set(Traffic { sums: before.sums + 1, summed, ..before });
        self.inner.sum(values);
    }

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let all = self.inner.gather(mine);
        let before = self.traffic.get();
        let gathered = before.gathered + all.iter().map(Vec::len).sum::<usize>();
        self.traffic.set(Traffic { gathers: before.gathers + 1, gathered, ..before });
        all
    }
}
