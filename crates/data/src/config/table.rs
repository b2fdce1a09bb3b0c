//! Keys of modalities that are columns of a table: numbers and categories.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::prepare::{
    CategorySteps, Columns, Draft, Fit, NanPolicy, Normalise, Preparation, Steps, VectorSteps,
};

/// What happens to cells without a number: empty, `NA`, `NaN` or `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Refuse the list.
    #[default]
    Error,
    /// Replace them by the mean of their column over the training samples, and note how many.
    Mean,
}

/// Keys of columns of numbers. A sample without any of them lacks the modality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NumericConfig {
    /// The columns, in order; by default the one that is called as the modality.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What happens to cells without a number, if other columns have one.
    pub missing: Missing,
    /// Whether each column is shifted and scaled to mean 0 and deviation 1 over the training samples.
    pub standardise: bool,
    /// Largest absolute value after that, above which values are cut; 0 cuts none.
    #[schemars(range(min = 0.0))]
    pub limit: f32,
}

impl Default for NumericConfig {
    fn default() -> Self {
        Self { columns: Vec::new(), missing: Missing::Error, standardise: true, limit: 5.0 }
    }
}

/// Keys of columns of categories. A sample without any of them lacks the modality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CategoryConfig {
    /// The columns, in order; by default the one that is called as the modality.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// How often a category must occur in the training samples to have a token of its own. All
    /// others of its column share one, with those that training does not have.
    #[schemars(range(min = 1))]
    pub min_count: usize,
}

impl Default for CategoryConfig {
    fn default() -> Self {
        Self { columns: Vec::new(), min_count: 1 }
    }
}

/// The columns of a modality: those that are named, or the one that is called as it is.
///
/// # Errors
/// If one is named twice.
fn named(columns: &[String], modality: &str) -> Result<Vec<String>, DataError> {
    if let Some(at) = (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
        return Err(DataError::config(format!(
            "modality `{modality}`: `columns` names `{}` twice",
            columns[at]
        )));
    }
    Ok(if columns.is_empty() { vec![modality.to_owned()] } else { columns.to_vec() })
}

impl NumericConfig {
    /// How the modality is prepared.
    ///
    /// # Errors
    /// If a key is out of range.
    pub fn draft(&self, modality: &str) -> Result<Draft, DataError> {
        let columns = named(&self.columns, modality)?;
        if !(self.limit >= 0.0 && self.limit.is_finite()) {
            return Err(DataError::config(format!(
                "modality `{modality}`: `limit` must be 0 or more, got {}",
                self.limit
            )));
        }
        let mut steps = VectorSteps::plain(None, columns.len(), (self.limit > 0.0).then_some(self.limit));
        steps.nan = match self.missing {
            Missing::Error => NanPolicy::Error,
            Missing::Mean => NanPolicy::Mean,
        };
        steps.names = columns;
        let rule = Columns { drop_constant: true, standardise: self.standardise };
        let preparation = Preparation {
            modality: modality.to_owned(),
            steps: Steps::Vector(steps),
            normalise: Normalise::None,
        };
        Ok(Draft { preparation, fit: Fit::Columns(rule) })
    }
}

impl CategoryConfig {
    /// How the modality is prepared.
    ///
    /// # Errors
    /// If a key is out of range.
    pub fn draft(&self, modality: &str) -> Result<Draft, DataError> {
        if self.min_count == 0 {
            return Err(DataError::config(format!(
                "modality `{modality}`: `min_count` must be at least 1, got 0"
            )));
        }
        let steps = Steps::Category(CategorySteps::of(&named(&self.columns, modality)?));
        let preparation = Preparation { modality: modality.to_owned(), steps, normalise: Normalise::None };
        Ok(Draft { preparation, fit: Fit::Categories { min_count: self.min_count } })
    }
}
