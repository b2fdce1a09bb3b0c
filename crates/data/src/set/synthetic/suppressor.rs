//! `suppressor`: what one view cannot say because of a nuisance, both say together.
//!
//! ```text
//! a = (y + s n) u + e        b = (y - s n) v + f        y = -1 or 1, n ~ N(0, 1)
//! ```
//!
//! `u`, `v` are directions of length 1, `s` is `nuisance`, and `e`, `f` are independent noise in every number.
//! `u a + v b` is `2 y` plus a little noise: nobody needs the nuisance, and it is gone. One view by
//! itself tells `y` with probability `Phi(1 / s)`, hardly more than chance. Encoders that learn
//! from unimodal losses only, as in DGL, have nothing to learn here; joint training is right nearly always.

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataSet, Plan, Request, Shape};
use crate::error::DataError;

/// Settings of the data set `suppressor`; modalities `a` and `b`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SuppressorConfig {
    /// Number of training samples.
    #[schemars(range(min = 2))]
    pub train: usize,
    /// Number of validation samples.
    #[schemars(range(min = 2))]
    pub val: usize,
    /// Number of test samples.
    #[schemars(range(min = 2))]
    pub test: usize,
    /// How many numbers a view has.
    #[schemars(range(min = 1))]
    pub width: usize,
    /// Standard deviation of what both views share with opposite sign; that of the label is 1.
    #[schemars(range(min = 0))]
    pub nuisance: f64,
    /// Standard deviation of the noise in every number.
    #[schemars(range(min = 0))]
    pub noise: f64,
    /// Seed of everything random in the data.
    pub seed: u64,
}

impl Default for SuppressorConfig {
    fn default() -> Self {
        Self { train: 4000, val: 2000, test: 1000, width: 4, nuisance: 30.0, noise: 0.1, seed: 0 }
    }
}

impl Settings for SuppressorConfig {
    const NAME: &'static str = "suppressor";
    const SUMMARY: &'static str =
        "made up: two views share a nuisance with opposite sign, which hides the label in each";
}

impl DataSet for SuppressorConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let Self { train, val, test, width, nuisance, noise, seed } = *self;
        if !(nuisance.is_finite() && nuisance >= 0.0) {
            return Err(DataError::config(format!(
                "`nuisance` = {nuisance}: expected a number of at least 0"
            )));
        }
        let shape = Shape { samples: [train, val, test], width, noise, seed };
        shape.plan(request, |y, random| {
            let n = nuisance * random.normal();
            [y + n, y - n]
        })
    }
}
