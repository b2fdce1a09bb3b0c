//! Initial values of parameters.

use std::sync::Arc;

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use crate::Error;
use crate::engine::Arithmetic;
use crate::math::random::Random;

/// From which distributions linear layers and convolutions start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitScheme {
    /// Normal weights of the standard deviation that the layer names (Kaiming,
    /// fan-out, in front of a ReLU; Xavier for a linear layer), biases of 0.
    Kaiming,
    /// PyTorch's default: weights and biases uniform within `1 / sqrt(fan-in)`,
    /// which is `kaiming_uniform` with `a = sqrt 5`.
    PyTorch,
}

/// Draws the initial values of the parameters of one part of a model.
///
/// The values depend on the seed, the part and the parameter's name only:
/// every method with one seed starts from the same encoders, and a modality
/// alone starts from the encoder that it has inside a multimodal model.
#[derive(Clone, Debug)]
pub struct Init {
    seed: u64,
    path: String,
    scheme: InitScheme,
    device: Device,
    arithmetic: Arithmetic,
    budget: Arc<Budget>,
}

impl Init {
    /// Initial values for `seed`, tracked for gradients; the scheme is [`InitScheme::Kaiming`].
    pub fn new(seed: u64, device: &Device) -> Self {
        let scheme = InitScheme::Kaiming;
        let budget = Arc::new(Budget::new());
        let (path, arithmetic) = (String::new(), Arithmetic::chosen());
        Self { seed, path, scheme, device: device.clone().autodiff(), arithmetic, budget }
    }

    /// How layers compute convolutions, batch norm and pooling on the CPU.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// Whether all parameters of all parts fit into memory. Where they do not,
    /// those beyond the limit hold nothing, and the model must not be used.
    ///
    /// # Errors
    /// If they do not; the message says what is needed and what is free, and
    /// names the largest parameter.
    pub fn check(&self) -> Result<(), Error> {
        self.budget.check()
    }

    fn room(&self, name: &str, shape: &[usize]) -> bool {
        self.budget.room(|| format!("{}.{name}", self.path), shape)
    }

    /// One number in the place of a parameter that does not fit.
    fn hollow<const D: usize>(&self, name: &str, shape: [usize; D]) -> Param<Tensor<D>> {
        // Sides that no product of a few overflows.
        let shape = shape.map(|side| side.min(1 << 15));
        let one = Tensor::<D>::zeros([1; D], &self.device).inner();
        Param::initialized(self.id(name), Tensor::from_inner(one.expand(shape)).require_grad())
    }

    /// The identity of a parameter is its path, so that optimizer state and
    /// checkpoints find it again in another process.
    fn id(&self, name: &str) -> ParamId {
        ParamId::from(Random::new(0, &["id", &self.path, name]).bits())
    }

    /// The same part by another scheme, which holds for all parts below it.
    #[must_use]
    pub fn by(&self, scheme: InitScheme) -> Self {
        Self { scheme, ..self.clone() }
    }

    /// The values of a named part below this one.
    #[must_use]
    pub fn part(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// Normal with mean 0 and the given standard deviation.
    pub fn normal<const D: usize>(&self, name: &str, shape: [usize; D], std: f64) -> Param<Tensor<D>> {
        if !self.room(name, &shape) {
            return self.hollow(name, shape);
        }
        let mut random = Random::new(self.seed, &["init", &self.path, name]);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (random.normal() * std) as f32).collect();
        self.param(name, shape, values)
    }

    /// Uniform between `-limit` and `limit`.
    pub fn uniform<const D: usize>(&self, name: &str, shape: [usize; D], limit: f64) -> Param<Tensor<D>> {
        if !self.room(name, &shape) {
            return self.hollow(name, shape);
        }
        let mut random = Random::new(self.seed, &["init", &self.path, name]);
        let draw = |_| ((2.0 * random.uniform() - 1.0) * limit) as f32;
        self.param(name, shape, (0..shape.iter().product()).map(draw).collect())
    }

    /// The weight of a linear layer or a convolution, `[out, in, ..]`; `std` is
    /// the standard deviation that [`InitScheme::Kaiming`] gives it.
    pub fn weight<const D: usize>(&self, shape: [usize; D], std: f64) -> Param<Tensor<D>> {
        match self.scheme {
            InitScheme::Kaiming => self.normal("weight", shape, std),
            InitScheme::PyTorch => self.uniform("weight", shape, limit(shape[1..].iter().product())),
        }
    }

    /// The bias of a linear layer or a convolution, each entry of a sum of `fan_in` terms.
    pub fn bias(&self, outputs: usize, fan_in: usize) -> Param<Tensor<1>> {
        match self.scheme {
            InitScheme::Kaiming => self.constant("bias", [outputs], 0.0),
            InitScheme::PyTorch => self.uniform("bias", [outputs], limit(fan_in)),
        }
    }

