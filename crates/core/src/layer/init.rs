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

    /// A random matrix with orthonormal columns, or rows if those are fewer
    /// (Saxe et al. 2014).
    pub fn orthogonal(&self, name: &str, [rows, columns]: [usize; 2]) -> Param<Tensor<2>> {
        let mut random = Random::new(self.seed, &["init", &self.path, name]);
        let (few, long) = (rows.min(columns), rows.max(columns));
        let mut basis: Vec<Vec<f64>> = Vec::with_capacity(few);
        while basis.len() < few {
            let mut next: Vec<f64> = (0..long).map(|_| random.normal()).collect();
            // Twice, because once leaves what rounding leaves.
            for _ in 0..2 {
                for known in &basis {
                    let along: f64 = next.iter().zip(known).map(|(a, b)| a * b).sum();
                    next.iter_mut().zip(known).for_each(|(a, b)| *a -= along * b);
                }
            }
            let length = next.iter().map(|a| a * a).sum::<f64>().sqrt();
            next.iter_mut().for_each(|a| *a /= length);
            basis.push(next);
        }
        let at = |row: usize, column: usize| match rows >= columns {
            true => basis[column][row],
            false => basis[row][column],
        };
        let values = (0..rows * columns).map(|i| at(i / columns, i % columns) as f32).collect();
        self.param(name, [rows, columns], values)
    }

    /// Where this part is in the model, as in the names of its parameters.
    pub(super) fn path(&self) -> &str {
        &self.path
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;

    #[test]
    fn orthogonal_columns_have_length_one_and_no_angle() {
        let init = Init::new(3, &Device::flex());
        for [rows, columns] in [[6, 4], [3, 5]] {
            let w = init.orthogonal("weight", [rows, columns]).val().inner();
            let square = if rows >= columns {
                w.clone().transpose().matmul(w)
            } else {
                w.clone().matmul(w.transpose())
            };
            let few = rows.min(columns);
            for (i, value) in host(square).into_iter().enumerate() {
                let expected = if i / few == i % few { 1.0 } else { 0.0 };
                assert!((value - expected).abs() < 1e-5, "{rows} x {columns}: {value} at {i}");
            }
        }
    }
}
