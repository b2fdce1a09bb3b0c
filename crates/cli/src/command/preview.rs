//! `counterpoint preview`.

use counterpoint_data::{Loader, LoaderOptions, preview};
use serde_json::json;

use super::{print, print_json};
use crate::args::Preview;
use crate::exit::Failure;
use crate::watch::reading;
use crate::{config, target};

/// Draws samples as the model sees them.
pub fn run(args: &Preview) -> Result<(), Failure> {
    target::check_in_folder(&args.out, args.force)?;
    let loaded = config::load(&args.config, &args.set)?;
    let (data, seed) = (&loaded.config.data, loaded.config.train.seed);
    let splits = data.open_watched(&loaded.base, &reading::progress(args.json))?;
    let (split, options) = match args.split.as_str() {
        "train" => (splits.train, LoaderOptions::train(&data.common, seed)),
        _ => (splits.val, LoaderOptions::eval(&data.common)),
    };
    let (samples, augment) = (args.n.min(split.len()), options.augment);
    let changes = match (args.split.as_str(), augment) {
        ("train", true) => format!("epoch {}, seed {seed}", args.epoch),
        ("train", false) => "data.augment = false: nothing is changed at random".into(),
        _ => "nothing is changed at random".into(),
    };
    let title = format!("{} split, {changes}", args.split);
    let sheet = preview::sheet(&Loader::new(split, options)?, samples, args.epoch, &title)?;
    target::write(&[(args.out.clone(), sheet.to_png()?)])?;
    if args.json {
        print_json(&json!({
            "file": args.out, "samples": samples, "split": args.split, "augment": augment,
            "epoch": args.epoch, "seed": seed, "notes": splits.notes,
        }));
    } else {
        splits.notes.iter().for_each(|note| print(format!("note: {note}")));
        print(format!("{}: {samples} samples of the {title}", args.out.display()));
    }
    Ok(())
}
