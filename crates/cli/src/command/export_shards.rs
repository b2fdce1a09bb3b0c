//! `counterpoint export-shards`.

use serde_json::json;

use super::{print, print_json};
use crate::args::ExportShards;
use crate::config;
use crate::exit::{Code, Failure};
use crate::watch::reading;

/// Writes the files of a data set as tar archives.
pub fn run(args: &ExportShards) -> Result<(), Failure> {
    if !(1..=1 << 20).contains(&args.mb) {
        return Err(Failure::new(Code::Usage, format!("--mb must be from 1 to 1048576, got {}", args.mb)));
    }
    let loaded = config::load(&args.config, &args.set)?;
    let progress = reading::progress(args.json);
    let packed = loaded.config.data.pack(&loaded.base, &args.to, args.mb << 20, &progress)?;
    let (shards, samples) = (packed.shards.len(), packed.samples);
    if args.json {
        print_json(&json!({"to": args.to, "shards": shards, "samples": samples, "bytes": packed.bytes}));
    } else {
        print(format!("{}: {samples} samples in {shards} archives", args.to.display()));
        print("they are read by [data] name = \"shards\" with this folder as `root`");
    }
    Ok(())
}
