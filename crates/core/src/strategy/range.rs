//! Ranges of settings; `key` is the name of one, as `strategy.alpha`.

use crate::Error;

/// Refuses a number below 0 and one that is not finite.
///
/// # Errors
/// If it is one.
pub(super) fn at_least_zero(key: &str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::config(format!("{key} = {value}: expected a number of at least 0")))
}

/// Refuses a number of epochs that is 0.
///
/// # Errors
/// If it is.
pub(super) fn at_least_one_epoch(key: &str, epochs: usize) -> Result<(), Error> {
    if epochs > 0 {
        return Ok(());
    }
    Err(Error::config(format!("{key} = 0: expected at least 1 epoch")))
}
