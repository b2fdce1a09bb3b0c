//! Checks this implementation against reference files of another one.
//!
//! `check-reference FILE...` prints a line for each file and exits with 0 only
//! if every number of every file is within its tolerance.

use std::process::ExitCode;

use counterpoint_testkit::training;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() || files.iter().any(|f| f == "--help" || f == "-h") {
        eprintln!("usage: check-reference FILE...");
        return ExitCode::from(2);
    }
    let mut passed = true;
    for file in &files {
        let report =
            std::fs::read_to_string(file).map_err(|e| e.to_string()).and_then(|text| training::check(&text));
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
