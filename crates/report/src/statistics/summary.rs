//! Mean and spread of repeated measurements.

use super::{Interval, Method, special};

/// Count, mean and spread of some values.
///
/// Values that are not finite (a diverged run) enter no number but `missing`:
/// a reader must be told, because leaving out failures flatters a method.
///
/// ```
/// use counterpoint_report::statistics::Summary;
/// let s = Summary::of(&[0.95, 0.96, f64::NAN, 0.94]);
/// assert_eq!((s.n, s.missing), (3, 1));
/// assert!((s.sd.unwrap() - 0.01).abs() < 1e-12);
/// assert_eq!(Summary::of(&[0.95]).sd, None); // one value has no spread
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Finite values.
    pub n: usize,
    /// Values left out because they are not finite.
    pub missing: usize,
    /// Mean; `None` without values.
    pub mean: Option<f64>,
    /// Standard deviation with n - 1; `None` below two values.
    pub sd: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
}

impl Summary {
    /// The summary of `values`.
    pub fn of(values: &[f64]) -> Self {
        let finite = finite(values);
        let n = finite.len();
        let missing = values.len() - n;
        let Some(mean) = mean(&finite) else { return Self { missing, ..Self::default() } };
        // Two passes: sums of squares cancel when the spread is small.
        let squares: f64 = finite.iter().map(|x| (x - mean).powi(2)).sum();
        let constant = finite.iter().all(|x| *x == finite[0]);
        let sd = if constant { 0.0 } else { (squares / (n as f64 - 1.0)).sqrt() };
        Self {
            n,
            missing,
            mean: Some(if constant { finite[0] } else { mean }),
            sd: (n > 1).then_some(sd),
            min: finite.iter().copied().reduce(f64::min),
            max: finite.iter().copied().reduce(f64::max),
        }
    }

    /// Standard error of the mean; `None` below two values.
    pub fn standard_error(&self) -> Option<f64> {
        Some(self.sd? / (self.n as f64).sqrt())
    }

    /// Student's t interval of the mean; `None` below two values or when
    /// `level` is not inside (0, 1).
    ///
    /// Equal values give an interval of width zero, which says that the spread
    /// is unknown rather than zero; [`Comparison`](super::Comparison) treats it so.
    pub fn t_interval(&self, level: f64) -> Option<Interval> {
        let (mean, error) = (self.mean?, self.standard_error()?);
        if !(level > 0.0 && level < 1.0) {
            return None;
        }
        let half = special::t_quantile(1.0 - level, self.n as f64 - 1.0) * error;
        Some(Interval { low: mean - half, high: mean + half, level, method: Method::StudentT })
    }

    /// Two-sided p-value of Student's t test that the mean is zero; `None`
    /// below two values or without spread.
    pub fn t_test(&self) -> Option<f64> {
        let (mean, error) = (self.mean?, self.standard_error()?);
        (error > 0.0).then(|| special::t_two_sided(mean / error, self.n as f64 - 1.0))
    }
}

/// The mean; `None` without values or when the sum is not finite.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    mean.is_finite().then_some(mean)
}

pub(super) fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|x| x.is_finite()).collect()
}
