//! Ranks that compute one layer together.

use std::sync::Arc;

use super::{Message, Peers, Reader};

/// The ranks that have rows of what a layer computes, and the layer.
#[derive(Clone, Debug)]
pub(crate) struct Among {
    peers: Arc<dyn Peers>,
    ranks: Arc<[usize]>,
    layer: u64,
}

impl Among {
    pub fn new(peers: Arc<dyn Peers>, ranks: Arc<[usize]>, layer: u64) -> Self {
        Self { peers, ranks, layer }
    }

    /// What each of them has, by rank; `backward` says in which direction the layer runs.
    ///
    /// # Panics
    /// If another rank is at another layer: numbers of two layers must not be taken for those of one.
    pub fn exchange(&self, backward: bool, values: &[f64]) -> Vec<Vec<f64>> {
        let place = |message: &mut Message| {
            message.count(self.layer as usize);
            message.count(usize::from(backward));
        };
        let mut message = Message::default();
        place(&mut message);
        values.iter().for_each(|&value| message.number(value));
        let all = self.peers.exchange(&self.ranks, message.bytes());
        let read = |message: &Vec<u8>| {
            let mut message = Reader::new(message);
            assert!(
                message.count() == self.layer as usize && message.count() == usize::from(backward),
                "ranks met at different layers of one step: this is a bug, or they do not run the same program"
            );
            values.iter().map(|_| message.number()).collect()
        };
        all.iter().map(read).collect()
    }

    /// The sum of what they have, in the order of ranks.
    pub fn sum(&self, backward: bool, values: &[f64]) -> Vec<f64> {
        let mut all = self.exchange(backward, values).into_iter();
        let first = all.next().unwrap_or_default();
        all.fold(first, |sum, rank| sum.iter().zip(rank).map(|(sum, value)| sum + value).collect())
    }
}
