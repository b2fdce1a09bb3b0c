//! `counterpoint train`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;
use counterpoint::grad::Cut;
use counterpoint::model::Model as _;
use counterpoint::strategy::Moment;
use counterpoint::task::Classification;
use counterpoint::train::{Outcome, Progress, Trainer, check_reach};
use counterpoint_batch::BatchSource;
use counterpoint_data::{Loader, LoaderOptions, Splits};
use counterpoint_report::record::{Appender, End, Epoch, Log, Start};
use serde_json::json;

use super::print;
use crate::args::Train;
use crate::config::{self, Config, Loaded};
use crate::exit::{Code, Failure};
use crate::folder::{self, Folder, RunInfo};
use crate::{model, progress, scores};

/// Trains, or continues.
pub fn run(args: Train) -> Result<(), Failure> {
    let stop = stop_flag()?;
    let given = args.config.as_deref().map(|path| config::load(path, &args.set)).transpose()?;
    if args.print_config {
        let loaded =
            given.ok_or_else(|| Failure::new(Code::Usage, "--print-config needs a configuration file"))?;
        print(loaded.config.to_toml().trim_end());
        return Ok(());
    }
    if args.dry_run {
        let loaded =
            given.ok_or_else(|| Failure::new(Code::Usage, "--dry-run needs a configuration file"))?;
        return dry_run(&loaded, args.json);
    }
    let out = match (&args.out, &given) {
        (Some(out), _) => out.clone(),
        (None, Some(loaded)) => default_out(args.config.as_deref(), &loaded.config),
        (None, None) => {
            return Err(Failure::new(Code::Usage, "--resume without a configuration needs --out"));
        }
    };
    if given.is_none() && !args.set.is_empty() {
        return Err(Failure::new(
            Code::Usage,
            "--set needs a configuration file; a resumed run keeps its own",
        ));
    }
    if given.is_none() && !out.join("config.toml").exists() {
        return Err(Failure::new(Code::Usage, format!("{} holds no run to resume", out.display())));
    }
    let folder = Folder::open(&out)?;
    let loaded = settle(&folder, given, args.resume)?;
    train(&folder, &loaded, &args, &stop)
}

/// Sets a flag on Ctrl-C, SIGTERM or SIGHUP; a second signal ends at once.
#[expect(clippy::print_stderr, reason = "an answer to a signal belongs on stderr")]
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Code::Interrupted as i32);
        }
        eprintln!("stopping after this step; once more ends at once");
    })
    .map_err(|e| Failure::new(Code::Bug, format!("cannot listen for signals: {e}")))?;
    Ok(stop)
}

fn default_out(config: Option<&Path>, settings: &Config) -> PathBuf {
    let stem = config.and_then(Path::file_stem).map_or("run".into(), |s| s.to_string_lossy().into_owned());
    // Another method chosen with --set is another run.
    let strategy = settings.strategy_name();
    let name = if stem.ends_with(&strategy) { stem } else { format!("{stem}-{strategy}") };
    Path::new("runs").join(format!("{name}-seed{}", settings.train.seed))
}

/// Decides what the folder's run and the given configuration mean together.
fn settle(folder: &Folder, given: Option<Loaded>, resume: bool) -> Result<Loaded, Failure> {
    let place = folder.path.display();
    if !folder.holds_run() {
        return given.ok_or_else(|| Failure::new(Code::Usage, format!("{place} holds no run to resume")));
    }
    let (mut kept, _) = folder::read(&folder.path)?;
    if !resume {
        let done = folder.last()?.map_or(0, |c| c.progress.epoch);
        let total = kept.config.train.epochs;
        return Err(Failure::new(
            Code::Config,
            if done >= total {
                format!(
                    "{place} already holds a finished run ({total} epochs); choose another --out or remove it"
                )
            } else {
                format!(
                    "{place} holds an unfinished run ({done} of {total} epochs); add --resume to continue it, or choose another --out"
                )
            },
        ));
    }
    if let Some(given) = given {
        if let Some(difference) = given.config.difference(&kept.config) {
            return Err(Failure::new(
                Code::Config,
                format!(
                    "cannot resume {place} with another configuration: {difference}; leave the configuration out, or choose another --out"
                ),
            ));
        }
        // Where the data lies and how it is loaded may change.
        kept = given;
    }
    Ok(kept)
}

