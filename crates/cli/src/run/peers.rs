//! How ranks that train a run together compute.

use std::sync::Arc;

use counterpoint::device::is_host;
use counterpoint::engine::Convolution;
use counterpoint::peers::{Peers, Synchronised};

use super::Run;
use crate::config::Statistics;
use crate::exit::{Code, Failure};

impl Run {
    /// Ranks as this run wants them, with batch norm over the samples of all of them or of each.
    ///
    /// # Errors
    /// If they are to synchronise batch norm where nothing can.
    pub fn peers(&self, peers: Arc<dyn Peers>) -> Result<Arc<dyn Peers>, Failure> {
        let (train, engine) = (&self.config.train, &self.config.engine);
        if peers.size() == 1 || train.batch_norm == Statistics::Local {
            return Ok(peers);
        }
        let elsewhere = match (is_host(&self.device()?), engine.convolution) {
            (true, Convolution::Burn) => "engine.convolution = \"burn\"".to_owned(),
            (true, _) => return Ok(Arc::new(Synchronised::new(peers))),
            (false, _) => format!("train.device = \"{}\"", train.device),
        };
        Err(Failure::new(
            Code::Config,
            format!(
                "train.batch_norm = \"synchronised\": ranks compute batch norm together on the CPU and with its kernels, and \
                 this run has {elsewhere}; choose \"local\", or device \"cpu\" with engine.convolution \"fast\" or \"exact\""
            ),
        ))
    }
}
