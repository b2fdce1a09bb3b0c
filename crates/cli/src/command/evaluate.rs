//! `counterpoint evaluate`.

use burn::tensor::Device;
use counterpoint::model::Model as _;
use counterpoint::task::Classification;
use counterpoint::train::{Checkpoint, evaluate};
use counterpoint_data::{Loader, LoaderOptions};
use counterpoint_report::record::{Appender, Scores, Test};
use serde_json::json;

use super::print;
use crate::args::{Evaluate, Part};
use crate::exit::{Code, Failure};
use crate::{folder, model, scores};

/// Scores the best and the last checkpoint on a split.
pub fn run(args: &Evaluate) -> Result<(), Failure> {
    let (loaded, info) = folder::read(&args.run)?;
    let config = &loaded.config;
    let splits = config.data.open(&loaded.base)?;
    if splits.fingerprint()? != info.data_hash {
        return Err(Failure::new(
            Code::Data,
            format!(
                "the data changed since {} was trained; its scores would not be comparable",
                args.run.display()
            ),
        ));
    }
    let device = Device::flex();
    let task = Classification::new(splits.classes.len());
    let mut learners = Vec::new();
    for name in ["best", "last"] {
        let checkpoint = Checkpoint::read(&args.run.join("checkpoints").join(format!("{name}.safetensors")))?;
        let mut learner = model::build(config, splits.modalities(), splits.classes.len(), &device)?;
        let epoch = checkpoint.progress.epoch;
        checkpoint.restore(&mut learner, &device, false)?;
        learners.push((name, epoch, learner));
    }
    // Everything that can fail has been done: only now the seal is broken.
    let (split, looks) = match args.split {
        Part::Val => (splits.val.clone(), None),
        Part::Test => {
            let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let look = json!({
                "unix_time": seconds.map_or(0, |d| d.as_secs()),
                "checkpoints": learners.iter().map(|(name, epoch, _)| json!({"name": name, "epoch": epoch})).collect::<Vec<_>>(),
                "samples": splits.test.len(),
            });
            let count = folder::record_look(&args.run, &look)?;
            (splits.test.open("counterpoint evaluate")?, Some(count))
        }
    };
    let loader = Loader::new(split, LoaderOptions::eval(&config.data.common))?;
    let mut log = Appender::open(args.run.join("metrics.jsonl"))?;
    let mut results: Vec<(&str, usize, Scores, Scores)> = Vec::new();
    for (name, epoch, learner) in &learners {
        let evaluation = evaluate(&learner.frozen(), &learner.buffers, &task, &loader, &device)?;
        let names = learner.model.modalities();
        let of_rows = scores::records(&evaluation, &task, names);
        if args.split == Part::Test {
            log.append(Test {
                split: "test".into(),
                checkpoint: (*name).into(),
                epoch: *epoch,
                samples: evaluation.ids.len() as u64,
                scores: of_rows.clone(),
                ..Test::default()
            })?;
        }
        results.push((name, *epoch, of_rows, scores::by_presence(&evaluation, &task, names)));
    }
    let names = learners[0].2.model.modalities();
    let split_name = if args.split == Part::Test { "test" } else { "val" };
    if args.json {
        let part = |(_, epoch, scores, presence): &(&str, usize, Scores, Scores)| json!({"epoch": epoch, "scores": scores, "by_presence": presence});
        print(json!({
            "run": args.run, "split": split_name, "samples": loader.split().len(), "looks": looks,
            "best": part(&results[0]), "last": part(&results[1]),
        }));
        return Ok(());
    }
    let title = format!("{}: {split_name} split, {} samples", args.run.display(), loader.split().len());
    let columns = [
        (format!("best on val (epoch {})", results[0].1), &results[0].2),
        (format!("last (epoch {})", results[1].1), &results[1].2),
    ];
    print(scores::table(&title, &columns, names).trim_end());
    for (pattern, values) in &results[1].3 {
        let accuracy = values.get("accuracy").copied().unwrap_or(f64::NAN) * 100.0;
        let count = values.get("samples").copied().unwrap_or(0.0);
        let pattern = if pattern == "full" { "everything" } else { pattern };
        print(format!("  samples with {pattern}: {accuracy:.1} % of {count:.0} (last)"));
    }
    if let Some(looks) = looks {
        print(format!("This was look {looks} at the test split of this run; it is recorded in looks.jsonl."));
    }
    Ok(())
}
