//! Comparisons with reference numbers, collected.

use std::fmt;

use crate::device;

/// Every comparison of one file: how many, the worst, and all that failed.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Comparisons made.
    pub compared: usize,
    /// The largest error as a share of its tolerance, and where.
    pub worst: (f64, String),
    /// What is out of tolerance.
    pub failures: Vec<String>,
}

impl Report {
    /// Compares one number with an absolute tolerance, that of double precision.
    pub fn number(&mut self, what: impl fmt::Display, got: f64, expected: f64, tolerance: f64) {
        self.compared += 1;
        let share = (got - expected).abs() / (tolerance * device::slack());
        // A NaN on our side is a failure, not a comparison that is not larger.
        let fails = share.is_nan() || share > 1.0;
        if fails {
            self.failures.push(format!("{what}: {got:e}, expected {expected:e} within {tolerance:e}"));
        }
        if share > self.worst.0 || share.is_nan() {
            self.worst = (share, what.to_string());
        }
    }

    /// Compares numbers one by one.
    pub fn numbers(&mut self, what: impl fmt::Display, got: &[f64], expected: &[f64], tolerance: f64) {
        self.holds(format_args!("{what}: count"), got.len() == expected.len());
        for (i, (g, e)) in got.iter().zip(expected).enumerate() {
            self.number(format_args!("{what}[{i}]"), *g, *e, tolerance);
        }
    }

    /// Records something that must be true.
    pub fn holds(&mut self, what: impl fmt::Display, truth: bool) {
        self.compared += 1;
        if !truth {
            self.failures.push(what.to_string());
        }
    }

    /// Whether everything is within tolerance, and there was something.
    pub fn passed(&self) -> bool {
        self.compared > 0 && self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.passed() {
            let (share, what) = &self.worst;
            return write!(
                f,
                "ok: {} numbers, worst at {:.0} % of its tolerance ({what})",
                self.compared,
                share * 100.0
            );
        }
        write!(f, "FAILED: {} of {} comparisons", self.failures.len(), self.compared)?;
        for failure in self.failures.iter().take(20) {
            write!(f, "\n  {failure}")?;
        }
        Ok(())
    }
}
