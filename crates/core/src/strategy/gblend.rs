//! G-Blending: the fused loss and one loss per modality through its own head,
//! each with a weight. Online, the weights come from trials: a loss counts for
//! as much as it generalises, divided by the square of how much it overfits.
//!
//! ```text
//! W[fused, encoders, fusion, head] = w_0      W[aux(m), encoder m, unimodal head m] = w_m
//! over another sum of losses with matrix V:  W[r, g] = w_r V[r, g]
//! w_k = (G_k / dO_k^2) / sum,   G_k = LV_start - LV_end,   dO_k = (LV - LT)_end - (LV - LT)_start
//! ```
//!
//! Source: Wang et al., CVPR 2020; docs/methods.md, "G-Blending"; `alpha` is the fixed
//! blend `L_0 + sum alpha_m L_m`, with one alpha for all that of the DGL paper's
//! Table 4. Differs from the BalanceBenchmark code, which counts worsening as
//! progress, compares sums of splits of different size and slices one head.
//! Guards: G is clipped at 0, dO^2 gets 1e-8, and if no loss generalises the
//! weights are equal.
//! Cost: fixed about joint; online M + 1 trials per super-epoch.
//! Limits: needs a head for each modality, which is also how it reads a modality
//! alone; `heads = "shared"` takes the fused one with zeros for the others
//! instead, for models that have no others. Trials start from the current
//! model and optimizer and take the order and the learning rates of the epochs whose weights they give.

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::over::inner;
use super::range::at_least_zero;
use super::{
    Addition, EpochTools, Heads, LossCurve, ModelFacts, Native, Over, Stat, Strategy, StrategyConfig,
    StrategySettings, StrategyState,
};
use crate::Error;
use crate::modality::{Modalities, PerModality};
use crate::step::Position;
use crate::step::{LossTerm, Phase, Routing, StepOutputs};

/// Settings of [`GBlend`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GBlendConfig {
    /// Weight of every modality's own loss, or of each one's; the fused loss has 1.
    pub alpha: PerModality,
    /// Weights of the fused loss and of each modality's, instead of `alpha`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    /// Epochs between estimates of the weights, which replace `alpha`; 10 in the paper.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// Which head computes a modality's own loss.
    pub heads: Heads,
    /// Another strategy whose losses are weighted, instead of the fused loss and
    /// those of `heads`; it must train on a sum of the fused loss and one for each modality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<StrategyConfig>,
}

impl Default for GBlendConfig {
    fn default() -> Self {
        Self { alpha: 4.0.into(), weights: None, every: None, heads: Heads::default(), over: None }
    }
}

impl Settings for GBlendConfig {
    const NAME: &'static str = "gblend";
    const SUMMARY: &'static str =
        "fused loss and one loss per modality through its own head, with fixed or estimated weights";
}

impl StrategySettings for GBlendConfig {
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        if self.over.is_some() && self.heads != Heads::default() {
            return Err(Error::config(
                "strategy.heads and strategy.over exclude each other: the losses are those of the strategy in `over`",
            ));
        }
        let sum: Box<dyn Strategy> = match &self.over {
            Some(over) => inner(over, modalities)?,
            None => Box::new(Sum { heads: self.heads }),
        };
        let terms = sum.summands(modalities).ok_or_else(|| {
            let over = self.over.as_ref().map_or("sum", |over| over.name());
            Error::config(format!(
                "strategy.over: strategy `gblend` weighs the fused loss and one loss for each modality, but strategy \
                 `{over}` does not train on a sum of such losses; leave it out, or take `dgl`"
            ))
        })?;
        Ok(Box::new(Over::new(sum, GBlend::new(self, terms, modalities)?)))
    }

    fn over(&self) -> Option<&StrategyConfig> {
        self.over.as_ref()
    }

    fn wants_unimodal_heads(&self) -> bool {
        self.over.as_ref().map_or(self.heads == Heads::Own, |over| over.wants_unimodal_heads())
    }
}

/// The plain sum of the fused loss and one loss for each modality, which the weights are of.
#[derive(Clone, Copy, Debug)]
struct Sum {
    heads: Heads,
}

