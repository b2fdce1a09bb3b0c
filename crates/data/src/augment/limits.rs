//! Limits of random changes as configurations give them: one number or two.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number, or `[least, most]`. What the one number means, its key says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number or [least, most]")]
pub enum Extent {
    /// One number.
    One(f64),
    /// Both limits.
    Both([f64; 2]),
}

impl Extent {
    /// The limits, where one number stands for these.
    pub(crate) fn limits(self, one: impl FnOnce(f64) -> [f64; 2]) -> [f64; 2] {
        match self {
            Self::One(number) => one(number),
            Self::Both(limits) => limits,
        }
    }
}

impl From<f64> for Extent {
    fn from(number: f64) -> Self {
        Self::One(number)
    }
}

/// Whether pictures are mirrored: half of them, none, or with a probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected true, false or a share from 0 to 1")]
pub enum Flip {
    /// Half of them, or none.
    Half(bool),
    /// This share of them, 0 to 1.
    Share(f64),
}

impl Flip {
    /// The probability.
    pub(crate) fn share(self) -> f64 {
        match self {
            Self::Half(true) => 0.5,
            Self::Half(false) => 0.0,
            Self::Share(share) => share,
        }
    }
}

impl From<bool> for Flip {
    fn from(half: bool) -> Self {
        Self::Half(half)
    }
}
