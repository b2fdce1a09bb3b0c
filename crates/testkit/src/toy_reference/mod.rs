//! Gradient maps of every method on a small network against float64 PyTorch:
//! the schema of `tests/reference/gradients/toy_*.json`.
//!
//! Sizes, salt, number of modalities and settings are read from a file's
//! `case`, so any file of the schema can be checked. Every gradient is checked
//! with both evaluators.

mod case;
mod compare;
mod mla;
mod model;
mod reconboost;
mod stats;
mod steps;

use self::case::Case;
use crate::report::Report;

/// Runs the case of a file and compares everything that it holds.
///
/// # Errors
/// If the text is not of the schema, or the case asks for something unknown.
pub fn check(text: &str) -> Result<Report, String> {
    #[derive(serde::Deserialize)]
    struct Head {
        case: Case,
    }
    let Head { case } = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if case.arch != "toy" {
        return Err(format!("case.arch = `{}`: expected toy", case.arch));
    }
    if case.inputs.len() < case.modalities {
        return Err(format!("{} modalities need as many entries in case.inputs", case.modalities));
    }
    let device = crate::device::device();
    match case.method.as_str() {
        "mla" => mla::check(text, &case, &device),
        "reconboost" => reconboost::check(text, &case, &device),
        _ => steps::check(text, &case, &device),
    }
}
