//! What a step tells the other ranks.

use std::sync::{Mutex, PoisonError};

use super::Peers;

/// The same rank, with a count of what is said.
#[derive(Debug)]
pub struct Counted<P> {
    inner: P,
    traffic: Mutex<Traffic>,
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
        Self { inner, traffic: Mutex::default() }
    }

    /// What was said.
    pub fn traffic(&self) -> Traffic {
        *self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gathered(&self, all: &[Vec<u8>]) {
        self.count(|traffic| {
            traffic.gathers += 1;
            traffic.gathered += all.iter().map(Vec::len).sum::<usize>();
        });
    }

    fn count(&self, add: impl FnOnce(&mut Traffic)) {
        add(&mut self.traffic.lock().unwrap_or_else(PoisonError::into_inner));
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
        self.count(|traffic| {
            traffic.sums += 1;
            traffic.summed += size_of_val(values);
        });
        self.inner.sum(values);
    }

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let all = self.inner.gather(mine);
        self.gathered(&all);
        all
    }

    fn exchange(&self, ranks: &[usize], mine: &[u8]) -> Vec<Vec<u8>> {
        let all = self.inner.exchange(ranks, mine);
        self.gathered(&all);
        all
    }
}
