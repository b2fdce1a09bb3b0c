//! How a score is written.

use crate::table::Better;

/// Unit and direction of a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    /// From the record's unit to the shown one.
    pub factor: f64,
    /// Decimals shown.
    pub decimals: usize,
    pub better: Better,
    /// The least and the most it can be.
    pub bounds: [f64; 2],
    /// Unit of a difference.
    pub points: &'static str,
    /// Shown after a value, with its space.
    pub sign: &'static str,
}

impl Metric {
    /// By name: what sounds like a loss is one, what can be below 0 is a
    /// number, everything else is a share.
    pub fn of(name: &str) -> Self {
        let loss =
            ["loss", "entropy", "error", "nll", "mse", "mae", "rmse"].iter().any(|word| name.contains(word));
        if loss {
            return Self {
                factor: 1.0,
                decimals: 3,
                better: Better::Lower,
                bounds: [f64::NEG_INFINITY, f64::INFINITY],
                points: "units",
                sign: "",
            };
        }
        if ["r2", "correlation"].contains(&name) {
            return Self {
                factor: 1.0,
                decimals: 3,
                better: Better::Higher,
                bounds: [f64::NEG_INFINITY, 1.0],
                points: "units",
                sign: "",
            };
        }
        Self {
            factor: 100.0,
            decimals: 1,
            better: Better::Higher,
            bounds: [0.0, 1.0],
            points: "points",
            sign: " %",
        }
    }

    /// The metric's name with its unit: `accuracy, %`.
    pub fn title(&self, name: &str) -> String {
        let name = name.replace('_', " ");
        if self.sign.is_empty() { name } else { format!("{name}, %") }
    }

    /// Whether `a` is better than `b`.
    pub fn beats(&self, a: f64, b: f64) -> bool {
        if self.better == Better::Higher { a > b } else { a < b }
    }
}
