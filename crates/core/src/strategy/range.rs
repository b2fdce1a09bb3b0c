//! Ranges of settings.

use crate::Error;

/// Refuses a number below 0 and one that is not finite; `key` is the setting's, as `strategy.alpha`.
///
/// # Errors
/// If it is one.
pub(super) fn at_least_zero(key: &str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::config(format!("{key} = {value}: expected a number of at least 0")))
}
