//! `counterpoint export`.

use serde_json::json;

use super::{print, print_json};
use crate::args::{Export, Part};
use crate::exit::Failure;
use crate::run::Run;
use crate::watch::reading;
use crate::{located, target};

/// Writes scores, features and correctness of every sample of a split.
pub fn run(args: &Export) -> Result<(), Failure> {
    let (mut loaded, _) = located::located(&args.run, &args.set)?;
    args.computing.apply(&mut loaded.config);
    // Before the look: one that could not be written would count all the same.
    target::check_in_folder(&args.out, args.force)?;
    let run = Run::open_watched(loaded, &reading::progress(args.json))?;
    let (run, _) = run.accepting(&args.run, None)?;
    let (split, scored, looks) = match args.split {
        Part::Val => ("val", run.score_validation(&args.run, args.probe)?, None),
        Part::Test => {
            let (scored, looks) = run.look(&args.run, "counterpoint export", None, args.probe)?;
            ("test", scored, Some(looks))
        }
    };
    let file = run.predictions(split, &scored)?;
    file.write(&args.out)?;
    if args.json {
        print_json(&json!({
            "run": args.run, "split": split, "samples": file.ids.len(), "looks": looks, "file": args.out,
        }));
        return Ok(());
    }
    print(format!("{}: {} samples of the {split} split", args.out.display(), file.ids.len()));
    if let Some(looks) = looks {
        print(format!(
            "This was access {looks} to the test split of this run; it is recorded in test_accesses.jsonl."
        ));
    }
    Ok(())
}
