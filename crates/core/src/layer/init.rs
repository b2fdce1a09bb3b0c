//! Initial values of parameters.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

use crate::math::random::Random;

/// Draws the initial values of the parameters of one part of a model.
///
/// The values depend on the seed, the part and the parameter's name only:
/// every method with one seed starts from the same encoders, and a modality
/// alone starts from the encoder that it has inside a multimodal model.
#[derive(Clone, Debug)]
pub struct Init {
    seed: u64,
    path: String,
    device: Device,
}

impl Init {
    /// Initial values for `seed`, tracked for gradients.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { seed, path: String::new(), device: device.clone().autodiff() }
    }

    /// The values of a named part below this one.
    #[must_use]
    pub fn part(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// Normal with mean 0 and the given standard deviation.
    pub fn normal<const D: usize>(&self, name: &str, shape: [usize; D], std: f64) -> Param<Tensor<D>> {
        let mut random = Random::new(self.seed, &["init", &self.path, name]);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (random.normal() * std) as f32).collect();
        self.param(name, shape, values)
    }

    /// Every entry the same.
    pub fn constant<const D: usize>(&self, name: &str, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.param(name, shape, vec![value; shape.iter().product()])
    }

    /// The given values, row-major.
    ///
    /// # Panics
    /// If there are not as many as the shape says.
    pub fn given<const D: usize>(&self, name: &str, shape: [usize; D], values: Vec<f32>) -> Param<Tensor<D>> {
        self.param(name, shape, values)
    }

    /// The identity of a parameter is its path, so that optimizer state and
    /// checkpoints find it again in another process.
    fn param<const D: usize>(&self, name: &str, shape: [usize; D], values: Vec<f32>) -> Param<Tensor<D>> {
        let id = Random::new(0, &["id", &self.path, name]).bits();
        let value = Tensor::from_data(TensorData::new(values, shape), &self.device).require_grad();
        Param::initialized(ParamId::from(id), value)
    }
}
