//! Token ids: whole numbers that stand for words and the like.

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// Steps from token ids to an array `[up to length]` of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSteps {
    /// Ids at most.
    pub length: usize,
    /// Number of different ids; they are below it.
    pub vocabulary: usize,
}

impl TokenSteps {
    pub(crate) fn check(self) -> Result<(), DataError> {
        match self.length > 0 && self.vocabulary > 0 {
            true => Ok(()),
            false => Err(DataError::config("the saved preparation of tokens is damaged: a size is 0")),
        }
    }

    /// Refuses an array of a file that is not one row of ids.
    pub(crate) fn admit(self, shape: &[usize]) -> Result<(), DataError> {
        match shape {
            [_] | [1, _] => Ok(()),
            _ => Err(DataError::shape(format!(
                "token ids have shape {shape:?}, expected [{}] (or fewer) as in training; give one row of ids",
                self.length
            ))),
        }
    }

    /// The ids, checked.
    pub(crate) fn arrange(self, ids: &[f64]) -> Result<Vec<f32>, DataError> {
        if ids.is_empty() || ids.len() > self.length {
            return Err(DataError::shape(format!("{} token ids, expected 1 to {}", ids.len(), self.length)));
        }
        let known = |id: f64| id.fract() == 0.0 && id >= 0.0 && id < self.vocabulary as f64;
        match ids.iter().find(|&&id| !known(id)) {
            Some(id) => Err(DataError::format(format!(
                "token id {id}, expected a whole number from 0 to {}",
                self.vocabulary - 1
            ))),
            None => Ok(ids.iter().map(|&id| id as f32).collect()),
        }
    }
}
