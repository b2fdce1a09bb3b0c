//! A model that starts from the weights of another run.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;

use super::TrainState;
use super::checkpoint::{Checkpoint, Values};
use crate::Error;
use crate::model::Model;
use crate::weights::part_of;

impl Checkpoint {
    /// Puts weights and running statistics into a model as the start of
    /// another training: optimizer, strategy and position stay behind.
    ///
    /// `parts` are those to take, as `encoder.audio` or `head`; all by default.
    ///
    /// # Errors
    /// If a part is not in the model, or does not fit: the message names every
    /// part that does not, with the first tensor and both shapes, and those that do.
    pub fn begin<M: Model>(
        mut self,
        state: &mut TrainState<M>,
        parts: Option<&[String]>,
        device: &Device,
    ) -> Result<(), Error> {
        let is_statistic = |name: &str| name.contains(".running_mean") || name.contains(".running_var");
        let of_model: BTreeSet<&str> = state.groups.parameters().iter().map(|p| part_of(&p.name)).collect();
        if let Some(unknown) = parts.into_iter().flatten().find(|part| !of_model.contains(part.as_str())) {
            return Err(Error::config(format!(
                "the model has no part `{unknown}`; it has {}",
                of_model.iter().copied().collect::<Vec<_>>().join(", ")
            )));
        }
        let chosen = |name: &str| parts.is_none_or(|parts| parts.iter().any(|part| part == part_of(name)));
        let (mut misfits, mut fitting) = (BTreeMap::new(), BTreeSet::new());
        let mut values = BTreeMap::new();
        for p in state.groups.parameters().iter().filter(|p| chosen(&p.name)) {
            let part = part_of(&p.name);
            fitting.insert(part);
            let fault = match self.tensors.get(&p.name) {
                Some((shape, Values::F32(found))) if *shape == p.shape => {
                    values.insert(p.name.clone(), found.clone());
                    continue;
                }
                Some((shape, _)) => {
                    format!("`{}` has shape {shape:?}, this model needs {:?}", p.name, p.shape)
                }
                None => format!("`{}` of shape {:?} is missing", p.name, p.shape),
            };
            misfits.entry(part).or_insert(fault);
        }
        // Without a choice everything that the run learned is meant.
        let left = self.tensors.keys().filter(|name| !name.contains('/') && !is_statistic(name));
        for name in left.filter(|name| parts.is_none() && !of_model.contains(part_of(name))) {
            misfits.entry(part_of(name)).or_insert_with(|| format!("this model has no `{name}`"));
        }
        if !misfits.is_empty() {
            fitting.retain(|part| !misfits.contains_key(part));
            let faults: Vec<String> =
                misfits.iter().map(|(part, fault)| format!("{part} ({fault})")).collect();
            let rest = match fitting.is_empty() {
                true => "; no part fits: the runs have different models".to_owned(),
                false => format!(
                    "; to take only what fits, name it: parts = {:?}",
                    fitting.into_iter().collect::<Vec<_>>()
                ),
            };
            return Err(Error::config(format!("these parts do not fit: {}{rest}", faults.join(", "))));
        }
        state.assign(|p| values.remove(&p.name));
        let names = state.model.modalities().clone();
        let known = |name: &String| {
            let members = name.split_once('@').map(|(_, members)| members.split('+'));
            members.into_iter().flatten().all(|member| names.find(member).is_some())
        };
        self.tensors.retain(|name, _| is_statistic(name) && chosen(name) && known(name));
        let statistics = self.buffers(&state.groups, &names, device)?;
        for (layer, key, running) in statistics.iter() {
            state.buffers.set(layer, key, running.clone());
        }
        // What the strategy calls the start of training is this.
        if state.initial.is_some() {
            state.initial = Some(state.model.clone());
        }
        Ok(())
    }
}
