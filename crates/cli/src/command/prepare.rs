//! `counterpoint prepare`.

use std::num::NonZero;
use std::thread::available_parallelism;

use counterpoint_prepare::{
    Conversion, ConversionPlan, ConversionSettings, Encoding, Frames, Job, Plan, PrepareError, Problem,
    Settings, SplitRule, SplitSettings, Summary, Words, collection, layout,
};
use serde_json::{Value, json};

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
    let collection = collection::named(name);
    if let Some(option) = foreign(args, collection.is_some()) {
        let message = match collection {
            Some(_) => format!("{option} is for recordings, and `{name}` comes as arrays; leave it out"),
            None => format!(
                "{option} is for mosi, mosei and nyuv2, and `{name}` is not one of them; leave it out"
            ),
        };
        return Err(Failure::new(Code::Usage, message));
    }
    if let Some(collection) = collection {
        let job = Conversion {
            collection,
            from: from.clone(),
            to: to.clone(),
            settings: ConversionSettings { steps: args.steps, void: args.void },
            split: split(args),
            command: std::env::args().collect(),
        };
        return convert(&job, args);
    }
    let frames = match (args.frames, args.fps) {
        (Some(count), _) => Frames::Spread(count),
        (None, fps) => Frames::PerSecond(fps.unwrap_or(1.0)),
    };
    let job = Job {
        layout: layout::named(name)?,
        from: from.clone(),
        to: to.clone(),
        settings: Settings {
            frames,
            encoding: if args.png { Encoding::Png } else { Encoding::Jpeg },
            size: args.size,
            rate: args.rate.unwrap_or(Settings::default().rate),
        },
        split: split(args),
        complete: args.complete,
        keep_damaged: args.keep_damaged,
        uncut: args.uncut,
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
    show(&job.run(&plan, &stop, &*preparing::progress(args.quiet || args.json))?, args.json);
    Ok(())
}

/// An option that is given and would do nothing.
fn foreign(args: &Prepare, arrays: bool) -> Option<&'static str> {
    let of_recordings = [
        ("--jobs", args.jobs.is_some()),
        ("--frames", args.frames.is_some()),
        ("--fps", args.fps.is_some()),
        ("--png", args.png),
        ("--size", args.size.is_some()),
        ("--rate", args.rate.is_some()),
        ("--complete", args.complete),
        ("--keep-damaged", args.keep_damaged),
        ("--uncut", args.uncut),
    ];
    let of_arrays = [("--steps", args.steps.is_some()), ("--void", args.void.is_some())];
    let others: &[(&str, bool)] = if arrays { &of_recordings } else { &of_arrays };
    others.iter().find(|(_, given)| *given).map(|(option, _)| *option)
}

/// Converts a data set that comes as arrays.
fn convert(job: &Conversion, args: &Prepare) -> Result<(), Failure> {
    let mut plan = job.plan()?;
    if args.dry_run {
        foretell_conversion(job, &plan, args.json);
        return Ok(());
    }
    let stop = stop::on_signal()?;
    stop::from_here_on();
    show(&job.run(&mut plan, &stop, &*preparing::progress(args.quiet || args.json))?, args.json);
    Ok(())
}

fn show(summary: &Summary, as_json: bool) {
    if as_json {
        print_json(&json!(summary));
    } else {
        print(summary);
    }
}

fn split(args: &Prepare) -> SplitSettings {
    let rule = args.split.map(|split| match split {
        PrepareSplit::Published => SplitRule::Published,
        PrepareSplit::ByGroup => SplitRule::ByGroup,
        PrepareSplit::Random => SplitRule::Random,
    });
    SplitSettings { rule, test: args.test, val: args.val, seed: args.seed }
}

/// The layouts in words.
fn describe(name: Option<&str>) -> Result<(), Failure> {
    let all = layout::ALL.iter().map(|layout| (layout.name(), layout.words()));
    let all = all.chain(collection::ALL.iter().map(|collection| (collection.name(), collection.words())));
    let described: Vec<(&str, Words)> = all.filter(|(of, _)| name.is_none_or(|name| name == *of)).collect();
    if let (Some(name), true) = (name, described.is_empty()) {
        layout::named(name)?;
    }
    for (name, words) in described {
        print(format!("{name}: {}\n{words}", words.summary));
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
        let list: Vec<_> = problems.iter().map(|problem| as_value(problem)).collect();
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
    foretell_rest(&problems, &plan.notes);
}

/// Says what would be done with a data set of arrays.
fn foretell_conversion(job: &Conversion, plan: &ConversionPlan, as_json: bool) {
    let [train, val, test] = plan.splits();
    let bytes = plan.sources().iter().map(|(_, bytes)| bytes).sum();
    if as_json {
        let list: Vec<_> = plan.problems().iter().map(as_value).collect();
        print_json(&json!({
            "dry_run": true, plan.unit(): plan.samples(), "bytes": bytes,
            "splits": {"train": train, "val": val, "test": test}, "split": plan.assigned.words,
            "settings": job.settings, "problems": list, "notes": plan.notes(),
        }));
        return;
    }
    print(format!(
        "{}: {} {} (train {train}, val {val}, test {test}) in {} files of {}",
        job.from.display(),
        plan.samples(),
        plan.unit(),
        plan.sources().len(),
        counterpoint_prepare::size(bytes)
    ));
    print(format!("split: {}", plan.assigned.words));
    print(format!("would write to {}", job.to.display()));
    foretell_rest(&plan.problems().iter().collect::<Vec<_>>(), plan.notes());
}

/// The end of both.
fn foretell_rest(problems: &[&Problem], notes: &[String]) {
    for problem in problems.iter().take(SHOWN) {
        print(format!("problem: {} {}: {}", problem.id, problem.file.display(), problem.finding.words()));
    }
    if problems.len() > SHOWN {
        print(format!("and {} more problems", problems.len() - SHOWN));
    }
    for note in notes {
        print(format!("note: {note}"));
    }
    print("dry run: nothing was written");
}

fn as_value(problem: &Problem) -> Value {
    json!({
        "id": problem.id, "file": problem.file, "found": problem.finding.name(), "reason": problem.finding.words()
    })
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
