//! Noise: every encoder's gradient gets random numbers of its own size, as
//! OGM-GE gives back to small gradients what a large batch averages out.
//!
//! ```text
//! g <- g + scale N(0, (std g + 1e-8)^2)        g: a tensor of an encoder, as the inner strategy leaves it
//! ```
//!
//! Source: the enhancement ("GE") of Peng et al., CVPR 2022; docs/methods.md, "OGM and OGM-GE".
//! There it comes with damping, and its size is that of the gradient before it
//! was damped; here it is by itself, over any strategy.
//! Cost: none. Limits: with scale 0 this is the inner strategy.

use burn::tensor::{Tensor, TensorData};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::over::{inner, joint};
use super::range::at_least_zero;
use super::{Addition, ModelFacts, Over, Strategy, StrategyConfig, StrategySettings, Tensors};
use crate::Error;
use crate::host::host;
use crate::math::probability::mean;
use crate::math::random::Random;
use crate::modality::Modalities;
use crate::step::Position;
use crate::step::{Gradients, Group, Groups};

/// Settings of [`Noise`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoiseConfig {
    /// Size of the noise, in standard deviations of the gradient.
    #[schemars(range(min = 0))]
    pub scale: f64,
    /// Which tensors of the encoders get it.
    pub tensors: Tensors,
    /// The strategy whose gradients get it.
    pub over: StrategyConfig,
}

impl Default for NoiseConfig {
    fn default() -> Self {
        Self { scale: 1.0, tensors: Tensors::default(), over: joint() }
    }
}

impl Settings for NoiseConfig {
    const NAME: &'static str = "noise";
    const SUMMARY: &'static str = "adds noise of the gradient's size at the encoders, over any strategy";
}

impl StrategySettings for NoiseConfig {
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        at_least_zero("strategy.scale", self.scale)?;
        let noise = Noise { scale: self.scale, tensors: self.tensors };
        Ok(Box::new(Over::new(inner(&self.over, modalities)?, noise)))
    }

    fn over(&self) -> Option<&StrategyConfig> {
        Some(&self.over)
    }

    fn is_symmetric(&self) -> bool {
        false
    }
}

/// Adds noise to encoders' gradients.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    scale: f64,
    tensors: Tensors,
}

impl Addition for Noise {
    fn shape(&mut self, gradients: &mut Gradients, groups: &Groups, at: Position) {
        for (position, parameter) in groups.parameters().iter().enumerate() {
            if !matches!(parameter.group, Group::Encoder(_)) || !self.tensors.has(parameter) {
                continue;
            }
            let Some(gradient) = gradients.remove(position) else { continue };
            let key = ["noise", &parameter.name, &at.iteration().to_string()];
            let noisy = noisy(gradient, 1.0, self.scale, &mut Random::new(at.seed, &key));
            gradients.set(position, Some(noisy));
        }
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        self.tensors.check(facts, "noise")
    }
}

/// The standard deviation of the noise: the gradient's own, unbiased, plus 1e-8.
pub fn noise_size(gradient: &[f32]) -> f64 {
    let values: Vec<f64> = gradient.iter().map(|&g| f64::from(g)).collect();
    let center = mean(&values);
    let squares: f64 = values.iter().map(|g| (g - center).powi(2)).sum();
    // One number has no spread; PyTorch gives NaN there.
    let variance = if values.len() > 1 { squares / (values.len() - 1) as f64 } else { 0.0 };
    variance.sqrt() + 1e-8
}

/// `k g` plus noise of `scale` times the size of `g`.
pub(super) fn noisy(gradient: Tensor<1>, k: f64, scale: f64, random: &mut Random) -> Tensor<1> {
    let device = gradient.device();
    let mut values = host(gradient);
    let sigma = noise_size(&values) * scale;
    values.iter_mut().for_each(|g| *g = (f64::from(*g) * k + random.normal() * sigma) as f32);
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), &device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn noise_has_the_spread_of_the_gradient_and_a_key() {
        let mut random = Random::new(5, &["test"]);
        let gradient: Vec<f32> = (0..100_000).map(|_| (random.normal() * 0.3 + 0.1) as f32).collect();
        let tensor =
            || Tensor::<1>::from_data(TensorData::new(gradient.clone(), [gradient.len()]), &Device::flex());
        let draw = |key: &str, scale| host(noisy(tensor(), 0.25, scale, &mut Random::new(1, &[key])));
        for scale in [1.0, 2.0] {
            let noise: Vec<f32> = draw("a", scale).iter().zip(&gradient).map(|(n, g)| n - 0.25 * g).collect();
            assert!((noise_size(&noise) / noise_size(&gradient) / scale - 1.0).abs() < 0.02);
        }
        assert_eq!(draw("a", 1.0), draw("a", 1.0));
        assert_ne!(draw("a", 1.0), draw("b", 1.0));
        assert_eq!(host(noisy(tensor(), 1.0, 0.0, &mut random)), gradient);
    }
}
