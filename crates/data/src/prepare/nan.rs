//! Values of features that are not numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// What happens to values that are NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NanPolicy {
    /// Refuse the data.
    #[default]
    Error,
    /// Replace them by 0 before standardisation, and note how many.
    Zero,
    /// Replace them by the mean of their column over the training samples, and note how many.
    Mean,
    /// Leave out samples with one, and note how many.
    Drop,
}

impl NanPolicy {
    /// The values of one sample as training treats such: replaced, or refused.
    pub(crate) fn apply(self, values: &mut [f64]) -> Result<(), DataError> {
        let spoilt = values.iter().filter(|value| !value.is_finite()).count();
        match self {
            _ if spoilt == 0 => Ok(()),
            Self::Zero => {
                values.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = 0.0);
                Ok(())
            }
            // Of its column; see `VectorSteps::fill`.
            Self::Mean => {
                values.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = f64::NAN);
                Ok(())
            }
            Self::Drop => Err(DataError::format(format!(
                "{spoilt} values are NaN or infinite; such samples were left out of training (`nan` = \"drop\")"
            ))),
            Self::Error => Err(DataError::format(format!(
                "{spoilt} values are NaN or infinite, expected finite numbers"
            ))),
        }
    }
}
