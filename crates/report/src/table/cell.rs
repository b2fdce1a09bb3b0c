//! What stands in a cell.

use crate::{
    statistics::{Interval, Summary},
    text::decimal,
};

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number and how many decimals to show.
    Number {
        /// The number, in the unit of the column.
        value: f64,
        /// Decimals.
        decimals: usize,
    },
    /// Mean, standard deviation and count.
    Spread {
        /// Mean, in the unit of the column.
        mean: f64,
        /// Standard deviation; `None` for one value.
        sd: Option<f64>,
        /// Values the mean is of.
        n: usize,
        /// Decimals.
        decimals: usize,
    },
    /// An estimate and its interval.
    Range {
        /// Estimate, in the unit of the column.
        value: f64,
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
        /// Decimals.
        decimals: usize,
    },
    /// An interval alone.
    Ends {
        /// Lower end, in the unit of the column.
        low: f64,
        /// Upper end.
        high: f64,
        /// Decimals.
        decimals: usize,
    },
    /// Nothing, and why (may be empty).
    Missing(String),
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number with this many decimals; missing if it is NaN, not defined.
    pub fn number(value: f64, decimals: usize) -> Self {
        if value.is_nan() { Self::none() } else { Self::Number { value, decimals } }
    }

    /// A whole number.
    pub fn count(value: u64) -> Self {
        Self::Number { value: value as f64, decimals: 0 }
    }

    /// A number, or missing.
    pub fn maybe(value: Option<f64>, decimals: usize) -> Self {
        value.map_or_else(Self::none, |value| Self::number(value, decimals))
    }

    /// Mean and spread of a summary times `factor`; missing without values.
    ///
    /// ```
    /// use counterpoint_report::{statistics::Summary, table::Cell};
    /// let cell = Cell::spread(&Summary::of(&[0.95, 0.96, 0.97]), 100.0, 1);
    /// assert_eq!(cell.to_string(), "96.0 ± 1.0");
    /// ```
    pub fn spread(summary: &Summary, factor: f64, decimals: usize) -> Self {
        match summary.mean {
            Some(mean) => Self::Spread {
                mean: mean * factor,
                sd: summary.sd.map(|sd| sd * factor.abs()),
                n: summary.n,
                decimals,
            },
            None if summary.missing > 0 => Self::Missing("not defined".into()),
            None => Self::none(),
        }
    }

    /// An estimate with an interval, both times `factor`; only the estimate
    /// when there is no interval.
    pub fn range(value: f64, interval: Option<Interval>, factor: f64, decimals: usize) -> Self {
        match interval.map(|i| i.scaled(factor)) {
            Some(Interval { low, high, .. }) => Self::Range { value: value * factor, low, high, decimals },
            None => Self::number(value * factor, decimals),
        }
    }

    /// An interval alone, times `factor`; missing without one.
    pub fn ends(interval: Option<Interval>, factor: f64, decimals: usize) -> Self {
        interval.map(|i| i.scaled(factor)).map_or_else(Self::none, |i| Self::Ends {
            low: i.low,
            high: i.high,
            decimals,
        })
    }

    /// Nothing, without a reason.
    pub fn none() -> Self {
        Self::Missing(String::new())
    }

    /// The number to compare and align by.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Number { value, .. } | Self::Range { value, .. } => Some(*value),
            Self::Spread { mean, .. } => Some(*mean),
            Self::Text(_) | Self::Ends { .. } | Self::Missing(_) => None,
        }
    }

    /// `value` with the decimals of this cell.
    pub(super) fn rounded(&self, value: f64) -> String {
        match self {
            Self::Number { decimals, .. } | Self::Range { decimals, .. } | Self::Spread { decimals, .. } => {
                decimal(value, *decimals)
            }
            Self::Text(_) | Self::Ends { .. } | Self::Missing(_) => String::new(),
        }
    }

    /// The parts a CSV gives columns of their own: suffix and value.
    pub(super) fn parts(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Spread { sd, n, .. } => vec![("sd", sd.unwrap_or(f64::NAN)), ("n", *n as f64)],
            Self::Range { low, high, .. } | Self::Ends { low, high, .. } => {
                vec![("low", *low), ("high", *high)]
            }
            _ => Vec::new(),
        }
    }
}

impl std::fmt::Display for Cell {
    /// The cell as people read it; `–` where there is nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number { value, decimals } => f.write_str(&decimal(*value, *decimals)),
            Self::Spread { mean, sd: Some(sd), decimals, .. } => {
                write!(f, "{} ± {}", decimal(*mean, *decimals), decimal(*sd, *decimals))
            }
            Self::Spread { mean, sd: None, decimals, .. } => f.write_str(&decimal(*mean, *decimals)),
            Self::Range { value, low, high, decimals } => {
                let [value, low, high] = [value, low, high].map(|x| decimal(*x, *decimals));
                write!(f, "{value} [{low}, {high}]")
            }
            Self::Ends { low, high, decimals } => {
                write!(f, "{} to {}", decimal(*low, *decimals), decimal(*high, *decimals))
            }
            Self::Missing(why) if why.is_empty() => f.write_str("–"),
            Self::Missing(why) => write!(f, "– ({why})"),
        }
    }
}
