//! MMPareto: the fused loss's and a modality's own gradient meet at its
//! encoder; if they conflict, the shortest combination of both is taken, and
//! its lost length is given back.
//!
//! ```text
//! g_0 = d L_full / d theta_m,  g_u = d L_m / d theta_m,  k = (1/2, 1/2) if cos(g_0, g_u) > 0, else min-norm
//! h = 2 k_0 g_0 + 2 k_u g_u,  lambda = max(1, ||g_0 + g_u|| / ||h||),  gradient = gamma lambda h
//! heads: plain sum of the losses
//! ```
//!
//! Source: Wei and Hu, ICML 2024; docs/methods.md, "MMPareto". The authors' code takes
//! lambda tensor by tensor (default here), which bends the direction;
//! `rescale = "encoder"` keeps it, so that neither loss rises. Without conflict
//! this is `gamma (g_0 + g_u)`: `weights = "equal"` is that control, with
//! gamma 1 the plain sum of losses.
//! Cost: one backward pass through the encoders more than joint; the controls
//! none. Limits: needs a head for each modality, by which it also reads a
//! modality alone, or `heads = "shared"`.

use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::at_least_zero;
use super::{Heads, ModelFacts, Native, Stat, Strategy, StrategySettings};
use crate::Error;
use crate::host::host;
use crate::math::min_norm::min_norm;
use crate::modality::{Modalities, Modality};
use crate::step::Position;
use crate::step::{Gradients, Group, Groups, LossTerm, Need, Phase, Routing, StepOutputs, StepRecord};

/// How the two gradients are weighed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// Min-norm if they conflict.
    #[default]
    MinNorm,
    /// Always the sum: the control.
    Equal,
}

/// The granularity at which the norm of the gradient is restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rescale {
    /// Every tensor, as in the authors' code.
    #[default]
    Tensor,
    /// Every encoder.
    Encoder,
}

/// Settings of [`MmPareto`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MmParetoConfig {
    /// Factor on every encoder's gradient.
    #[schemars(range(min = 0))]
    pub gamma: f64,
    /// How the gradients of the fused and of the modality's own loss are weighted.
    pub weights: Weights,
    /// The granularity at which the norm of the gradient is restored.
    pub rescale: Rescale,
    /// Through which head a modality's own loss is had; the paper takes the shared one for MMTM.
    pub heads: Heads,
}

impl Default for MmParetoConfig {
    fn default() -> Self {
        Self { gamma: 1.5, weights: Weights::default(), rescale: Rescale::default(), heads: Heads::default() }
    }
}

impl Settings for MmParetoConfig {
    const NAME: &'static str = "mmpareto";
    const SUMMARY: &'static str =
        "combines the gradients of fused and own loss at each encoder without conflict";
}

impl StrategySettings for MmParetoConfig {
    fn build(&self, _modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(MmPareto::new(self)?))
    }

    fn wants_unimodal_heads(&self) -> bool {
        self.heads == Heads::Own
    }
}

/// Combines two gradients at each encoder without conflict.
#[derive(Clone, Debug)]
pub struct MmPareto {
    config: MmParetoConfig,
    cosine: Vec<f64>,
    weight: Vec<f64>,
}

impl MmPareto {
    /// From its settings.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(config: &MmParetoConfig) -> Result<Self, Error> {
        at_least_zero("strategy.gamma", config.gamma)?;
        Ok(Self { config: config.clone(), cosine: Vec::new(), weight: Vec::new() })
    }
}

/// Inner products `[a.a, a.b, b.b]`.
type Products = [f64; 3];

fn products(a: &Tensor<1>, b: &Tensor<1>) -> Products {
    let (a, b) = (host(a.clone()), host(b.clone()));
    let pairs = a.iter().zip(&b).map(|(&x, &y)| (f64::from(x), f64::from(y)));
    pairs.fold([0.0; 3], |sum, (x, y)| plus(sum, [x * x, x * y, y * y]))
}

