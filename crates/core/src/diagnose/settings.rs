//! What is measured during training, how often and on how many samples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How often diagnostics are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Never.
    Off,
    /// After every epoch, and before the first.
    #[default]
    Epoch,
    /// After every epoch, and the gradients of every step.
    Step,
}

/// Settings, and what they meet.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// The settings.
    pub config: DiagnosticsConfig,
    /// Whether the fused scores are a sum of one term for each modality and a
    /// constant, as suppression needs it.
    pub additive: bool,
}

impl Diagnostics {
    /// Nothing is measured.
    pub fn off() -> Self {
        Self {
            config: DiagnosticsConfig { level: Level::Off, ..DiagnosticsConfig::default() },
            additive: false,
        }
    }

    /// What was asked for and cannot be measured on such a model, in words.
    pub fn absent(&self, modalities: usize, classification: bool) -> Vec<String> {
        let mut absent = Vec::new();
        let mut say = |measure: Measure, holds: bool, why: &str| {
            if self.config.wants(measure) && !holds {
                absent.push(why.to_owned());
            }
        };
        let additive = self.additive && classification && modalities > 1;
        say(
            Measure::Suppression,
            additive,
            "suppression is not measured: it needs classes, several modalities and fused scores that are a sum over them",
        );
        let few = (2..=super::shapley::MOST).contains(&modalities);
        say(Measure::Shapley, few, "Shapley values are not measured: they need 2 to 6 modalities");
        absent
    }
}

/// A family of measures that is taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Gradients that reach the encoders in each step, and gradients of the fused
    /// and unimodal loss at the features with the cosine between them.
    Gradients,
    /// Suppression factors; additive models only.
    Suppression,
    /// Effective rank of the features.
    Rank,
    /// Score without each modality, and each modality's Shapley value.
    Shapley,
    /// Score when a modality's input gets noisy.
    Noise,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gradients, Self::Suppression, Self::Rank, Self::Shapley, Self::Noise];
}

/// Settings of the diagnostics. They only measure: whatever they are, training gives
/// the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiagnosticsConfig {
    /// How often.
    pub level: Level,
    /// What.
    pub measures: Vec<Measure>,
    /// Samples of the train split for gradients at the features, suppression
    /// and rank, and of the validation split for noise; 0 = all. The same ones
    /// every time, spread evenly over the split.
    pub samples: usize,
    /// Standard deviations of the noise, relative to that of the input.
    pub noise: Vec<f64>,
    /// Epochs between measurements under noise; the last epoch has
    /// one in any case.
    #[schemars(range(min = 1))]
    pub noise_every: usize,
}

impl Default for DiagnosticsConfig {
    fn default() -> Self {
        Self {
            level: Level::default(),
            measures: Measure::ALL.to_vec(),
            samples: 256,
            noise: vec![0.5, 1.0, 2.0],
            noise_every: 10,
        }
    }
}

impl DiagnosticsConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range; the message names the key.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(bad) = self.noise.iter().find(|level| !(level.is_finite() && **level > 0.0)) {
            return Err(Error::config(format!("diagnostics.noise = {bad}: expected positive numbers")));
        }
        if self.noise_every == 0 {
            return Err(Error::config("diagnostics.noise_every = 0: expected at least 1 epoch"));
        }
        Ok(())
    }

    /// Whether a measure is wanted.
    pub fn wants(&self, measure: Measure) -> bool {
        self.level > Level::Off && self.measures.contains(&measure)
    }
}
