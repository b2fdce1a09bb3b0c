//! `counterpoint evaluate`.

use serde_json::json;

use super::{print, print_json};
use crate::args::{Evaluate, Part};
use crate::exit::Failure;
use crate::run::{Run, Scored};
use crate::watch::reading;
use crate::{located, scores};

/// Scores the best and the last checkpoint on a split.
pub fn run(args: &Evaluate) -> Result<(), Failure> {
    let (mut loaded, _) = located::located(&args.run, &args.set)?;
    args.computing.apply(&mut loaded.config);
    let run = Run::open_watched(loaded, &reading::progress(args.json))?;
    let (run, accepted) = run.accepting(&args.run, args.accept_changed_data.as_deref())?;
    let (split, samples, scored, looks) = match args.split {
        Part::Val => ("val", run.splits.val.len(), run.score_validation(&args.run, args.probe)?, None),
        Part::Test => {
            let (scored, looks) =
                run.look(&args.run, "counterpoint evaluate", accepted.as_ref(), args.probe)?;
            ("test", run.splits.test.len(), scored, Some(looks))
        }
    };
    let unimodal = run.unimodal()?;
    if args.json {
        let part = |s: &Scored| {
            let mut part = json!({"epoch": s.epoch, "scores": s.scores, "by_presence": s.by_presence});
            if !s.probe_penalty.is_empty() {
                part["probe_penalty"] = json!(s.probe_penalty);
            }
            if !s.class_iou.is_empty() {
                part["class_iou"] = json!(s.class_iou);
            }
            part
        };
        let mut result = json!({"run": args.run, "split": split, "samples": samples, "looks": looks, "unimodal": unimodal});
        if let Some(accepted) = &accepted {
            result["accepted_data"] = json!(accepted);
        }
        scored.iter().for_each(|s| result[s.checkpoint] = part(s));
        print_json(&result);
        return Ok(());
    }
    let title = format!("{}: {split} split, {samples} samples", args.run.display());
    let columns: Vec<_> = scored.iter().map(|s| (scores::column(s.checkpoint, s.epoch), &s.scores)).collect();
    let (names, fitted) = (run.names()?, run.fitted_on(split));
    print(scores::table(&title, &columns, &names, &unimodal, run.task.as_ref(), fitted).trim_end());
    let last = scored.last().into_iter().flat_map(|s| &s.by_presence);
    for (pattern, values) in last {
        let value = scores::written(values, &scores::selecting(run.task.as_ref()));
        let count = values.get("samples").copied().unwrap_or(0.0);
        let pattern = if pattern == "fused" { "everything" } else { pattern };
        print(format!("  samples with {pattern}: {value} of {count:.0} (last)"));
    }
    if let Some(accepted) = &accepted {
        print(format!("The data changed since training and were accepted: {}", accepted.reason));
        accepted.changes.iter().for_each(|change| print(format!("  {change}")));
    }
    if let Some(looks) = looks {
        print(format!(
            "This was access {looks} to the test split of this run; it is recorded in test_accesses.jsonl."
        ));
    }
    Ok(())
}
