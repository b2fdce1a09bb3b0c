//! Double precision for a whole process.

use std::sync::OnceLock;

use burn::tensor::{Device, FloatDType};

/// Makes every tensor of this process a double. Reference numbers are doubles,
/// and where a function is steep (layer norm of nearly equal numbers) or has a
/// kink, single precision departs from them by more than any useful tolerance.
///
/// # Errors
/// If the process has made tensors before.
pub fn double() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let configure = |mut device: Device| device.configure(FloatDType::F64).map_err(|e| e.to_string());
    DONE.get_or_init(|| configure(Device::flex())).clone()
}
