//! Ranks whose layers compute statistics of the whole batch.

use std::sync::Arc;

use super::Peers;

/// The same ranks, with batch norm over the rows of all of them instead of each one's own (PyTorch's `SyncBatchNorm`).
#[derive(Debug)]
pub struct Synchronised(Arc<dyn Peers>);

impl Synchronised {
    /// Over the ranks of `inner`.
    pub fn new(inner: Arc<dyn Peers>) -> Self {
        Self(inner)
    }
}

impl Peers for Synchronised {
    fn rank(&self) -> usize {
        self.0.rank()
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn sum(&self, values: &mut [f32]) {
        self.0.sum(values);
    }

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        self.0.gather(mine)
    }

    fn exchange(&self, ranks: &[usize], mine: &[u8]) -> Vec<Vec<u8>> {
        self.0.exchange(ranks, mine)
    }

    fn of_layers(&self) -> Option<Arc<dyn Peers>> {
        Some(Arc::clone(&self.0))
    }
}
