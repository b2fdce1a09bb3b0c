//! What a strategy remembers, in a form that any checkpoint can hold.

use std::collections::BTreeMap;

use crate::Error;

/// Named arrays of `f64` with their shapes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StrategyState(pub BTreeMap<String, (Vec<usize>, Vec<f64>)>);

impl StrategyState {
    /// Adds an array.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>, values: Vec<f64>) -> Self {
        self.0.insert(name.into(), (shape.into(), values));
        self
    }

    /// The values of an array.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn get(&self, name: &str) -> Result<&[f64], Error> {
        self.0.get(name).map(|(_, values)| values.as_slice()).ok_or_else(|| {
            Error::checkpoint(format!(
                "the checkpoint does not contain the strategy state `{name}`; it was written by a different strategy"
            ))
        })
    }
}
