//! Checkpoints: one safetensors file holds all that continues a run.
//!
//! Weights carry PyTorch-style names (`encoder.audio.conv1.weight`,
//! `encoder.audio.bn1.running_mean`), so that any safetensors reader can use
//! them; what only training needs sits under `optimizer/` and `strategy/`. One
//! file and one rename: a crash leaves either the old or the new checkpoint.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::module::{Module, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use counterpoint_batch::file::replace;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::optimizer::{LossScale, Slot};
use super::{TrainState, earlier};
use crate::Error;
use crate::host::host;
use crate::layer::{BufferKey, Buffers, Running};
use crate::modality::{Modalities, Present};
use crate::model::Model;
use crate::step::Groups;
use crate::strategy::StrategyState;
use crate::weights::{Array, Weights};

/// Version of the format; a newer one is refused.
const FORMAT: u32 = 1;
/// The one metadata key: several would be written in random order.
const KEY: &str = "counterpoint";

/// Where training stood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs that are finished.
    pub epoch: usize,
    /// Batches of the next epoch that are finished.
    pub batch: usize,
    /// Sums over those batches, by name, for the epoch's report.
    #[serde(deserialize_with = "earlier::sums")]
    pub sums: BTreeMap<String, f64>,
    /// Epoch and value of the best validation so far.
    pub best: Option<(usize, f64)>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    progress: Progress,
    steps: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<LossScale>,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// Where training stood.
    pub progress: Progress,
    pub(super) steps: BTreeMap<String, u32>,
    pub(super) scale: Option<LossScale>,
    pub(super) tensors: BTreeMap<String, (Vec<usize>, Values)>,
}

