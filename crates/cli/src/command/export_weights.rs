//! `counterpoint export-weights`.

use counterpoint::train::Checkpoint;
use counterpoint::weights::{self, Weights, part_of};
use serde_json::json;

use super::{print, print_json};
use crate::args::ExportWeights;
use crate::exit::{Code, Failure};
use crate::{folder, output, scores, target, words};
use counterpoint::catalog::unknown;

/// Writes weights and running statistics of a run for other programs.
pub fn run(args: &ExportWeights) -> Result<(), Failure> {
    let (_, info) = folder::read(&args.run)?;
    target::check_in_folder(&args.out, args.force)?;
    let checkpoint = Checkpoint::read(&folder::checkpoint(&args.run, &args.checkpoint)?)?;
    let names = counterpoint::modality::Modalities::new(info.specs().into_iter().map(|m| m.name))?;
    let all = checkpoint.weights(&names);
    let chosen = match &args.part {
        Some(part) => of_part(&all, part)?,
        None => all,
    };
    weights::write(&args.out, &chosen)?;
    let rows = scores::kept_in(&checkpoint);
    if !rows.is_empty() {
        output::say(format_args!(
            "note: written are the weights after the checkpoint's epoch; the run predicts by rows of epochs of their \
             own, whose weights are not written ({})",
            words::of(&rows)
        ));
    }
    let numbers: usize = chosen.values().map(|array| array.values.len()).sum();
    if args.json {
        print_json(&json!({"out": args.out, "tensors": chosen.len(), "numbers": numbers}));
    } else {
        print(format!("{}: {} tensors, {numbers} numbers", args.out.display(), chosen.len()));
    }
    Ok(())
}

/// The tensors below a name, without that name. Statistics of single
/// modalities stay behind: no other program knows them.
fn of_part(all: &Weights, part: &str) -> Result<Weights, Failure> {
    let prefix = format!("{part}.");
    let below: Weights = all
        .iter()
        .filter(|(name, _)| !name.contains('@'))
        .filter_map(|(name, array)| Some((name.strip_prefix(&prefix)?.to_owned(), array.clone())))
        .collect();
    if !below.is_empty() {
        return Ok(below);
    }
    let mut parts: Vec<&str> = all.keys().map(|name| part_of(name)).collect();
    parts.dedup();
    Err(Failure::new(Code::Usage, unknown(&format!("--part {part}: the run has no such part"), part, &parts)))
}
