//! `counterpoint prepare`.

use std::num::NonZero;
use std::thread::available_parallelism;

use counterpoint_prepare::{
    Encoding, Frames, Job, Plan, PrepareError, Problem, Settings, SplitRule, SplitSettings, layout,
};
use serde_json::json;

use super::{print, print_json};
use crate::args::{Prepare, PrepareSplit};
use crate::exit::{Code, Failure};
use crate::stop;
use crate::watch::preparing;

/// Problems that a dry run shows.
const SHOWN: usize = 10;

/// Turns raw recordings into a data set.
pub fn run(args: &Prepare) -> Result<(), Failure> {
    if args.layouts {
        return describe(args.name.as_deref());
    }
    let (Some(name), Some(from), Some(to)) = (&args.name, &args.from, &args.to) else {
        return Err(Failure::new(Code::Usage, "a layout, --from and --to are needed"));
    };
    let frames = match (args.frames, args.fps) {
        (Some(count), _) => Frames::Spread(count),
        (None, fps) => Frames::PerSecond(fps.unwrap_or(1.0)),
    };
    let rule = args.split.map(|split| match split {
        PrepareSplit::Published => SplitRule::Published,
        PrepareSplit::ByGroup => SplitRule::ByGroup,
        PrepareSplit::Random => SplitRule::Random,
    });
    let job = Job {
        layout: layout::named(name)?,
        from: from.clone(),
        to: to.clone(),
        settings: Settings {
            frames,
            encoding: if args.png { Encoding::Png } else { Encoding::Jpeg },
            size: args.size,
            rate: args.rate,
        },
        split: SplitSettings { rule, test: args.test, val: args.val, seed: args.seed },
        complete: args.complete,
        keep_damaged: args.keep_damaged,
        jobs: args.jobs.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get)),
        command: std::env::args().collect(),
    };
    if job.jobs == 0 {
        return Err(Failure::new(Code::Usage, "--jobs must be at least 1, got 0"));
    }
    let plan = job.plan()?;
    if args.dry_run {
        foretell(&job, &plan, args.json);
        return Ok(());
    }
    let stop = stop::on_signal()?;
    stop::from_here_on();
    let summary = job.run(&plan, &stop, &*preparing::progress(args.quiet || args.json))?;
    if args.json {
        print_json(&json!(summary));
    } else {
        print(summary);
    }
    Ok(())
}

/// The layouts in words.
fn describe(name: Option<&str>) -> Result<(), Failure> {
    let layouts = match name {
        Some(name) => vec![layout::named(name)?],
        None => layout::ALL.to_vec(),
    };
    for layout in layouts {
        print(format!("{}: {}\n{}", layout.name(), layout.words().summary, layout.words()));
    }
    Ok(())
}

/// Says what would be done.
fn foretell(job: &Job, plan: &Plan, as_json: bool) {
    let (present, bytes, found) = job.look(plan);
    let classes = plan.classes();
    let mut splits = [0; 3];
    classes.values().for_each(|counts| (0..3).for_each(|part| splits[part] += counts[part]));
    let problems: Vec<&Problem> = plan.problems.iter().chain(&found).collect();
    if as_json {
        let list: Vec<_> = problems
            .iter()
            .map(|p| json!({"id": p.id, "file": p.file, "found": p.finding.name(), "reason": p.finding.words()}))
            .collect();
        print_json(&json!({
            "dry_run": true, "clips": plan.clips.len(), "readable": present, "bytes": bytes, "classes": classes,
            "splits": {"train": splits[0], "val": splits[1], "test": splits[2]},
            "split": plan.assigned.words, "ffmpeg": plan.tools.version, "settings": job.settings,
            "problems": list, "notes": plan.notes,
        }));
        return;
    }
    print(format!(
        "{}: {} clips of {} classes (train {}, val {}, test {}), {present} with readable files of {}",
        job.from.display(),
        plan.clips.len(),
        classes.len(),
        splits[0],
        splits[1],
        splits[2],
        counterpoint_prepare::size(bytes)
    ));
    print(format!("split: {}", plan.assigned.words));
    for (class, [train, val, test]) in &classes {
        print(format!("  {class}: train {train}, val {val}, test {test}"));
    }
    let frames = match job.settings.frames {
        Frames::PerSecond(rate) => format!("{rate} frames per second"),
        Frames::Spread(count) => format!("{count} frames a clip"),
    };
    let size = job.settings.size.map_or_else(String::new, |[w, h]| format!(" that fit into {w}x{h}"));
    print(format!(
        "would write to {} with ffmpeg {}: {frames} as {}{size}, sound as mono WAV of {} Hz",
        job.to.display(),
        plan.tools.version,
        job.settings.encoding.ending(),
        job.settings.rate
    ));
    for problem in problems.iter().take(SHOWN) {
        print(format!("problem: {} {}: {}", problem.id, problem.file.display(), problem.finding.words()));
    }
    if problems.len() > SHOWN {
        print(format!("and {} more problems", problems.len() - SHOWN));
    }
    for note in &plan.notes {
        print(format!("note: {note}"));
    }
    print("dry run: nothing was written");
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        use counterpoint_prepare::ErrorKind;
        let code = match error.kind() {
            ErrorKind::Usage => Code::Usage,
            ErrorKind::Data => Code::Data,
            ErrorKind::Files => Code::Files,
            ErrorKind::Interrupted => Code::Interrupted,
            _ => Code::Bug,
        };
        Self::new(code, error.to_string())
    }
}
