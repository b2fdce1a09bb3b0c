//! One update of a parameter, in `f32` as PyTorch does it; settings are rounded once.
//!
//! Each formula is written once and computes single numbers in the program's own
//! memory, or whole tensors on a device.

use std::ops::{Add, Div, Mul, Sub};

use burn::tensor::{Tensor, TensorData};

use super::{OptimizerConfig, Pace};
use crate::host::owned;

/// What an update computes with.
pub(super) trait Value:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    fn times(self, factor: f32) -> Self;
    fn plus(self, number: f32) -> Self;
    fn over(self, number: f32) -> Self;
    fn root(self) -> Self;
    /// Zero, or as many.
    fn zero(&self) -> Self;
}

impl Value for f32 {
    fn times(self, factor: f32) -> Self {
        self * factor
    }

    fn plus(self, number: f32) -> Self {
        self + number
    }

    fn over(self, number: f32) -> Self {
        self / number
    }

    fn root(self) -> Self {
        self.sqrt()
    }

    fn zero(&self) -> Self {
        0.0
    }
}

impl Value for Tensor<1> {
    fn times(self, factor: f32) -> Self {
        self.mul_scalar(factor)
    }

    fn plus(self, number: f32) -> Self {
        self.add_scalar(number)
    }

    fn over(self, number: f32) -> Self {
        self.div_scalar(number)
    }

    fn root(self) -> Self {
        self.sqrt()
    }

    fn zero(&self) -> Self {
        self.zeros_like()
    }
}

/// The settings of one update of one parameter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Update {
    Sgd {
        lr: f32,
        momentum: f32,
        decay: f32,
        nesterov: bool,
    },
    Adam {
        betas: [f32; 2],
        epsilon: f32,
        /// Learning rate over the first moment's correction.
        step: f32,
        /// Root of the second moment's correction.
        root: f32,
        /// Decay that is added to the gradient.
        decay: f32,
        /// Share of the value that a decoupled decay leaves.
        keep: f32,
    },
}

impl Update {
    /// The update number `steps`, counted from 1.
    pub fn of(config: &OptimizerConfig, Pace { lr, decay }: Pace, steps: u32) -> Self {
        let adam = |betas: [f64; 2], epsilon: f64, decay: f64, keep: f64| {
            let [first, second] = betas.map(|beta| 1.0 - beta.powf(f64::from(steps)));
            Self::Adam {
                betas: betas.map(|beta| beta as f32),
                epsilon: epsilon as f32,
                step: (lr / first) as f32,
                root: second.sqrt() as f32,
                decay: decay as f32,
                keep: keep as f32,
            }
        };
        match *config {
            OptimizerConfig::Sgd { momentum, nesterov, .. } => {
                Self::Sgd { lr: lr as f32, momentum: momentum as f32, decay: decay as f32, nesterov }
            }
            OptimizerConfig::Adam { betas, epsilon, .. } => adam(betas, epsilon, decay, 1.0),
            OptimizerConfig::AdamW { betas, epsilon, .. } => adam(betas, epsilon, 0.0, 1.0 - lr * decay),
        }
    }

    /// The value and the moments after the update; there are no moments before the first.
    pub fn apply<V: Value>(self, x: V, g: V, [first, second]: [Option<V>; 2]) -> (V, [Option<V>; 2]) {
        match self {
            Self::Sgd { lr, momentum, decay, nesterov } => {
                let g = g + x.clone().times(decay);
                let v = match first {
                    Some(v) => v.times(momentum) + g.clone(),
                    None => g.clone(),
                };
                let along = if nesterov { g + v.clone().times(momentum) } else { v.clone() };
                (x - along.times(lr), [Some(v), None])
            }
            Self::Adam { betas: [b1, b2], epsilon, step, root, decay, keep } => {
                let [m, v] = [first, second].map(|moment| moment.unwrap_or_else(|| g.zero()));
                let g = g + x.clone().times(decay);
                let m = m.times(b1) + g.clone().times(1.0 - b1);
                let v = v.times(b2) + g.clone().times(1.0 - b2) * g;
                let length = v.clone().root().over(root).plus(epsilon);
                (x.times(keep) - m.clone().times(step) / length, [Some(m), Some(v)])
            }
        }
    }

    /// The same of every number of tensors in the program's own memory, in one pass.
    pub fn apply_in_place(
        self,
        x: Tensor<1>,
        g: Tensor<1>,
        moments: [Option<Tensor<1>>; 2],
    ) -> (Tensor<1>, [Option<Tensor<1>>; 2]) {
        let (device, count) = (x.device(), x.dims()[0]);
        let (mut x, g) = (owned(x), owned(g));
        let adam = matches!(self, Self::Adam { .. });
        let fresh = moments[0].is_none();
        let [mut first, mut second] = moments.map(|moment| moment.map(owned));
        let m = first.get_or_insert_with(|| vec![0.0; count]);
        if adam {
            let v = second.get_or_insert_with(|| vec![0.0; count]);
            for (((x, &g), m), v) in x.iter_mut().zip(&g).zip(m).zip(v) {
                let (value, moments) = self.apply(*x, g, [Some(*m), Some(*v)]);
                *x = value;
                [*m, *v] = moments.map(Option::unwrap_or_default);
            }
        } else {
            for ((x, &g), v) in x.iter_mut().zip(&g).zip(m) {
                let (value, [velocity, _]) = self.apply(*x, g, [(!fresh).then_some(*v), None]);
                (*x, *v) = (value, velocity.unwrap_or_default());
            }
        }
        let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [count]), &device);
        (tensor(x), [first, second].map(|moment| moment.map(tensor)))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::host::host;
    use crate::math::random::Random;

    /// Whole tensors, single numbers and a pass over memory give the same bits.
    #[test]
    fn every_way_gives_the_same_bits() {
        let mut random = Random::new(3, &["update"]);
        let mut draw = || (0..97).map(|_| random.normal() as f32).collect::<Vec<f32>>();
        let tensor = |values: &[f32]| {
            Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
        };
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        let sgd = |nesterov| Update::Sgd { lr: 0.03, momentum: 0.9, decay: 1e-2, nesterov };
        let adam = |step, decay, keep| Update::Adam {
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            step,
            root: 0.031_6,
            decay,
            keep,
        };
        for update in [sgd(false), sgd(true), adam(0.01, 0.1, 1.0), adam(0.02, 0.0, 0.99)] {
            let mut numbers: Vec<(f32, [Option<f32>; 2])> =
                draw().into_iter().map(|x| (x, [None; 2])).collect();
            let start: Vec<f32> = numbers.iter().map(|(x, _)| *x).collect();
            let (mut whole, mut pass) = ((tensor(&start), [None, None]), (tensor(&start), [None, None]));
            for step in 0..3 {
                let g = draw();
                numbers = numbers
                    .into_iter()
                    .zip(&g)
                    .map(|((x, moments), &g)| update.apply(x, g, moments))
                    .collect();
                whole = update.apply(whole.0, tensor(&g), whole.1);
                pass = update.apply_in_place(pass.0, tensor(&g), pass.1);
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
}