/// The two loaders of a run.
struct Loaders {
    train: Loader,
    validation: Loader,
}

fn loaders(config: &Config, splits: &Splits) -> Result<Loaders, Failure> {
    let common = &config.data.common;
    Ok(Loaders {
        train: Loader::new(splits.train.clone(), LoaderOptions::train(common, config.train.seed))?,
        validation: Loader::new(splits.val.clone(), LoaderOptions::eval(common))?,
    })
}

fn train(folder: &Folder, loaded: &Loaded, args: &Train, stop: &AtomicBool) -> Result<(), Failure> {
    let Loaded { config, base } = loaded;
    let begun = Instant::now();
    let splits = config.data.open(base)?;
    let info = RunInfo::new(&splits, base)?;
    let device = Device::flex();
    let mut learner = model::build(config, splits.modalities(), splits.classes.len(), &device)?;
    let names = learner.model.modalities().clone();
    let task = Classification::new(splits.classes.len());
    let loaders = loaders(config, &splits)?;

    let mut done = Progress::default();
    if folder.holds_run() {
        let (_, was) = folder::read(&folder.path)?;
        if was.data_hash != info.data_hash {
            return Err(Failure::new(
                Code::Data,
                format!(
                    "the data changed since {} was started; restore it, or start a new run",
                    folder.path.display()
                ),
            ));
        }
        if let Some(checkpoint) = folder.last()? {
            done = checkpoint.progress.clone();
            checkpoint.restore(&mut learner, &device, true)?;
        }
    } else {
        folder.begin(config, &info)?;
    }
    let metrics = folder.path.join("metrics.jsonl");
    let mut log = Appender::resume(&metrics, done.epoch)?;
    let fresh = done == Progress::default();
    if done.epoch < config.train.epochs {
        log.append(start(config, &info, &splits, &learner.groups, (!fresh).then_some(done.epoch)))?;
        let batches = loaders.train.batches();
        let position = done.epoch * batches + done.batch;
        let mut observer = progress::Progress::new(
            log,
            &names,
            &task,
            config.train.epochs,
            config.train.epochs * batches,
            position,
            args.quiet,
        );
        let trainer = Trainer {
            config: &config.train.settings(&config.schedule),
            evaluator: &Cut,
            task: &task,
            train: &loaders.train,
            validation: &loaders.validation,
            folder: Some(&folder.checkpoints()),
            stop,
            device: &device,
            diagnostics: &counterpoint::diagnose::Diagnostics::off(),
        };
        let outcome = trainer.run(&mut learner, done, &mut observer);
        observer.clear();
        let reason = match &outcome {
            Ok(Outcome::Finished) => "finished".to_owned(),
            Ok(Outcome::Interrupted) => "interrupted".to_owned(),
            Err(error) => error.to_string(),
        };
        let end = End { reason, seconds: Some(begun.elapsed().as_secs_f64()), peak_bytes: peak_bytes() };
        // The error that stopped training matters more than one of the log.
        let logged = observer.log.append(end);
        if outcome? == Outcome::Interrupted {
            return Err(Failure::new(
                Code::Interrupted,
                format!(
                    "interrupted; continue with: counterpoint train --resume --out {}",
                    folder.path.display()
                ),
            ));
        }
        logged?;
    }
    summarise(folder, config, &splits, &names, args.json)
}

