//! How ranks that train a run together compute.

use std::sync::Arc;

use counterpoint::peers::{Peers, Synchronised};

use super::Run;
use crate::config::Statistics;

impl Run {
    /// Ranks as this run wants them, with batch norm over the samples of all of them or of each.
    pub fn peers(&self, peers: Arc<dyn Peers>) -> Arc<dyn Peers> {
        match self.config.train.batch_norm {
            Statistics::Synchronised if peers.size() > 1 => Arc::new(Synchronised::new(peers)),
            _ => peers,
        }
    }
}
