//! Encoders that start from weights of another training.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use super::Learner;
use crate::Error;
use crate::grad::{Group, Parameter};
use crate::layer::{BufferKey, Running};
use crate::modality::Modality;
use crate::model::Model;
use crate::weights::{Array, Weights};

/// What files of torchvision hold beside an encoder: its classifier, and how
/// often batch norm was moved, which nothing here reads.
fn is_ignored(name: &str) -> bool {
    name.starts_with("fc.") || name.ends_with(".num_batches_tracked")
}

impl<M: Model> Learner<M> {
    /// Starts the encoder of one modality from weights under torchvision's
    /// names (`conv1.weight`, `layer1.0.bn1.running_mean`, ..).
    ///
    /// A first convolution that looks at one channel gets the sum of the file's
    /// weights over its channels: it answers to one channel as the file's
    /// network answers to a grey picture. So it is for depth (ESANet) and for
    /// spectrograms. A classifier in the file (`fc`) is left out.
    ///
    /// Running statistics become those that every layer starts from, whatever
    /// modalities are present.
    ///
    /// # Errors
    /// If the file lacks a tensor of the encoder, has one too many, or one of
    /// another shape; the message names it and both shapes.
    pub fn start_from(&mut self, m: Modality, weights: &Weights) -> Result<(), Error> {
        let prefix = format!("encoder.{}.", self.model.modalities().name(m));
        let group = Group::Encoder(m);
        let mut used = Vec::new();
        let mut values = BTreeMap::new();
        for p in self.groups.parameters() {
            let Some(name) = below(&prefix, group, p) else { continue };
            values.insert(p.name.clone(), fitted(name, p, weights)?);
            used.push(name.to_owned());
        }
        let device = Device::flex();
        let tensor =
            |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
        for p in self.groups.parameters() {
            let layer = below(&prefix, group, p).and_then(|name| name.strip_suffix(".weight"));
            let Some(layer) = layer else { continue };
            let [mean, variance] = ["running_mean", "running_var"].map(|what| format!("{layer}.{what}"));
            if let (Some(of_mean), Some(of_variance)) = (weights.get(&mean), weights.get(&variance)) {
                for (name, array) in [(&mean, of_mean), (&variance, of_variance)] {
                    if array.shape != p.shape {
                        return Err(differs(name, &array.shape, &p.shape));
                    }
                }
                let running =
                    Running { mean: tensor(&of_mean.values), variance: tensor(&of_variance.values) };
                self.buffers.set(p.id, BufferKey::Single, running);
                used.extend([mean, variance]);
            }
        }
        if let Some(name) = weights.keys().find(|name| !is_ignored(name) && !used.contains(name)) {
            return Err(Error::config(format!(
                "the weights have `{name}` of shape {:?}, which this encoder has not: they are of another network",
                weights[name].shape
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

/// The name of a parameter of a group without the group's.
fn below<'p>(prefix: &str, group: Group, parameter: &'p Parameter) -> Option<&'p str> {
    (parameter.group == group).then(|| parameter.name.strip_prefix(prefix)).flatten()
}

/// The values for a parameter.
fn fitted(name: &str, parameter: &Parameter, weights: &Weights) -> Result<Vec<f32>, Error> {
    let Array { shape, values } = weights.get(name).ok_or_else(|| {
        Error::config(format!(
            "the weights lack `{name}` of shape {:?}: they are of another network, or under other names \
             (torchvision's are expected)",
            parameter.shape
        ))
    })?;
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
    Error::config(format!("the weights have `{name}` of shape {is:?}, but this encoder needs {wanted:?}"))
}
