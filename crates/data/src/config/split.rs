//! Keys that split a set at random instead of as it says itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// How samples are divided into train, validation and test where a set has no
/// split of its own or another one is wanted. A random split happens if `split_by`,
/// `stratify` or `folds` is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitConfig {
    /// Splits at random by groups, such as speakers: the column or array that names each sample's
    /// group. No group is in two parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_by: Option<String>,
    /// Splits at random so that every class has the same share of every part, as far as groups
    /// allow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stratify: bool,
    /// Shares of train, validation and test in a random split without `folds`; they sum to 1.
    #[serde(skip_serializing_if = "is_usual")]
    pub fractions: [f64; 3],
    /// Seed of a random split. It is not that of training, so runs with other seeds share the split.
    #[serde(skip_serializing_if = "is_zero")]
    pub split_seed: u64,
    /// Splits at random into this many equal folds, for cross-validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3))]
    pub folds: Option<usize>,
    /// The fold that is the test, counted from 0; the next one is the validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
}

const USUAL: [f64; 3] = [0.7, 0.15, 0.15];

fn is_usual(fractions: &[f64; 3]) -> bool {
    *fractions == USUAL
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(seed: &u64) -> bool {
    *seed == 0
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { split_by: None, stratify: false, fractions: USUAL, split_seed: 0, folds: None, fold: None }
    }
}

impl SplitConfig {
    /// Whether the set's own split is replaced.
    pub fn is_random(&self) -> bool {
        self.split_by.is_some() || self.stratify || self.folds.is_some()
    }

    /// Refuses values out of range and keys that would do nothing.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let sum: f64 = self.fractions.iter().sum();
        if self.fractions.iter().any(|f| f.is_nan() || *f <= 0.0) || (sum - 1.0).abs() > 1e-6 {
            return Err(DataError::config(format!(
                "`fractions` must be three numbers above 0 that sum to 1, got {:?}",
                self.fractions
            )));
        }
        let usual = is_usual(&self.fractions);
        match (self.folds, self.fold) {
            (Some(folds), _) if folds < 3 => Err(DataError::config(format!(
                "`folds` must be at least 3 (test, validation and train), got {folds}"
            ))),
            (Some(_), _) if !usual => {
                Err(DataError::config("`fractions` and `folds` exclude each other; leave one out"))
            }
            (Some(folds), Some(fold)) if fold >= folds => {
                Err(DataError::config(format!("`fold` must be from 0 to {}, got {fold}", folds - 1)))
            }
            (Some(_), None) => Err(DataError::config("`folds` needs `fold`: the number of the test fold")),
            (None, Some(_)) => Err(DataError::config("`fold` needs `folds`: the number of folds")),
            (None, None) if !self.is_random() && (!usual || self.split_seed != 0) => Err(DataError::config(
                "`fractions` and `split_seed` have no effect by themselves; add `split_by`, `stratify` or `folds`",
            )),
            _ => Ok(()),
        }
    }
}
