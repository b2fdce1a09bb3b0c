//! One update of a parameter, in `f32` as PyTorch does it; settings are rounded once.

use std::ops::{Add, Div, Mul, Sub};

use burn::tensor::{DType, Tensor};
use counterpoint_kernels::update::{Adam, Sgd, Value};

use super::{OptimizerConfig, Pace};
use crate::device::is_host;
use crate::engine;

/// A parameter's moments: SGD's velocity, or Adam's two; none before the first update.
pub(super) type Moments = [Option<Tensor<1>>; 2];

/// The settings of one update of one parameter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Update {
    Sgd(Sgd),
    Adam(Adam),
}

impl Update {
    /// The update number `steps`, counted from 1.
    pub fn of(config: &OptimizerConfig, Pace { lr, decay }: Pace, steps: u32) -> Self {
        let adam = |betas: [f64; 2], epsilon: f64, decay: f64, keep: f64| {
            let [first, second] = betas.map(|beta| 1.0 - beta.powf(f64::from(steps)));
            Self::Adam(Adam {
                betas: betas.map(|beta| beta as f32),
                epsilon: epsilon as f32,
                step: (lr / first) as f32,
                root: second.sqrt() as f32,
                decay: decay as f32,
                keep: keep as f32,
            })
        };
        match *config {
            OptimizerConfig::Sgd { momentum, nesterov, .. } => {
                Self::Sgd(Sgd { lr: lr as f32, momentum: momentum as f32, decay: decay as f32, nesterov })
            }
            OptimizerConfig::Adam { betas, epsilon, .. } => adam(betas, epsilon, decay, 1.0),
            OptimizerConfig::AdamW { betas, epsilon, .. } => adam(betas, epsilon, 0.0, 1.0 - lr * decay),
        }
    }

    /// The value and the moments after the update: one pass over memory on the CPU, one
    /// operator for each operation on other devices and in double precision.
    pub fn apply(self, x: Tensor<1>, g: Tensor<1>, moments: Moments) -> (Tensor<1>, Moments) {
        match is_host(&x.device()) && x.dtype() == DType::F32 {
            true => self.in_one_pass(x, g, moments),
            false => self.composed(x, g, moments),
        }
    }

    fn in_one_pass(self, x: Tensor<1>, g: Tensor<1>, [first, second]: Moments) -> (Tensor<1>, Moments) {
        match self {
            Self::Sgd(update) => {
                let (x, velocity) = engine::sgd(x, g, first, update);
                (x, [Some(velocity), None])
            }
            Self::Adam(update) => {
                let moments = [first, second].map(|moment| moment.unwrap_or_else(|| x.zeros_like()));
                let (x, moments) = engine::adam(x, g, moments, update);
                (x, moments.map(Some))
            }
        }
    }

    fn composed(self, x: Tensor<1>, g: Tensor<1>, [first, second]: Moments) -> (Tensor<1>, Moments) {
        match self {
            Self::Sgd(update) => {
                let (x, velocity) = update.apply(Whole(x), Whole(g), first.map(Whole));
                (x.0, [Some(velocity.0), None])
            }
            Self::Adam(update) => {
                let moments = [first, second].map(|moment| Whole(moment.unwrap_or_else(|| x.zeros_like())));
                let (x, moments) = update.apply(Whole(x), Whole(g), moments);
                (x.0, moments.map(|moment| Some(moment.0)))
            }
        }
    }
}

/// Every number of a tensor at once.
#[derive(Clone)]
struct Whole(Tensor<1>);

impl Value for Whole {
    fn times(self, factor: f32) -> Self {
        Self(self.0.mul_scalar(factor))
    }

    fn plus(self, number: f32) -> Self {
        Self(self.0.add_scalar(number))
    }

    fn over(self, number: f32) -> Self {
        Self(self.0.div_scalar(number))
    }

    fn root(self) -> Self {
        Self(self.0.sqrt())
    }
}

macro_rules! whole {
    ($($operator:ident $method:ident),*) => {
        $(impl $operator for Whole {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                Self(self.0.$method(other.0))
            }
        })*
    };
}

whole!(Add add, Sub sub, Mul mul, Div div);

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::host::host;
    use crate::math::random::Random;

    /// Whole tensors, single numbers and one pass over memory give the same bits.
    #[test]
    fn every_way_gives_the_same_bits() {
        let mut random = Random::new(3, &["update"]);
        let mut draw = || (0..70_001).map(|_| random.normal() as f32).collect::<Vec<f32>>();
        let tensor = |values: &[f32]| {
            Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
        };
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        let sgd = |nesterov| Update::Sgd(Sgd { lr: 0.03, momentum: 0.9, decay: 1e-2, nesterov });
        let adam = |step, decay, keep| {
            Update::Adam(Adam { betas: [0.9, 0.999], epsilon: 1e-8, step, root: 0.031_6, decay, keep })
        };
        let single = |update: Update, x: f32, g: f32, [first, second]: [Option<f32>; 2]| match update {
            Update::Sgd(update) => {
                let (x, velocity) = update.apply(x, g, first);
                (x, [Some(velocity), None])
            }
            Update::Adam(update) => {
                let (x, moments) = update.apply(x, g, [first, second].map(Option::unwrap_or_default));
                (x, moments.map(Some))
            }
        };
        for update in [sgd(false), sgd(true), adam(0.01, 0.1, 1.0), adam(0.02, 0.0, 0.99)] {
            let mut numbers: Vec<(f32, [Option<f32>; 2])> =
                draw().into_iter().map(|x| (x, [None; 2])).collect();
            let start: Vec<f32> = numbers.iter().map(|(x, _)| *x).collect();
            let (mut whole, mut pass) = ((tensor(&start), [None, None]), (tensor(&start), [None, None]));
            for step in 0..3 {
                let g = draw();
                let moved = numbers.iter().zip(&g).map(|(&(x, moments), &g)| single(update, x, g, moments));
                numbers = moved.collect();
                whole = update.composed(whole.0, tensor(&g), whole.1);
                pass = update.in_one_pass(pass.0, tensor(&g), pass.1);
                let expected = bits(&numbers.iter().map(|(x, _)| *x).collect::<Vec<_>>());
                assert_eq!(bits(&host(whole.0.clone())), expected, "{update:?}, step {step}");
                assert_eq!(bits(&host(pass.0.clone())), expected, "{update:?}, step {step}");
                for place in 0..2 {
                    let expected: Option<Vec<u32>> =
                        numbers.iter().map(|(_, moments)| moments[place].map(f32::to_bits)).collect();
                    for moments in [&whole.1, &pass.1] {
                        let got = moments[place].clone().map(|moment| bits(&host(moment)));
                        assert_eq!(got, expected, "{update:?}, step {step}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_gradient_may_be_a_part_of_a_larger_tensor() {
        let tensor = |values: [f32; 2]| Tensor::<1>::from_floats(values, &Device::flex());
        let [x, part] = [tensor([1.0, 2.0]), tensor([3.0, 4.0])];
        let gradient = Tensor::cat(vec![x.clone(), part.clone()], 0).narrow(0, 2, 2);
        let update = Update::Sgd(Sgd { lr: 0.5, momentum: 0.9, decay: 0.0, nesterov: false });
        let (x, [velocity, _]) = update.in_one_pass(x, gradient, [None, None]);
        assert_eq!((host(x), velocity.map(host)), (vec![-0.5, 0.0], Some(host(part))));
    }
}
