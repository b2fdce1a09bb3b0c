//! What predictions are judged by.

use crate::Error;

/// One figure of merit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in records and tables.
    pub name: &'static str,
    /// Whether larger is better.
    pub higher: bool,
    /// Whether it is a share of 1, which people read in percent.
    pub share: bool,
}

impl Metric {
    /// A share of 1, better when larger.
    pub(super) const fn share(name: &'static str) -> Self {
        Self { name, higher: true, share: true }
    }

    /// A number that is better when larger.
    pub(super) const fn gain(name: &'static str) -> Self {
        Self { name, higher: true, share: false }
    }

    /// A number that is better when smaller.
    pub(super) const fn error(name: &'static str) -> Self {
        Self { name, higher: false, share: false }
    }

    /// Whether `new` is better than `old`; a value that is not defined is not.
    pub fn improves(&self, new: f64, old: f64) -> bool {
        if self.higher { new > old } else { new < old }
    }
}

/// The metrics of a task, in the order of its verdicts, and which of them
/// selects the best epoch.
#[derive(Clone, Copy, Debug)]
pub struct Metrics {
    all: &'static [Metric],
    primary: usize,
}

impl Metrics {
    /// All metrics, selected by the first.
    pub(super) const fn new(all: &'static [Metric]) -> Self {
        Self { all, primary: 0 }
    }

    /// The same, selected by the one of that name.
    ///
    /// # Errors
    /// If there is none; the message lists them.
    pub(super) fn selected_by(self, name: &str) -> Result<Self, Error> {
        match self.all.iter().position(|metric| metric.name == name) {
            Some(primary) => Ok(Self { primary, ..self }),
            None => Err(Error::config(format!(
                "task.select = \"{name}\": this task has {}",
                self.names().collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static Metric> + use<> {
        self.all.iter()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.iter().map(|metric| metric.name)
    }

    /// The one that selects a model and stands first in tables.
    pub fn primary(&self) -> &'static Metric {
        &self.all[self.primary]
    }
}