fn start(
    config: &Config,
    info: &RunInfo,
    splits: &Splits,
    groups: &counterpoint::grad::Groups,
    resumed_from: Option<usize>,
) -> Start {
    let parameters: usize = groups.groups().iter().map(|g| groups.size(*g).1).sum();
    let mut environment = info.environment.clone();
    environment.insert("data".into(), info.data_hash.clone());
    Start {
        strategy: config.strategy_name(),
        seed: Some(config.train.seed),
        epochs: config.train.epochs,
        resumed_from,
        modalities: info.preparations.iter().map(|p| p.modality.clone()).collect(),
        classes: info.classes.clone(),
        samples: [("train", splits.train.len()), ("val", splits.val.len()), ("test", splits.test.len())]
            .map(|(k, n)| (k.to_owned(), n as u64))
            .into(),
        parameters: Some(parameters as u64),
        environment,
        ..Start::default()
    }
}

/// Prints what each modality learned, from the folder's own record.
fn summarise(
    folder: &Folder,
    config: &Config,
    splits: &Splits,
    names: &counterpoint::modality::Modalities,
    as_json: bool,
) -> Result<(), Failure> {
    let epochs = Log::read(folder.path.join("metrics.jsonl"))?.epochs();
    let (Some(last), Some(best)) = (epochs.last(), epochs.iter().rev().find(|e| e.best)) else {
        return Err(Failure::new(Code::Files, format!("{} records no epoch", folder.path.display())));
    };
    let seconds: f64 = epochs.iter().map(|e| e.seconds).sum();
    if as_json {
        let part = |e: &Epoch| json!({"epoch": e.epoch, "scores": e.val});
        print(json!({
            "run": folder.path, "split": "val", "samples": splits.val.len(),
            "best": part(best), "last": part(last), "train_seconds": seconds,
        }));
        return Ok(());
    }
    let title = format!(
        "{}: strategy {}, {} epochs in {seconds:.0} s; validation split, {} samples",
        folder.path.display(),
        config.strategy_name(),
        config.train.epochs,
        splits.val.len()
    );
    let columns = [
        (format!("best on val (epoch {})", best.epoch), &best.val),
        (format!("last (epoch {})", last.epoch), &last.val),
    ];
    print(scores::table(&title, &columns, names).trim_end());
    print(format!(
        "The test split ({} samples) is still sealed; open it with: counterpoint evaluate {}",
        splits.test.len(),
        folder.path.display()
    ));
    Ok(())
}

/// Builds everything and reads one batch.
fn dry_run(loaded: &Loaded, as_json: bool) -> Result<(), Failure> {
    let config = &loaded.config;
    let splits = config.data.open(&loaded.base)?;
    let device = Device::flex();
    let mut learner = model::build(config, splits.modalities(), splits.classes.len(), &device)?;
    let task = Classification::new(splits.classes.len());
    let loaders = loaders(config, &splits)?;
    let batches = loaders.train.batches();
    let at = Moment { epoch: 0, epochs: config.train.epochs, batch: 0, batches, seed: config.train.seed };
    if let Some(first) = loaders.train.epoch(0, 0).next() {
        let batch = first.map_err(|e| Failure::new(Code::Data, e.to_string()))?;
        check_reach(&mut learner, &Cut, &task, batch, at, &device)?;
    }
    let parameters: usize = learner.groups.groups().iter().map(|g| learner.groups.size(*g).1).sum();
    let modalities: Vec<String> =
        splits.modalities().iter().map(|m| format!("{} {:?}", m.name, m.shape)).collect();
    if as_json {
        print(json!({
            "train": splits.train.len(), "val": splits.val.len(), "test": splits.test.len(),
            "batches": batches, "parameters": parameters, "classes": splits.classes,
        }));
    } else {
        print(format!(
            "ok: {} train, {} val, {} test samples; {}; {} classes; {parameters} parameters, all of them learn; {batches} steps an epoch",
            splits.train.len(),
            splits.val.len(),
            splits.test.len(),
            modalities.join(", "),
            splits.classes.len()
        ));
        for note in &splits.notes {
            print(format!("note: {note}"));
        }
    }
    Ok(())
}

/// Largest resident memory of this process, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