    /// A random matrix with orthonormal columns, or rows if those are fewer
    /// (Saxe et al. 2014).
    pub fn orthogonal(&self, name: &str, [rows, columns]: [usize; 2]) -> Param<Tensor<2>> {
        if !self.room(name, &[rows, columns]) {
            return self.hollow(name, [rows, columns]);
        }
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
        if !self.room(name, &shape) {
            return self.hollow(name, shape);
        }
        self.param(name, shape, vec![value; shape.iter().product()])
    }

    /// The given values, row-major.
    ///
    /// # Panics
    /// If there are not as many as the shape says.
    pub fn given<const D: usize>(&self, name: &str, shape: [usize; D], values: Vec<f32>) -> Param<Tensor<D>> {
        self.param(name, shape, values)
    }

    fn param<const D: usize>(&self, name: &str, shape: [usize; D], values: Vec<f32>) -> Param<Tensor<D>> {
        let value = Tensor::from_data(TensorData::new(values, shape), &self.device).require_grad();
        Param::initialized(self.id(name), value)
    }
}

/// The limit of PyTorch's default distribution.
fn limit(fan_in: usize) -> f64 {
    1.0 / (fan_in as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use crate::layer::{Conv2d, Linear, RectConv2d};

    #[test]
    fn what_does_not_fit_is_named_and_never_taken() {
        let init = Init::new(0, &Device::flex()).part("head");
        init.normal("small", [3, 2], 1.0);
        init.check().unwrap();
        // 64 TB as one parameter, and more than 64 bits count as another.
        let wide = init.normal("weight", [1 << 22, 1 << 22], 1.0);
        init.orthogonal("turned", [1 << 40, 1 << 40]);
        init.constant("bias", [1 << 50], 0.0);
        assert_eq!(wide.dims(), [1 << 15, 1 << 15]);
        let message = init.check().unwrap_err().to_string();
        assert!(message.contains("`head.turned` of shape [1099511627776, 1099511627776]"), "{message}");
        assert!(message.contains("are free"), "{message}");
    }

    /// Largest size and variance.
    fn spread<const D: usize>(values: &Param<Tensor<D>>) -> (f64, f64) {
        let values = host(values.val().inner());
        let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
        (values.iter().fold(0.0, |most: f64, v| most.max(f64::from(v.abs()))), squares / values.len() as f64)
    }

    /// U(-l, l) has variance l^2 / 3 = 1 / (3 fan-in); of 4000 draws the largest is close to l.
    #[test]
    fn pytorchs_default_is_uniform_within_one_over_the_root_of_the_fan_in() {
        let init = Init::new(1, &Device::flex()).by(InitScheme::PyTorch);
        let linear = Linear::new(16, 250, &init.part("linear"));
        let conv = Conv2d::new([8, 60], 3, 1, 1, &init.part("conv"));
        let rect = RectConv2d::new([16, 120], [3, 1], [1, 1], &init.part("rect"));
        let last = RectConv2d::unrectified([16, 120], [1, 3], &init.part("last"));
        for ((most, variance), fan_in) in [
            (spread(&linear.weight), 16.0_f64),
            (spread(&conv.weight), 72.0),
            (spread(&rect.weight), 48.0),
            (spread(&last.weight), 48.0),
        ] {
            let limit = 1.0 / fan_in.sqrt();
            assert!(most <= limit && most > 0.99 * limit, "{most} of {limit}");
            assert!((variance * 3.0 * fan_in - 1.0).abs() < 0.05, "{variance}, fan-in {fan_in}");
        }
        for ((most, _), limit) in [
            (spread(&linear.bias.unwrap()), 0.25),
            (spread(&rect.bias), 1.0 / 48.0_f64.sqrt()),
            (spread(&last.bias), 1.0 / 48.0_f64.sqrt()),
        ] {
            assert!(most <= limit && most > 0.9 * limit, "{most} of {limit}");
        }
    }

    /// Kaiming, fan-out: `2 / (k k out)` of a convolution in front of a ReLU.
    #[test]
    fn the_usual_scheme_is_normal_with_biases_of_zero() {
        let init = Init::new(1, &Device::flex());
        let rect = RectConv2d::new([16, 120], [3, 1], [1, 1], &init);
        let (most, variance) = spread(&rect.weight);
        assert!((variance * 360.0 / 2.0 - 1.0).abs() < 0.05, "{variance}");
        assert!(most > 3.0 * variance.sqrt(), "a normal distribution has no such limit");
        assert_eq!(spread(&rect.bias), (0.0, 0.0));
    }

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
