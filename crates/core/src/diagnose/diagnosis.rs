//! The numbers of one look inside.

use std::collections::BTreeMap;

/// Measures by whose they are (a modality, or `fused`) and name.
///
/// A measure that is not defined there (suppression without an additive model)
/// is absent, never 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis(BTreeMap<String, BTreeMap<String, f64>>);

impl Diagnosis {
    /// Keeps a number, unless it is NaN: then there was nothing to measure.
    pub(crate) fn insert(&mut self, whose: &str, name: impl Into<String>, value: f64) {
        if !value.is_nan() {
            self.0.entry(whose.to_owned()).or_default().insert(name.into(), value);
        }
    }

    /// One number.
    pub fn get(&self, whose: &str, name: &str) -> Option<f64> {
        self.0.get(whose)?.get(name).copied()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All numbers, by whose they are and name.
    pub fn into_values(self) -> BTreeMap<String, BTreeMap<String, f64>> {
        self.0
    }

    /// All numbers, by whose they are and name.
    pub fn values(&self) -> &BTreeMap<String, BTreeMap<String, f64>> {
        &self.0
    }
}
