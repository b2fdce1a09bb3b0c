//! `counterpoint devices`.

use counterpoint::device::Processor;
use serde_json::json;

use super::{print, print_json};
use crate::args::Devices;
use crate::exit::Failure;

/// Prints what can be computed on, by the names that `train.device` takes.
pub fn run(args: &Devices) -> Result<(), Failure> {
    let all = Processor::all();
    if args.json {
        let of = |p: &Processor| json!({"name": p.name, "backend": p.backend(), "adapter": p.adapter, "driver": p.driver});
        print_json(&json!({"devices": all.iter().map(of).collect::<Vec<_>>()}));
        return Ok(());
    }
    for processor in all {
        let about = [processor.adapter, processor.driver].into_iter().filter(|text| !text.is_empty());
        print(format!("  {:<12} {}", processor.name, about.collect::<Vec<_>>().join(", ")).trim_end());
    }
    Ok(())
}