impl Strategy for Sum {
    fn phases(&self, _at: Position, modalities: &Modalities) -> Vec<Phase> {
        vec![Phase::of(self.heads.terms(modalities))]
    }

    fn summands(&self, modalities: &Modalities) -> Option<Vec<LossTerm>> {
        Some(self.heads.terms(modalities))
    }

    fn reads_outputs(&self) -> bool {
        false
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let terms = self.heads.terms(modalities);
        Ok(terms.into_iter().fold(Routing::default(), |w, term| w.to_all(term, 1.0, modalities)))
    }

    fn check(&self, facts: &ModelFacts) -> Result<(), Error> {
        self.heads.check(facts, "gblend", "every auxiliary loss is that of the modality's own head")
    }

    fn native(&self) -> Option<&dyn Native> {
        self.heads.native()
    }
}

/// A weighted sum of the fused loss and one loss per modality.
#[derive(Clone, Debug)]
pub struct GBlend {
    every: Option<usize>,
    terms: Vec<LossTerm>,
    /// Of the fused loss, then of each modality's.
    weights: Vec<f64>,
}

impl GBlend {
    /// From its settings, for the terms of the fused loss and of each modality's.
    ///
    /// # Errors
    /// If a value is out of range or there are two ways to get the weights.
    pub fn new(config: &GBlendConfig, terms: Vec<LossTerm>, modalities: &Modalities) -> Result<Self, Error> {
        let alpha = config.alpha.weights("strategy.alpha", modalities)?;
        let count = modalities.len() + 1;
        let weights = match (&config.weights, config.every) {
            (Some(_), Some(_)) => {
                return Err(Error::config("strategy.weights and strategy.every exclude each other"));
            }
            (_, Some(0)) => return Err(Error::config("strategy.every = 0: expected at least 1 epoch")),
            // The start-up check runs before the first trial.
            (None, Some(_)) => vec![1.0 / count as f64; count],
            (Some(weights), None) if weights.len() == count => weights.clone(),
            (Some(weights), None) => {
                return Err(Error::config(format!(
                    "strategy.weights has {} entries: expected {count}, the fused loss and {}",
                    weights.len(),
                    modalities.names().join(", ")
                )));
            }
            (None, None) => std::iter::once(1.0).chain(alpha).collect(),
        };
        for &weight in &weights {
            at_least_zero("strategy.weights", weight)?;
        }
        Ok(Self { every: config.every, terms, weights })
    }

    fn estimate(&mut self, epochs: usize, tools: &mut dyn EpochTools) -> Result<(), Error> {
        let curves =
            self.terms.iter().map(|&term| tools.trial(&[term], epochs)).collect::<Result<Vec<_>, _>>()?;
        let (gains, growths): (Vec<f64>, Vec<f64>) = curves.iter().map(gain_and_growth).unzip();
        self.weights = blend(&gains, &growths);
        Ok(())
    }
}

/// How much a loss generalised, and how much its gap between splits grew.
fn gain_and_growth(curve: &LossCurve) -> (f64, f64) {
    let gap = |at: super::SplitLoss| at.validation - at.train;
    (curve.start.validation - curve.end.validation, gap(curve.end) - gap(curve.start))
}

/// Weights that sum to 1.
fn blend(gains: &[f64], growths: &[f64]) -> Vec<f64> {
    let worth = gains.iter().zip(growths).map(|(g, o)| g.max(0.0) / (o * o + 1e-8));
    let worth: Vec<f64> = worth.collect();
    let sum: f64 = worth.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        worth.iter().map(|w| w / sum).collect()
    } else {
        vec![1.0 / worth.len() as f64; worth.len()]
    }
}

impl Addition for GBlend {
    fn route(&mut self, inner: Routing) -> Routing {
        self.terms.iter().zip(&self.weights).fold(inner, |w, (&term, &weight)| w.scaled(term, weight))
    }

    fn begin(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        match self.every {
            Some(every) => self.estimate(every.min(at.epochs), tools),
            None => Ok(()),
        }
    }