fn plus(a: Products, b: Products) -> Products {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// Cosine, and the weight k_0 of the first gradient.
fn weigh([aa, ab, bb]: Products) -> (f64, f64) {
    let cosine = ab / (aa * bb).sqrt();
    // A gradient that is 0 conflicts with nothing.
    (cosine, if ab > 0.0 || aa == 0.0 || bb == 0.0 { 0.5 } else { min_norm([aa, ab, bb]) })
}

/// `||a + b|| / ||2 k a + 2 (1 - k) b||`, at least 1.
fn lost_length([aa, ab, bb]: Products, k: f64) -> f64 {
    let combined = 4.0 * (k * k * aa + 2.0 * k * (1.0 - k) * ab + (1.0 - k) * (1.0 - k) * bb);
    let sum = aa + 2.0 * ab + bb;
    if combined > 0.0 { (sum.max(0.0) / combined).sqrt().max(1.0) } else { 1.0 }
}

impl Strategy for MmPareto {
    fn phases(&self, _at: Position, modalities: &Modalities) -> Vec<Phase> {
        let terms = self.config.heads.terms(modalities);
        let need = match self.config.weights {
            Weights::MinNorm => Need::EncoderTerms,
            Weights::Equal => Need::Boundary,
        };
        vec![Phase::of(terms).needing(need)]
    }

    fn reads_outputs(&self) -> bool {
        false
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let terms = self.config.heads.terms(modalities);
        let mut w = terms.into_iter().fold(Routing::default(), |w, term| w.to_all(term, 1.0, modalities));
        for m in modalities.iter() {
            w.set(LossTerm::Fused, Group::Encoder(m), self.config.gamma);
            w.set(self.config.heads.term(m), Group::Encoder(m), self.config.gamma);
        }
        Ok(w)
    }

    fn shape(&mut self, record: &StepRecord, gradients: &mut Gradients, groups: &Groups, _at: Position) {
        (self.cosine, self.weight) = (Vec::new(), Vec::new());
        let encoders = groups.groups().into_iter().filter_map(|g| match g {
            Group::Encoder(m) => Some(m),
            _ => None,
        });
        for m in encoders.filter(|_| self.config.weights == Weights::MinNorm) {
            let (cosine, weight) = self.combine(m, record, gradients, groups).unwrap_or((0.0, 0.5));
            self.cosine.push(cosine);
            self.weight.push(weight);
        }
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        self.config.heads.check(
            facts,
            "mmpareto",
            "it combines the gradient of that head with that of the fused loss",
        )
    }

    fn native(&self) -> Option<&dyn Native> {
        self.config.heads.native()
    }

    fn stats(&self) -> Vec<Stat> {
        Stat::each("cosine", &self.cosine).chain(Stat::each("k0", &self.weight)).collect()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("cosine", "cosine of the fused and the own gradient of the encoder"),
            ("k0", "weight of the fused gradient, of 1"),
        ]
    }
}

impl MmPareto {
    /// Replaces the sum at one encoder; `None` leaves it where one of the two
    /// terms has no gradient.
    fn combine(
        &self,
        m: Modality,
        record: &StepRecord,
        gradients: &mut Gradients,
        groups: &Groups,
    ) -> Option<(f64, f64)> {
        let (fused, own) =
            (record.terms.get(&LossTerm::Fused)?, record.terms.get(&self.config.heads.term(m))?);
        let of_encoder = groups.parameters().iter().enumerate().filter(|(_, p)| p.group == Group::Encoder(m));
        let pairs: Vec<(usize, &Tensor<1>, &Tensor<1>)> =
            of_encoder.filter_map(|(i, _)| Some((i, fused.get(i)?, own.get(i)?))).collect();
        let of_tensor: Vec<Products> = pairs.iter().map(|(_, a, b)| products(a, b)).collect();
        let whole = of_tensor.iter().copied().fold([0.0; 3], plus);
        let (cosine, k) = weigh(whole);
        for ((position, a, b), of_tensor) in pairs.into_iter().zip(of_tensor) {
            let lambda = match self.config.rescale {
                Rescale::Tensor => lost_length(of_tensor, k),
                Rescale::Encoder => lost_length(whole, k),
            };
            let factor = 2.0 * self.config.gamma * lambda;
            let combined = a.clone().mul_scalar(factor * k) + b.clone().mul_scalar(factor * (1.0 - k));
            gradients.set(position, Some(combined));
        }
        Some((cosine, k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Final gradient of one two-dimensional tensor.
    fn combine(a: [f64; 2], b: [f64; 2], gamma: f64) -> ([f64; 2], f64) {
        let dot = |x: [f64; 2], y: [f64; 2]| x[0] * y[0] + x[1] * y[1];
        let products = [dot(a, a), dot(a, b), dot(b, b)];
        let (_, k) = weigh(products);
        let factor = 2.0 * gamma * lost_length(products, k);
        ([0, 1].map(|i| factor * (k * a[i] + (1.0 - k) * b[i])), k)
    }

    #[test]
    fn a_conflict_by_hand() {
        let (h, k) = combine([2.0, 0.0], [-1.0, 1.0], 1.5);
        assert!((k - 0.4).abs() < 1e-12);
        assert!((lost_length([4.0, -2.0, 2.0], k) - 1.118034).abs() < 1e-6);
        assert!((h[0] - 0.670820).abs() < 1e-6 && (h[1] - 2.012461).abs() < 1e-6, "{h:?}");
        let (_, k) = combine([1.0, 0.0], [-1.0, 1.0], 1.5);
        assert!((k - 0.6).abs() < 1e-12);
    }

    #[test]
    fn the_direction_never_opposes_either_gradient() {
        let mut random = crate::math::random::Random::new(0, &["pareto"]);
        for _ in 0..1000 {
            let mut draw = || [random.normal(), random.normal()];
            let (a, b) = (draw(), draw());
            let (h, _) = combine(a, b, 1.5);
            for g in [a, b] {
                assert!(h[0] * g[0] + h[1] * g[1] > -1e-9, "{a:?} {b:?} {h:?}");
            }
        }
    }

    #[test]
    fn without_conflict_it_is_the_sum_times_gamma() {
        let (h, _) = combine([1.0, 2.0], [0.5, 0.25], 1.5);
        assert!((h[0] - 2.25).abs() < 1e-6 && (h[1] - 3.375).abs() < 1e-6);
        assert_eq!(weigh([0.0, 0.0, 2.0]).1, 0.5);
    }
}
