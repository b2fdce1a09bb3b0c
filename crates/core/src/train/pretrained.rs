//! Encoders that start from weights of another training.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Tensor, TensorData};

use super::TrainState;
use super::prefix::{self, some_of};
use crate::Error;
use crate::layer::{BufferKey, Running};
use crate::modality::Modality;
use crate::model::Model;
use crate::step::{Group, Parameter};
use crate::weights::{Array, Weights};

impl<M: Model> TrainState<M> {
    /// Starts the encoder of one modality from weights under torchvision's
    /// names (`conv1.weight`, `layer1.0.bn1.running_mean`, ..).
    ///
    /// What stands before these names in the file (`module.`, `backbone.`,
    /// `state_dict.encoder.`, ..) is found by where most of them are; `prefix`
    /// says it where several encoders lie in the file, by its whole or by its end.
    ///
    /// A first convolution that looks at one channel gets the sum of the file's
    /// weights over its channels: it answers to one channel as the file's
    /// network answers to a grey picture. So it is for depth (ESANet) and for
    /// spectrograms. What lies beside the encoder (a classifier, an optimizer) is
    /// left out.
    ///
    /// Running statistics become those that every layer starts from, whatever
    /// modalities are present.
    ///
    /// # Errors
    /// If the file lacks a tensor of the encoder or its statistics, has a layer
    /// too many, a tensor of another shape or one with numbers that are not
    /// finite, or if several encoders fit; the message names it and both shapes.
    pub fn start_from(&mut self, m: Modality, weights: &Weights, prefix: Option<&str>) -> Result<(), Error> {
        let ours = format!("encoder.{}.", self.model.modalities().name(m));
        let group = Group::Encoder(m);
        let parameters: Vec<(&str, &Parameter)> =
            self.groups.parameters().iter().filter_map(|p| Some((below(&ours, group, p)?, p))).collect();
        let names: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
        let prefix = prefix::find(weights, &names, prefix)?;
        let file = File { weights, prefix: &prefix };
        let mut used: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut values = BTreeMap::new();
        for (name, p) in &parameters {
            let array = file.get(name).ok_or_else(|| {
                Error::config(format!(
                    "missing tensor `{name}` of shape {:?}: the file is for a different architecture, or uses other \
                     names (torchvision's are expected). The file has {}; the encoder expects {}",
                    p.shape,
                    some_of(file.names()),
                    some_of(names.iter().copied())
                ))
            })?;
            values.insert(p.name.clone(), fitted(name, p, array)?);
        }
        let device = self.device();
        let tensor =
            |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
        // Of these encoders' layers batch norm alone has a vector of weights.
        for (name, p) in parameters.iter().filter(|(_, p)| p.shape.len() == 1) {
            let Some(layer) = name.strip_suffix(".weight") else { continue };
            let of = ["running_mean", "running_var"].map(|what| format!("{layer}.{what}"));
            let [Some(mean), Some(variance)] = of.each_ref().map(|name| file.get(name)) else {
                return Err(Error::config(format!(
                    "missing running statistics `{}` and `{}` of batch norm; save them too: \
                     torch.save(model.state_dict(), ..)",
                    of[0], of[1]
                )));
            };
            for (name, array) in of.iter().zip([mean, variance]) {
                if array.shape != p.shape {
                    return Err(differs(name, &array.shape, &p.shape));
                }
                finite(name, array)?;
            }
            let running = Running { mean: tensor(&mean.values), variance: tensor(&variance.values) };
            self.buffers.set(p.id, BufferKey::Single, running);
            used.extend(of);
        }
        if let Some(name) = file.names().find(|name| file.continues(name, &names) && !used.contains(*name)) {
            return Err(Error::config(format!(
                "unexpected tensor `{name}` of shape {:?}: the file is for a different architecture",
                file.get(name).map(|array| &array.shape).unwrap_or(&Vec::new())
            )));
        }
        self.assign(|p| values.remove(&p.name));
        // What the strategy calls the start of training is this.
        if self.initial.is_some() {
            self.initial = Some(self.model.clone());
        }
        Ok(())
    }
}

/// The tensors of a file whose names begin with a prefix, by what follows it.
struct File<'a> {
    weights: &'a Weights,
    prefix: &'a str,
}

impl<'a> File<'a> {
    fn get(&self, name: &str) -> Option<&'a Array> {
        self.weights.get(&format!("{}{name}", self.prefix))
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.weights.keys().filter_map(|name| name.strip_prefix(self.prefix))
    }

    /// Whether a tensor is of a part that the encoder has too (`layer1`): then a
    /// name that the encoder lacks means another network, not a neighbour.
    fn continues(&self, name: &str, expected: &[&str]) -> bool {
        let part = |name: &str| name.split('.').next().map(str::to_owned);
        // How often batch norm was moved, which nothing here reads.
        !name.ends_with(".num_batches_tracked") && expected.iter().any(|known| part(known) == part(name))
    }
}

/// The name of a parameter of a group without the group's.
fn below<'p>(prefix: &str, group: Group, parameter: &'p Parameter) -> Option<&'p str> {
    (parameter.group == group).then(|| parameter.name.strip_prefix(prefix)).flatten()
}

/// The values for a parameter.
fn fitted(name: &str, parameter: &Parameter, array: &Array) -> Result<Vec<f32>, Error> {
    finite(name, array)?;
    let Array { shape, values } = array;
    match (shape.as_slice(), parameter.shape.as_slice()) {
        (is, wanted) if is == wanted => Ok(values.clone()),
        // Summed over channels: see `start_from`.
        (&[outputs, inputs, h, w], &[o, 1, kh, kw])
            if name == "conv1.weight" && [outputs, h, w] == [o, kh, kw] =>
        {
            let kernel = h * w;
            let sum = |filter: &[f32]| -> Vec<f32> {
                (0..kernel).map(|i| (0..inputs).map(|c| filter[c * kernel + i]).sum()).collect()
            };
            Ok(values.chunks_exact(inputs * kernel).flat_map(sum).collect())
        }
        (is, wanted) => Err(differs(name, is, wanted)),
    }
}

fn differs(name: &str, is: &[usize], wanted: &[usize]) -> Error {
    Error::config(format!("tensor `{name}` has shape {is:?}, but this encoder needs {wanted:?}"))
}

/// Refuses a tensor that training would spread.
fn finite(name: &str, array: &Array) -> Result<(), Error> {
    match array.values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Error::config(format!(
            "tensor `{name}` contains {value}: the training that wrote the file diverged; use an earlier checkpoint"
        ))),
    }
}
