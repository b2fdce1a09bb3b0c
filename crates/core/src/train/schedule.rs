//! Learning rate over epochs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Settings of the schedule; the rate changes between epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScheduleConfig {
    /// Constant rate.
    Constant {},
    /// Multiplied by `gamma` at regular intervals.
    Step {
        /// Epochs between changes.
        #[schemars(range(min = 1))]
        every: usize,
        /// Factor.
        #[serde(default = "gamma")]
        #[schemars(extend("exclusiveMinimum" = 0))]
        gamma: f64,
    },
    /// Multiplied by `gamma` at the start of each of the given epochs (counted from 0).
    MultiStep {
        /// Epochs.
        milestones: Vec<usize>,
        /// Factor.
        #[serde(default = "gamma")]
        #[schemars(extend("exclusiveMinimum" = 0))]
        gamma: f64,
    },
    /// Half a cosine from 1 down to `minimum` at the end (Loshchilov and Hutter 2017).
    Cosine {
        /// Lowest factor.
        #[serde(default)]
        #[schemars(range(min = 0, max = 1))]
        minimum: f64,
    },
}

fn gamma() -> f64 {
    0.1
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self::Constant {}
    }
}

impl ScheduleConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range; the message names the key.
    pub fn check(&self) -> Result<(), Error> {
        let fail = |key: &str, value: f64, range: &str| {
            Err(Error::config(format!("schedule.{key} = {value}: expected {range}")))
        };
        match *self {
            Self::Step { every: 0, .. } => fail("every", 0.0, "at least 1 epoch"),
            Self::Step { gamma, .. } | Self::MultiStep { gamma, .. }
                if !(gamma.is_finite() && gamma > 0.0) =>
            {
                fail("gamma", gamma, "a positive number")
            }
            Self::Cosine { minimum } if !(0.0..=1.0).contains(&minimum) => {
                fail("minimum", minimum, "a number in [0, 1]")
            }
            _ => Ok(()),
        }
    }

    /// Factor on the learning rate during `epoch` of `epochs`.
    pub fn factor(&self, epoch: usize, epochs: usize) -> f64 {
        match self {
            Self::Constant {} => 1.0,
            Self::Step { every, gamma } => gamma.powi((epoch / every) as i32),
            Self::MultiStep { milestones, gamma } => {
                gamma.powi(milestones.iter().filter(|&&m| m <= epoch).count() as i32)
            }
            Self::Cosine { minimum } => {
                let angle = std::f64::consts::PI * epoch as f64 / epochs as f64;
                minimum + (1.0 - minimum) * (1.0 + angle.cos()) / 2.0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_by_hand() {
        let step = ScheduleConfig::Step { every: 3, gamma: 0.5 };
        assert_eq!([0, 2, 3, 6].map(|e| step.factor(e, 10)), [1.0, 1.0, 0.5, 0.25]);
        let multi = ScheduleConfig::MultiStep { milestones: vec![7, 9], gamma: 0.5 };
        assert_eq!([6, 7, 9].map(|e| multi.factor(e, 10)), [1.0, 0.5, 0.25]);
        let cosine = ScheduleConfig::Cosine { minimum: 0.0 };
        assert!((cosine.factor(5, 10) - 0.5).abs() < 1e-12 && cosine.factor(0, 10) == 1.0);
    }
}
