//! McNemar's test: do two classifiers err on the same samples?

use super::special;

/// McNemar's test of two classifiers on the same samples.
///
/// It judges two trained models, not two methods: the chance of another seed is
/// not in it.
///
/// ```
/// use counterpoint_report::statistics::McNemar;
/// let test = McNemar::of_counts(6, 1);
/// assert!((test.exact - 0.125).abs() < 1e-12); // 2 * (1 + 7) / 2^7
/// assert_eq!(McNemar::of_counts(0, 0).exact, 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Samples only the first gets right.
    pub only_first: u64,
    /// Samples only the second gets right.
    pub only_second: u64,
    /// Exact two-sided binomial p-value; 1 when they never disagree.
    pub exact: f64,
    /// Chi-squared with continuity correction (Edwards 1948); `None` when they
    /// never disagree.
    pub statistic: Option<f64>,
    /// p-value of `statistic`.
    pub corrected: Option<f64>,
}

impl McNemar {
    /// The test from the two counts of disagreement.
    pub fn of_counts(only_first: u64, only_second: u64) -> Self {
        let (b, c) = (only_first, only_second);
        let n = b.saturating_add(c);
        let statistic = (n > 0).then(|| {
            // The correction takes at most all of the gap; squared blindly, equal
            // counts would get a statistic above zero.
            let gap = (b.abs_diff(c) as f64 - 1.0).max(0.0);
            gap * gap / n as f64
        });
        Self {
            only_first: b,
            only_second: c,
            exact: (2.0 * special::fair_binomial(b.min(c), n)).min(1.0),
            statistic,
            corrected: statistic.map(special::chi2_tail),
        }
    }

    /// The test from right or wrong per sample, in the same order; `None` when
    /// the lengths differ or there are no samples.
    pub fn of_samples(first: &[bool], second: &[bool]) -> Option<Self> {
        if first.len() != second.len() || first.is_empty() {
            return None;
        }
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|&(&a, &b)| a && !b).count() as u64;
        Some(Self::of_counts(only(first, second), only(second, first)))
    }
}
