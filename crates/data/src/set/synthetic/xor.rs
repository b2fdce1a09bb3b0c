//! `xor`: the label is the product of a sign in each view.
//!
//! ```text
//! a = p u + e        b = q v + f        p, q = -1 or 1 with equal probability, y = p q
//! ```
//!
//! `u`, `v` are directions of length 1, `e`, `f` independent noise in every number. One view says
//! nothing of the label at all, and no sum of one term per view is better than chance: it needs a
//! fusion that is not additive (`film`, `gated`, `bilinear`, `low-rank`, `cross-attention`), or a head with a
//! hidden layer.

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataSet, Plan, Request, Shape};
use crate::error::DataError;

/// Settings of the data set `xor`; modalities `a` and `b`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct XorConfig {
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
    /// Standard deviation of the noise in every number; that of a sign is 1.
    #[schemars(range(min = 0))]
    pub noise: f64,
    /// Seed of everything random in the data.
    pub seed: u64,
}

impl Default for XorConfig {
    fn default() -> Self {
        Self { train: 2000, val: 1000, test: 1000, width: 4, noise: 0.3, seed: 0 }
    }
}

impl Settings for XorConfig {
    const NAME: &'static str = "xor";
    const SUMMARY: &'static str = "made up: the label is the product of a sign in each of two views";
}

impl DataSet for XorConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let Self { train, val, test, width, noise, seed } = *self;
        let shape = Shape { samples: [train, val, test], width, noise, seed };
        shape.plan(request, |y, random| {
            let p = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
            [p, y * p]
        })
    }
}
