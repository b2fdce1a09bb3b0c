//! Linear probes of a run's checkpoints.

use std::collections::BTreeMap;

use counterpoint::modality::Modality;
use counterpoint::model::{AnyModel, Model as _};
use counterpoint::probe::Probe;
use counterpoint::strategy::Measured;
use counterpoint::train::{Besides, TrainState, evaluate};
use counterpoint_data::{Loader, LoaderOptions, Split};

use super::Run;
use crate::exit::Failure;

impl Run {
    /// Fits a probe of each modality to the features that a model gives of the
    /// train split, without augmentation, and chooses its penalty on the
    /// validation split. A modality that one of the two lacks has none.
    pub(super) fn probes(&self, state: &TrainState<AnyModel>) -> Result<BTreeMap<Modality, Probe>, Failure> {
        Probe::check(self.task.as_ref())?;
        let train = self.measured(state, self.splits.train.clone())?;
        let validation = self.measured(state, self.splits.val.clone())?;
        let mut probes = BTreeMap::new();
        for m in state.model.modalities().iter() {
            let (Some(fitted), Some(judged)) = (train.get(&m), validation.get(&m)) else { continue };
            let probe = Probe::fit(fitted, judged, self.task.as_ref());
            let name = state.model.modalities().name(m);
            probes.insert(m, probe.map_err(|e| Failure::from(e).at(&format!("linear probe of `{name}`")))?);
        }
        Ok(probes)
    }

    /// The features of every modality over a split, in evaluation mode.
    fn measured(
        &self,
        state: &TrainState<AnyModel>,
        split: Split,
    ) -> Result<BTreeMap<Modality, Measured>, Failure> {
        let loader = Loader::new(split, LoaderOptions::eval(&self.config.data.common))?;
        let (model, task) = (state.frozen(), self.task.as_ref());
        Ok(evaluate(&model, &state.buffers, task, &loader, &self.device()?, Besides::default())?.measured())
    }
}
