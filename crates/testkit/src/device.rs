//! Where and how precisely the numbers of other implementations are checked.

use std::sync::OnceLock;

use burn::tensor::{Device, FloatDType};
use counterpoint::device::Processor;
use counterpoint::engine::{Arithmetic, Convolution, Precision};

/// The variable of the environment that names the device; the CPU without it.
pub const DEVICE: &str = "COUNTERPOINT_DEVICE";

/// Set to `single` it says that double precision is not to be tried; `bf16` or `f16`, that layers multiply
/// numbers rounded to it, which is for measurements: no tolerance of ours holds for them.
pub const PRECISION: &str = "COUNTERPOINT_PRECISION";

/// The variable that says how the CPU computes convolutions, as `engine.convolution` does.
pub const CONVOLUTION: &str = "COUNTERPOINT_CONVOLUTION";

/// The device that `COUNTERPOINT_DEVICE` names, with the operators that
/// `COUNTERPOINT_CONVOLUTION` names.
///
/// # Panics
/// If there is none of that name; the message says which there are.
pub fn device() -> Device {
    if let Ok(name) = std::env::var(CONVOLUTION) {
        let convolution: Convolution =
            serde_json::from_value(name.into()).unwrap_or_else(|e| panic!("{CONVOLUTION}: {e}"));
        Arithmetic { convolution, ..Arithmetic::chosen() }.choose();
    }
    let rounded = Precision::ALL.into_iter().find(|p| precision().as_deref() == Some(p.name()));
    if let Some(precision) = rounded {
        Arithmetic { precision, ..Arithmetic::chosen() }.choose();
    }
    let name = std::env::var(DEVICE).unwrap_or_else(|_| "cpu".into());
    Processor::named(&name).and_then(|processor| processor.open()).unwrap_or_else(|e| panic!("{DEVICE}: {e}"))
}

/// What `COUNTERPOINT_PRECISION` says.
///
/// # Panics
/// If it is none of `single`, `bf16` and `f16`.
fn precision() -> Option<String> {
    let precision = std::env::var(PRECISION).ok()?;
    let known = ["single", "bf16", "f16"].contains(&precision.as_str());
    assert!(known, "{PRECISION}: expected single, bf16 or f16");
    Some(precision)
}

/// Whether this process checks in single precision: asked for, or because the
/// device has no other.
pub fn is_single() -> bool {
    static SINGLE: OnceLock<bool> = OnceLock::new();
    let asked = || precision().is_some();
    *SINGLE.get_or_init(|| asked() || !device().supports_dtype(FloatDType::F64))
}

/// How many times the tolerances of double precision those of this process are.
pub fn slack() -> f64 {
    if is_single() { 10.0 } else { 1.0 }
}

/// Makes every tensor of this process a double, unless it is to be single. Reference numbers are
/// doubles, and where a function is steep (layer norm of nearly equal numbers) or has a
/// kink, single precision departs from them by more than any useful tolerance.
///
/// # Errors
/// If the process has made tensors before.
pub fn double() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let configure = |mut device: Device| device.configure(FloatDType::F64).map_err(|e| e.to_string());
    DONE.get_or_init(|| if is_single() { Ok(()) } else { configure(device()) }).clone()
}
