//! Checks this implementation against reference files of another one.
//!
//! `check-reference FILE...` prints a line for each file and exits with 0 only
//! if every number of every file is within its tolerance. It computes on the CPU,
//! or where `COUNTERPOINT_DEVICE` says, and in double precision, unless the device
//! lacks it or `COUNTERPOINT_PRECISION=single`: then ten times the tolerances hold.

use std::process::ExitCode;

use counterpoint::Recycler;
use counterpoint_testkit::report::Report;
use counterpoint_testkit::{dense_reference, device, seg_reference, toy_reference, training};

#[global_allocator]
static MEMORY: Recycler = Recycler::new();

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]
fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() || files.iter().any(|f| f == "--help" || f == "-h") {
        eprintln!("usage: check-reference FILE...");
        return ExitCode::from(2);
    }
    // One precision serves a process; the tests check the toy files in single precision as well.
    if let Err(error) = device::double() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let mut passed = true;
    for file in &files {
        let report = std::fs::read_to_string(file).map_err(|e| e.to_string()).and_then(|text| check(&text));
        match report {
            Ok(report) => {
                println!("{file}: {report}");
                passed &= report.passed();
            }
            Err(error) => {
                println!("{file}: ERROR: {error}");
                passed = false;
            }
        }
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The schema is told by `case.arch`; training files have none, and those of
/// the segmentation loss alone have no case.
fn check(text: &str) -> Result<Report, String> {
    let file: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    match file["case"]["arch"].as_str() {
        None if file["loss_scales"].is_array() => seg_reference::check(text),
        None => training::check(text),
        Some("toy") => toy_reference::check(text),
        Some(_) => dense_reference::check(text),
    }
}
