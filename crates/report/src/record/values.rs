//! Scores as files have them.

use std::collections::BTreeMap;

/// Numbers by name, such as `accuracy` or `cross_entropy`; what they mean says a [`Metric`](super::Metric).
/// Shares are 0 to 1, not percent; NaN is a number that is not
/// defined, `null` in the file.
pub type Values = BTreeMap<String, f64>;

/// [`Values`] by row: `fused` is the fused output, any other name is one of a
/// modality alone (see [`Convention`](super::Convention)).
pub type Scores = BTreeMap<String, Values>;
