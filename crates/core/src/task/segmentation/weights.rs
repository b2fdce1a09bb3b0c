//! Weights of classes by how frequent they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a pixel of each class counts in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// `median(frequency) / frequency` over the training labels.
    #[default]
    MedianFrequency,
    /// Every pixel counts the same.
    Equal,
}

impl ClassWeights {
    /// The weight of each class.
    pub(in crate::task) fn of(self, frequency: &[f64]) -> Vec<f64> {
        match self {
            Self::MedianFrequency => median_frequency(frequency),
            Self::Equal => vec![1.0; frequency.len()],
        }
    }
}

/// `median(frequency) / frequency`; classes that never occur have weight 0 and
/// do not enter the median.
///
/// The frequency of a class is its share of the pixels of those pictures that
/// contain it. Source: Eigen and Fergus, ICCV 2015;
/// docs/methods.md, "ESANet".
pub fn median_frequency(frequency: &[f64]) -> Vec<f64> {
    let mut known: Vec<f64> = frequency.iter().copied().filter(|f| *f > 0.0).collect();
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    let median = match known.len() {
        0 => 0.0,
        n if n % 2 == 1 => known[middle],
        _ => (known[middle - 1] + known[middle]) / 2.0,
    };
    frequency.iter().map(|&f| if f > 0.0 { median / f } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_by_hand() {
        assert_eq!(median_frequency(&[0.1, 0.4, 0.2]), [2.0, 0.5, 1.0]);
        assert_eq!(median_frequency(&[0.25, 0.5, 0.0]), [1.5, 0.75, 0.0]);
        assert_eq!(median_frequency(&[0.0]), [0.0]);
    }
}
