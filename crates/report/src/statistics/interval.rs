//! A range that holds the true value with a stated confidence.

use std::fmt;

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Student's t on the mean.
    StudentT,
    /// Quantiles of bootstrap draws.
    Percentile,
    /// Quantiles of bootstrap draws, corrected for bias and acceleration (Efron 1987).
    Bca,
    /// Quantiles of draws over seeds and samples together.
    SeedsAndSamples,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StudentT => "Student's t",
            Self::Percentile => "bootstrap, percentile",
            Self::Bca => "bootstrap, BCa",
            Self::SeedsAndSamples => "bootstrap over seeds and samples",
        })
    }
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence, 0 to 1, e.g. 0.95.
    pub level: f64,
    /// How it was made.
    pub method: Method,
}

impl Interval {
    /// True when `value` lies in the interval or on its ends.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The same interval in another unit, e.g. 100 for shares as percent.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let (a, b) = (self.low * factor, self.high * factor);
        Self { low: a.min(b), high: a.max(b), ..*self }
    }
}

/// A confidence as people write it: 0.95 is `95 %`.
pub(super) fn percent(level: f64) -> String {
    let text = format!("{:.3}", level * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
