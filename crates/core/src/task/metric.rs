//! Metrics by which predictions are evaluated.

use crate::Error;

/// One figure of merit: what it is called, which way is better and how people read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name in records and configurations.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Whether larger is better.
    pub higher: bool,
    /// Whether it is a share of 1, which people read in percent.
    pub percent: bool,
    /// Decimals that are shown.
    pub digits: usize,
    /// Unit of the shown value; empty without one.
    pub unit: &'static str,
    /// Whether it is the share of right answers: then two models are compared answer by answer too.
    pub right_answers: bool,
    /// The least and the most it can be.
    pub bounds: [f64; 2],
}

impl Metric {
    /// A share of 1, better when larger.
    pub const fn share(name: &'static str, title: &'static str) -> Self {
        let (right_answers, bounds) = (false, [0.0, 1.0]);
        Self { name, title, higher: true, percent: true, digits: 1, unit: "", right_answers, bounds }
    }

    /// A number of at most 1 that is better when larger.
    pub const fn gain(name: &'static str, title: &'static str) -> Self {
        let bounds = [f64::NEG_INFINITY, 1.0];
        Self { percent: false, digits: 3, bounds, ..Self::share(name, title) }
    }

    /// A number of at least 0 that is better when smaller.
    pub const fn error(name: &'static str, title: &'static str) -> Self {
        Self { bounds: [0.0, f64::INFINITY], ..Self::gain(name, title).lower() }
    }

    /// The same, better when smaller.
    #[must_use]
    pub const fn lower(self) -> Self {
        Self { higher: false, ..self }
    }

    /// The same, in a unit.
    #[must_use]
    pub const fn in_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// The same, known to be the share of right answers.
    #[must_use]
    pub const fn of_right_answers(self) -> Self {
        Self { right_answers: true, ..self }
    }

    /// The metric with the function that gives its value.
    pub const fn by<F: Copy>(self, value: F) -> MetricFn<F> {
        MetricFn { metric: self, value }
    }

    /// Whether `new` is better than `old`; a value that is not defined is not.
    pub fn improves(&self, new: f64, old: f64) -> bool {
        if self.higher { new > old } else { new < old }
    }
}

/// A line of a task's list of metrics: what it is, and the function that gives
/// its value from what the task knows of the answers.
#[derive(Clone, Copy, Debug)]
pub struct MetricFn<F> {
    /// What it is.
    pub metric: Metric,
    /// Its value, NaN where it is not defined.
    pub value: F,
}

/// The metrics of a task, in the order of its verdicts, and which of them
/// selects the best epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    all: Vec<Metric>,
    selects: usize,
}

impl Metrics {
    /// The metrics of a task's list; the one at `selects` selects the best epoch.
    pub fn of<F>(list: &[MetricFn<F>], selects: usize) -> Self {
        Self { all: list.iter().map(|metric| metric.metric).collect(), selects }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Metric> {
        self.all.iter().copied()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|metric| metric.name)
    }

    /// The one that selects a model and stands first in tables.
    pub fn primary(&self) -> Metric {
        self.all[self.selects]
    }

    /// The place of a metric.
    ///
    /// # Errors
    /// If there is none of that name; the message lists them.
    pub(super) fn place(&self, name: &str) -> Result<usize, Error> {
        self.names().position(|known| known == name).ok_or_else(|| {
            Error::config(format!(
                "task.select = \"{name}\" is not a metric of this task: expected one of {}",
                self.names().collect::<Vec<_>>().join(", ")
            ))
        })
    }
}
