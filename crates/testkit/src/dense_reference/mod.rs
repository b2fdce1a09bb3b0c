//! Whole training steps of dense and trimodal architectures against float64
//! PyTorch: the schema of `tests/reference/dense/*.json`.
//!
//! Sizes, salt, policies and settings are read from a file's `case`, so any
//! file of the schema can be checked. What all architectures share is here; a
//! new one is a file that implements [`Architecture`] and an arm in [`check`].

mod architecture;
mod compare;
mod cube;
mod esanet;
mod gradients;
mod maps;
mod mmtm;
mod outcome;
mod running;
mod schema;
mod textbook;

pub use architecture::{Architecture, Salted};
pub use schema::{Settings, Tolerance};

use serde::de::DeserializeOwned;

use self::cube::Cube;
use self::esanet::Esa;
use self::mmtm::Mmtm;
use crate::device;
use crate::report::Report;

/// Runs the case of a file and compares everything that it holds.
///
/// # Errors
/// If the text is not of the schema, or the case asks for something unknown.
pub fn check(text: &str) -> Result<Report, String> {
    device::double()?;
    let file: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match file["case"]["arch"].as_str() {
        Some("mmtm") => compare::run(&Mmtm(case(&file)?), text),
        Some("cube") => compare::run(&Cube(case(&file)?), text),
        Some("esanet") => compare::run(&Esa(case(&file)?), text),
        other => Err(format!("case.arch = {other:?}: expected mmtm, cube or esanet")),
    }
}

fn case<C: DeserializeOwned>(file: &serde_json::Value) -> Result<C, String> {
    serde_json::from_value(file["case"].clone()).map_err(|e| format!("case: {e}"))
}
