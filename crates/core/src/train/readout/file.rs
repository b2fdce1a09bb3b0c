//! A readout in a checkpoint: `readout/row/audio` holds the numbers of a row, `readout/at/12/..` what
//! rows of epoch 12 are computed with, and the rest the scores that weights are fitted to.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Device, Tensor, TensorData};

use super::{KeptRow, Readout, Snapshot, needs};
use crate::Error;
use crate::host::host;
use crate::modality::Modalities;
use crate::model::Model;
use crate::step::{Groups, LossTerm, map_parameters};
use crate::train::Reduced;
use crate::train::checkpoint::{Checkpoint, Values, buffer_name};

const ROW: &str = "readout/row/";
/// Numbers of a row before its weights: epoch, temperature, loss.
const BEFORE: usize = 3;

impl Checkpoint {
    /// The rows of the readout by name, without scores; empty if there is none.
    pub fn readout(&self) -> BTreeMap<String, KeptRow> {
        let row = |(name, (_, values)): (&String, &(Vec<usize>, Values))| {
            let Values::F64(numbers) = values else { return None };
            let (&[epoch, temperature, loss], weights) = numbers.split_first_chunk::<BEFORE>()?;
            let (weights, fitted) = (weights.to_vec(), Reduced::default());
            let row = KeptRow { epoch: epoch as usize, temperature, loss, weights, fitted, validation: None };
            Some((name.strip_prefix(ROW)?.to_owned(), row))
        };
        self.tensors.iter().filter_map(row).collect()
    }

    /// Adds a readout: what prediction needs, and if `whole` what continuing needs.
    pub(in crate::train) fn put_readout<M: Model>(
        &mut self,
        readout: &Readout<M>,
        groups: &Groups,
        names: &Modalities,
        whole: bool,
    ) {
        let kept: BTreeMap<LossTerm, &KeptRow> =
            readout.rows.iter().filter(|(_, row)| whole || row.counts()).map(|(t, row)| (*t, row)).collect();
        for (term, row) in &kept {
            let label = term.label(names);
            let numbers = [row.epoch as f64, row.temperature, row.loss];
            let numbers: Vec<f64> = numbers.into_iter().chain(row.weights.iter().copied()).collect();
            self.tensors.insert(format!("{ROW}{label}"), (vec![numbers.len()], Values::F64(numbers)));
            let scores = [("fitted", Some(&row.fitted)), ("validation", row.validation.as_ref())];
            for (what, reduced) in scores.into_iter().filter(|_| whole) {
                let Some((samples, scores)) = reduced else { continue };
                let shape = vec![samples.len(), scores.len() / samples.len().max(1)];
                let samples: Vec<f64> = samples.iter().map(|&sample| sample as f64).collect();
                let name = |part: &str| format!("readout/{what}/{part}/{label}");
                self.tensors.insert(name("samples"), (vec![samples.len()], Values::F64(samples)));
                self.tensors.insert(name("scores"), (shape, Values::F32(scores.clone())));
            }
        }
        for (epoch, snapshot) in &readout.snapshots {
            let terms: Vec<LossTerm> =
                kept.iter().filter(|(_, row)| row.epoch == *epoch).map(|(term, _)| *term).collect();
            let needed = |position: Option<usize>| {
                let parameter = &groups.parameters()[position?];
                terms.iter().any(|term| needs(*term, parameter.group)).then_some(parameter)
            };
            let mut put = |name: &str, shape: Vec<usize>, values: Vec<f32>| {
                self.tensors.insert(format!("readout/at/{epoch}/{name}"), (shape, Values::F32(values)));
            };
            let _ = map_parameters(snapshot.model.clone(), |id, value| {
                let parameter = needed(groups.position(id))?;
                put(&parameter.name, parameter.shape.clone(), host(value));
                None
            });
            for (id, key, running) in snapshot.buffers.iter() {
                for (what, value) in [("running_mean", &running.mean), ("running_var", &running.variance)] {
                    if needed(groups.position(id)).is_some()
                        && let Some(name) = buffer_name(groups, id, what, key, names)
                    {
                        put(&name, value.dims().to_vec(), host(value.clone()));
                    }
                }
            }
        }
    }

    /// Takes a readout out of the file; `model` lends the rows what they do not need.
    pub(in crate::train) fn take_readout<M: Model>(
        &mut self,
        readout: &mut Readout<M>,
        model: &M,
        groups: &Groups,
        device: &Device,
        whole: bool,
    ) -> Result<(), Error> {
        let names = model.modalities();
        readout.rows.clear();
        readout.snapshots.clear();
        for (label, mut row) in self.readout() {
            let term = match names.find(&label) {
                Some(m) => LossTerm::Unimodal(m),
                None if label == LossTerm::Fused.label(names) => LossTerm::Fused,
                None => {
                    return Err(Error::checkpoint(format!(
                        "the checkpoint does not match the model: its readout has the unknown row `{label}`"
                    )));
                }
            };
            if whole {
                let name = |what: &str, part: &str| format!("readout/{what}/{part}/{label}");
                let mut scores = |what| {
                    let samples = self.tensors.remove(&name(what, "samples"));
                    match (samples, self.tensors.remove(&name(what, "scores"))) {
                        (Some((_, Values::F64(samples))), Some((_, Values::F32(scores)))) => {
                            Some((samples.into_iter().map(|sample| sample as usize).collect(), scores))
                        }
                        _ => None,
                    }
                };
                row.fitted = scores("fitted").ok_or_else(|| {
                    Error::checkpoint(format!(
                        "the checkpoint lacks the scores of the readout's row `{label}`"
                    ))
                })?;
                row.validation = scores("validation");
            } else if !row.counts() {
                continue;
            }
            readout.rows.insert(term, row);
        }
        let epochs: BTreeSet<usize> = readout.rows.values().map(|row| row.epoch).collect();
        for epoch in epochs {
            let prefix = format!("readout/at/{epoch}/");
            let of = |(name, values): (String, _)| Some((name.strip_prefix(&prefix)?.to_owned(), values));
            let (here, rest) = std::mem::take(&mut self.tensors)
                .into_iter()
                .partition(|(name, _)| name.starts_with(&prefix));
            self.tensors = rest;
            let here: BTreeMap<String, (Vec<usize>, Values)> = here;
            let tensors = here.into_iter().filter_map(of).collect();
            let mut part =
                Self { progress: Default::default(), steps: BTreeMap::new(), scale: None, tensors };
            let mut values = BTreeMap::new();
            for parameter in groups.parameters() {
                let of_epoch = readout.rows.iter().filter(|(_, row)| row.epoch == epoch);
                if of_epoch.into_iter().any(|(term, _)| needs(*term, parameter.group)) {
                    values.insert(parameter.id, part.take(&parameter.name, &parameter.shape)?);
                }
            }
            let model = map_parameters(model.clone(), |id, old| {
                let new = values.remove(&id)?;
                let count = new.len();
                Some(Tensor::from_data(TensorData::new(new, [count]), &old.device()))
            });
            let buffers = part.buffers(groups, names, device)?;
            readout.snapshots.insert(epoch, Snapshot { model, buffers });
        }
        Ok(())
    }
}