#[derive(Debug)]
pub(super) enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Checkpoint {
    /// The weights and statistics of training and what its strategy remembers,
    /// by which it may read a single modality; with `state` the optimizer too,
    /// which only continuing needs.
    pub fn of<M: Model>(train_state: &TrainState<M>, progress: &Progress, state: bool) -> Self {
        let mut tensors = BTreeMap::new();
        let groups = &train_state.groups;
        let names = train_state.model.modalities();
        let mut put = |name: String, shape: &[usize], values: Vec<f32>| {
            tensors.insert(name, (shape.to_vec(), Values::F32(values)));
        };
        train_state.visit(|parameter, values| put(parameter.name.clone(), &parameter.shape, values));
        for (id, key, running) in train_state.buffers.iter() {
            for (what, value) in [("running_mean", &running.mean), ("running_var", &running.variance)] {
                if let Some(name) = buffer_name(groups, id, what, key, names) {
                    put(name, &value.dims(), host(value.clone()));
                }
            }
        }
        let mut steps = BTreeMap::new();
        if state {
            for (parameter, slot) in groups.parameters().iter().zip(&train_state.optimizer.slots) {
                for (what, moment) in [("first", &slot.first), ("second", &slot.second)] {
                    if let Some(moment) = moment {
                        let name = format!("optimizer/{what}/{}", parameter.name);
                        put(name, &parameter.shape, host(moment.clone()));
                    }
                }
                if slot.steps > 0 {
                    steps.insert(parameter.name.clone(), slot.steps);
                }
            }
        }
        for (name, (shape, values)) in train_state.strategy.save().0 {
            tensors.insert(format!("strategy/{name}"), (shape, Values::F64(values)));
        }
        let scale = train_state.optimizer.scale.filter(|_| state);
        let mut checkpoint = Self { progress: progress.clone(), steps, scale, tensors };
        if let Some(readout) = &train_state.readout {
            checkpoint.put_readout(readout, groups, names, state);
        }
        checkpoint
    }

    /// Name of a tensor that holds something else than finite numbers.
    pub fn first_not_finite(&self) -> Option<&str> {
        let bad = |values: &Values| match values {
            Values::F32(v) => v.iter().any(|x| !x.is_finite()),
            Values::F64(v) => v.iter().any(|x| !x.is_finite()),
        };
        self.tensors.iter().find(|(_, (_, values))| bad(values)).map(|(name, _)| name.as_str())
    }

    /// Weights and running statistics under PyTorch's names, nothing else.
    ///
    /// Where a layer after a fusion keeps statistics for several sets of
    /// modalities, those of all together get the plain name; `@audio` and the
    /// like stay beside it.
    pub fn weights(&self, modalities: &Modalities) -> Weights {
        let all = format!("@{}", modalities.names().join("+"));
        let mut weights = Weights::new();
        for (name, (shape, values)) in &self.tensors {
            if let Values::F32(values) = values
                && !name.contains('/')
            {
                // `@` sorts after the plain name, which may hold older statistics.
                let name = name.strip_suffix(&all).unwrap_or(name).to_owned();
                weights.insert(name, Array { shape: shape.clone(), values: values.clone() });
            }
        }
        weights
    }

    /// Writes the file at once or not at all.
    ///
    /// # Errors
    /// If the disk is full or the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let (progress, steps) = (self.progress.clone(), self.steps.clone());
        let header = Header { format: FORMAT, progress, steps, scale: self.scale };
        let text = serde_json::to_string(&header).expect("numbers and strings always serialise");
        let bytes: Vec<(&String, Dtype, &Vec<usize>, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, (shape, values))| match values {
                Values::F32(v) => (name, Dtype::F32, shape, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
                Values::F64(v) => (name, Dtype::F64, shape, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            })
            .collect();
        let views = bytes.iter().map(|(name, dtype, shape, data)| {
            let view = TensorView::new(*dtype, (*shape).clone(), data).expect("shape and values agree");
            (name.as_str(), view)
        });
        let file = safetensors::serialize(views, Some([(KEY.to_owned(), text)].into()))
            .map_err(|e| Error::checkpoint("cannot encode the checkpoint").because(e))?;
        replace(path, &file).map_err(|e| Error::io("write", path, e))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is missing, truncated, no checkpoint, or of a newer version.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|e| Error::io("read checkpoint", path, e))?;
        let broken = |what: &str| {
            Error::checkpoint(format!("{} is {what}; restore it from a copy or train again", path.display()))
        };
        let damaged = "damaged or truncated";
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| broken(damaged).because(e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(damaged).because(e))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let text = text.ok_or_else(|| broken("a safetensors file, but not a checkpoint of counterpoint"))?;
        let version: serde_json::Value =
            serde_json::from_str(text).map_err(|e| broken(damaged).because(e))?;
        if version["format"].as_u64().is_none_or(|v| v > u64::from(FORMAT)) {
            return Err(Error::checkpoint(format!(
                "{} has format {}, this version reads up to {FORMAT}; use the version that wrote it or a newer one",
                path.display(),
                version["format"]
            )));
        }
        let header: Header = serde_json::from_str(text).map_err(|e| broken(damaged).because(e))?;
        let tensors = file
            .iter()
            .map(|(name, view)| {
                let (shape, data) = (view.shape().to_vec(), view.data());
                let values = match view.dtype() {
                    Dtype::F32 => {
                        Values::F32(data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
                    }
                    Dtype::F64 => {
                        Values::F64(data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
                    }
                    other => return Err(broken(&format!("not usable: tensor `{name}` is {other:?}"))),
                };
                Ok((earlier::tensor(name), (shape, values)))
            })
            .collect::<Result<_, _>>()?;
        let steps = header.steps.into_iter().map(|(name, count)| (earlier::tensor(&name), count)).collect();
        Ok(Self { progress: header.progress, steps, scale: header.scale, tensors })
    }

    /// Puts weights and statistics into the state of training, with what the file holds of
    /// its strategy (files of the best epoch used to hold none); with `state`
    /// all that continuing needs.
    ///
    /// # Errors
    /// If the checkpoint is of another model; the message names the first
    /// parameter that differs and both shapes.
    pub fn restore<M: Model>(
        mut self,
        train_state: &mut TrainState<M>,
        device: &Device,
        state: bool,
    ) -> Result<(), Error> {
        self.check_fusion(train_state)?;
        let mut weights = BTreeMap::new();
        for p in train_state.groups.parameters() {
            weights.insert(p.name.clone(), self.take(&p.name, &p.shape)?);
        }
        let stranger = |name: &String| {
            !name.contains('/') && !name.contains(".running_mean") && !name.contains(".running_var")
        };
        if let Some(name) = self.tensors.keys().find(|name| stranger(name)) {
            return Err(Error::checkpoint(format!(
                "the checkpoint does not match the model: unexpected parameter `{name}`"
            )));
        }
        train_state.assign(|p| weights.remove(&p.name));
        let TrainState { model, groups, buffers, optimizer, strategy, readout, .. } = train_state;
        *buffers = self.buffers(groups, model.modalities(), device)?;
        if let Some(readout) = readout {
            self.take_readout(readout, &Module::valid(&*model), groups, device, state)?;
        }
        if state {
            optimizer.scale = self.scale.or(optimizer.scale);
            for (p, slot) in groups.parameters().iter().zip(&mut optimizer.slots) {
                let mut part = |what: &str| -> Result<Option<Tensor<1>>, Error> {
                    let name = format!("optimizer/{what}/{}", p.name);
                    let kept = self.tensors.contains_key(&name).then(|| self.take(&name, &p.shape));
                    Ok(kept.transpose()?.map(|values| tensor(values, device)))
                };
                let (first, second) = (part("first")?, part("second")?);
                *slot = Slot { first, second, steps: self.steps.get(&p.name).copied().unwrap_or(0) };
            }
        }
        let kept = self.tensors.into_iter().filter_map(|(name, (shape, values))| match values {
            Values::F64(values) => Some((name.strip_prefix("strategy/")?.to_owned(), (shape, values))),
            Values::F32(_) => None,
        });
        let kept = StrategyState(kept.collect());
        if state || !kept.0.is_empty() {
            strategy.restore(&kept)?;
        }
        Ok(())
    }

    /// Refuses models of one modality with layers of a fusion, which they once had.
    fn check_fusion<M: Model>(&self, train_state: &TrainState<M>) -> Result<(), Error> {
        let known = |name: &str| train_state.groups.parameters().iter().any(|p| p.name == name);
        let stranger = |name: &&String| name.starts_with("fusion.") && !known(name);
        let unimodal = train_state.model.modalities().len() == 1;
        match self.tensors.keys().find(stranger).filter(|_| unimodal) {
            None => Ok(()),
            Some(name) => Err(Error::checkpoint(format!(
                "the checkpoint does not match the model: unexpected `{name}`, because a unimodal model is now an \
                 encoder and a head, without fusion layers; train it again, or use the version that wrote it"
            ))),
        }
    }

    pub(super) fn buffers(
        &mut self,
        groups: &Groups,
        names: &Modalities,
        device: &Device,
    ) -> Result<Buffers, Error> {
        let mut buffers = Buffers::default();
        // What lies below a `/` belongs to something else, such as a kept row.
        let own = |name: &&String| name.contains(".running_mean") && !name.contains('/');
        let all: Vec<String> = self.tensors.keys().filter(own).cloned().collect();
        for name in all {
            let (layer, key) = name.split_once(".running_mean").expect("just filtered");
            let weight = format!("{layer}.weight");
            let parameter = groups.parameters().iter().find(|p| p.name == weight).ok_or_else(|| {
                Error::checkpoint(format!(
                    "the checkpoint does not match the model: unexpected running statistics of `{layer}`"
                ))
            })?;
            let key = parse_key(key, names)?;
            let mean = self.take(&name, &parameter.shape)?;
            let variance = self.take(&name.replace(".running_mean", ".running_var"), &parameter.shape)?;
            let (mean, variance) = (tensor(mean, device), tensor(variance, device));
            buffers.set(parameter.id, key, Running { mean, variance });
        }
        Ok(buffers)
    }

    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        match self.tensors.remove(name) {
            Some((found, Values::F32(values))) if found == shape => Ok(values),
            Some((found, _)) => Err(Error::checkpoint(format!(
                "the checkpoint does not match the model: `{name}` has shape {found:?}, expected {shape:?}"
            ))),
            None => Err(Error::checkpoint(format!(
                "the checkpoint does not match the model: missing parameter `{name}` of shape {shape:?}"
            ))),
        }
    }
}

fn tensor(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// `encoder.audio.bn1.running_mean`, with `@audio+video` after a fusion.
pub(super) fn buffer_name(
    groups: &Groups,
    id: ParamId,
    what: &str,
    key: BufferKey,
    names: &Modalities,
) -> Option<String> {
    let weight = &groups.parameters()[groups.position(id)?].name;
    let layer = weight.strip_suffix(".weight")?;
    Some(match key {
        BufferKey::Single => format!("{layer}.{what}"),
        BufferKey::Subset(present) => {
            let of: Vec<&str> = present.iter().map(|m| names.name(m)).collect();
            format!("{layer}.{what}@{}", of.join("+"))
        }
    })
}

fn parse_key(text: &str, names: &Modalities) -> Result<BufferKey, Error> {
    let Some(of) = text.strip_prefix('@') else { return Ok(BufferKey::Single) };
    let members = of.split('+').map(|name| {
        names.find(name).ok_or_else(|| {
            Error::checkpoint(format!("the checkpoint does not match the model: unknown modality `{name}`"))
        })
    });
    Ok(BufferKey::Subset(Present::of(members.collect::<Result<Vec<_>, _>>()?)))
}