    fn epoch_end(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        let left = at.epochs - at.epoch - 1;
        match self.every {
            Some(every) if left > 0 && (at.epoch + 1).is_multiple_of(every) => {
                self.estimate(every.min(left), tools)
            }
            _ => Ok(()),
        }
    }

    fn native<'a>(&self, inner: Option<&'a dyn Native>) -> Option<&'a dyn Native> {
        // A head whose loss counts nothing stays as it was drawn.
        let idle = self.every.is_none() && self.weights[1..].contains(&0.0);
        inner.filter(|_| !idle)
    }

    fn stats(&self) -> Vec<Stat> {
        Stat::each("weight", &self.weights[1..])
            .chain([Stat { name: "weight", modality: None, value: self.weights[0] }])
            .collect()
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        vec![("weight", "weight of the loss")]
    }

    fn save(&self) -> StrategyState {
        match self.every {
            Some(_) => StrategyState::default().with("weights", [self.weights.len()], self.weights.clone()),
            None => StrategyState::default(),
        }
    }

    fn restore(&mut self, state: &StrategyState) -> Result<(), Error> {
        if self.every.is_some() {
            self.weights = state.get("weights")?.to_vec();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Dgl, Joint, SplitLoss};

    #[test]
    fn weights_by_hand() {
        let w = blend(&[0.30, 0.10, 0.25], &[0.20, 0.50, 0.25]);
        for (got, want) in w.iter().zip([0.630252, 0.033613, 0.336134]) {
            assert!((got - want).abs() < 1e-6, "{w:?}");
        }
        assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let scaled = blend(&[3.0, 1.0, 2.5], &[2.0, 5.0, 2.5]);
        assert!(w.iter().zip(&scaled).all(|(a, b)| (a - b).abs() < 1e-6));
        assert!(blend(&[0.3, 0.1], &[1e6, 0.2])[0] < 1e-9);
        assert_eq!(blend(&[-1.0, -0.2], &[0.1, 0.1]), [0.5, 0.5]);
    }

    #[test]
    fn a_trial_that_worsens_validation_is_no_gain() {
        let at = |train, validation| SplitLoss { train, validation };
        let (gain, growth) = gain_and_growth(&LossCurve { start: at(1.0, 1.2), end: at(0.2, 1.5) });
        assert!((gain + 0.3).abs() < 1e-12 && (growth - 1.1).abs() < 1e-12);
    }

    #[test]
    fn each_modality_may_have_its_own_alpha() {
        let names = Modalities::new(["a", "b"]).unwrap();
        let of = |a: &str| PerModality::Each([(a.to_owned(), 2.0), ("b".to_owned(), 4.0)].into());
        let blend =
            |alpha| GBlend::new(&GBlendConfig { alpha, ..GBlendConfig::default() }, Vec::new(), &names);
        assert_eq!(blend(of("a")).unwrap().weights, [1.0, 2.0, 4.0]);
        assert_eq!(blend(3.0.into()).unwrap().weights, [1.0, 3.0, 3.0]);
        assert!(blend(of("c")).unwrap_err().to_string().contains("no modality `c`; it has a, b"));
    }

    #[test]
    fn two_ways_to_the_weights_are_refused() {
        let names = Modalities::new(["a", "b"]).unwrap();
        let config = GBlendConfig { weights: Some(vec![1.0; 3]), every: Some(2), ..GBlendConfig::default() };
        assert!(config.build(&names).is_err());
        let config = GBlendConfig { weights: Some(vec![1.0; 2]), ..GBlendConfig::default() };
        assert!(config.build(&names).err().unwrap().to_string().contains("expected 3"));
        let joint = GBlendConfig { over: Some(Joint {}.into()), ..GBlendConfig::default() };
        let message = joint.build(&names).err().unwrap().to_string();
        assert!(message.contains("`joint` does not train on a sum"), "{message}");
        let shared = GBlendConfig {
            heads: Heads::Shared,
            over: Some(Dgl::default().into()),
            ..GBlendConfig::default()
        };
        assert!(shared.build(&names).is_err());
    }
}
