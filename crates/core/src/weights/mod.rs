//! Weights that something else trained: files of PyTorch and of safetensors.

mod tensors;
mod torch;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use counterpoint_batch::file::replace;

use crate::Error;

/// Values of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Sides of the tensor; none for a single number.
    pub shape: Vec<usize>,
    /// As many as the shape says.
    pub values: Vec<f32>,
}

/// Tensors by name.
pub type Weights = BTreeMap<String, Array>;

/// The part of a model that a tensor of it belongs to: `encoder.audio` of
/// `encoder.audio.conv1.weight`, `head` of `head.weight`.
pub fn part_of(name: &str) -> &str {
    let ends =
        usize::from(["encoder.", "unimodal_head.", "solo_head."].iter().any(|part| name.starts_with(part)));
    name.match_indices('.').nth(ends).map_or(name, |(end, _)| &name[..end])
}

/// Reads a file that `torch.save` or safetensors wrote; its first bytes tell
/// which. Numbers of any kind become `f32`.
///
/// A file of `torch.save` is a Python program. It is not run: what builds
/// tensors is understood, harmless objects beside them are skipped, and
/// everything else is refused.
///
/// A tensor inside dictionaries or lists is called by the way to it: what a
/// training checkpoint keeps of `conv1.weight` under `state_dict` is
/// `state_dict.conv1.weight`, the first entry of a list `0.conv1.weight`.
/// Tensors of kinds that no network here has (complex, quantised, sparse) are
/// left out.
///
/// # Errors
/// If the file is missing, damaged, of another kind, or asks for more than
/// tensors.
pub fn read(path: &Path) -> Result<Weights, Error> {
    let bytes = fs::read(path).map_err(|e| Error::io("read weights", path, e))?;
    let weights = if torch::recognises(&bytes) { torch::read(&bytes) } else { tensors::read(&bytes) };
    weights.map_err(|what| Error::config(format!("cannot use the weights in {}: {what}", path.display())))
}

/// Writes a safetensors file of single precision, at once or not at all.
///
/// # Errors
/// If the disk is full or the folder cannot be written.
pub fn write(path: &Path, weights: &Weights) -> Result<(), Error> {
    let file = tensors::bytes(weights).map_err(Error::config)?;
    replace(path, &file).map_err(|e| Error::io("write", path, e))
}
