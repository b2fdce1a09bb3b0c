//! The validation scores of a run folder, epoch by epoch.
//!
//! `cargo run --release --example read_run -- runs/NAME`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::path::Path;

use counterpoint_report::record::{Event, Log};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder of a run")?;
    let log = Log::read(Path::new(&folder).join("metrics.jsonl"))?;
    for event in &log.events {
        let Event::Epoch(epoch) = event else { continue };
        for (row, metrics) in &epoch.val {
            let metrics: Vec<String> =
                metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
            println!("epoch {}  {row}: {}", epoch.epoch, metrics.join(", "));
        }
    }
    Ok(())
}
