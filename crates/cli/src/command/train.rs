//! `counterpoint train`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use counterpoint::grad::Cut;
use counterpoint::peers::{Alone, Peers};
use counterpoint::probe::Probe;
use counterpoint::step::Position;
use counterpoint::train::{ScheduleConfig, check_reach, try_step};
use counterpoint_batch::{BatchSource, TargetSpec, memory};
use counterpoint_report::record::{Epoch, Log};
use serde_json::json;

use super::{print, print_json};
use crate::args::Train;
use crate::config::{self, Config, Loaded};
use crate::exit::{Code, Failure};
use crate::folder::{self, Folder};
use crate::run::{Run, RunOptions, is_done, peak_bytes};
use crate::watch::reading;
use crate::{located, output, ranks, scores, stop, words};

/// Trains, or continues; as one of several ranks, if a launcher started them.
pub fn run(args: Train) -> Result<(), Failure> {
    let peers: Arc<dyn Peers> = match args.alone || args.print_config || args.dry_run {
        true => Arc::new(Alone),
        false => ranks::join()?,
    };
    train(args, Arc::clone(&peers)).map_err(|failure| ranks::end(peers.as_ref(), failure))
}

fn train(args: Train, peers: Arc<dyn Peers>) -> Result<(), Failure> {
    let args = Train { quiet: args.quiet || peers.rank() > 0, ..args };
    let stop = stop::on_signal()?;
    if args.supervised {
        stop::on_closed_input(&stop);
    }
    let (config, out) = places(&args)?;
    let mut given = match (config, out) {
        (Some(path), _) => Some(config::load(path, &args.set)?),
        (None, Some(out)) if args.resume && folder::holds_run(out) => Some(kept(out, &args.set)?),
        _ => None,
    };
    if let Some(given) = &mut given {
        args.computing.apply(&mut given.config);
    }
    if let (Some(given), Some(base)) = (&mut given, &args.base) {
        given.base = base.canonicalize().map_err(|e| Failure::io("find", base, &e))?;
    }
    if args.print_config {
        let loaded =
            given.ok_or_else(|| Failure::new(Code::Usage, "--print-config needs a configuration file"))?;
        print(loaded.config.to_complete_toml().trim_end());
        return Ok(());
    }
    if args.dry_run {
        let loaded =
            given.ok_or_else(|| Failure::new(Code::Usage, "--dry-run needs a configuration file"))?;
        return dry_run(loaded, &args);
    }
    let out = match (out, &given) {
        (Some(out), _) => out.to_owned(),
        (None, Some(loaded)) => default_out(config, &loaded.config),
        (None, None) => {
            return Err(Failure::new(Code::Usage, "--resume without a configuration needs --out"));
        }
    };
    let progress = reading::progress(args.quiet);
    let settled = settle(&out, given, &args)?;
    if args.job && ended(&out, args.test)? {
        return Ok(());
    }
    let run = Run::open_watched(settled, &progress)?;
    let run = if folder::holds_run(&out) { run.prepared_as_trained(&out)? } else { run };
    if args.probe {
        Probe::check(run.task.as_ref())?;
    }
    let peers = &*run.peers(peers);
    let options = RunOptions { quiet: args.quiet, tui: args.tui, resume: args.resume, stop: &stop, peers };
    if peers.rank() > 0 {
        return run.accompany(&out, &options);
    }
    let folder = run.train(&out, &options)?;
    let (run, _) = if args.test { run.accepting(&folder.path, None)? } else { (run, None) };
    if args.test {
        run.look_once(&folder.path, "counterpoint train --test", args.probe)?;
    }
    summarise(&folder, &run, args.json)
}

/// Whether a run of a study is done; one that diverged would diverge again.
fn ended(out: &Path, test: bool) -> Result<bool, Failure> {
    if is_done(out, test) {
        output::say(format_args!("{} is finished", out.display()));
        return Ok(true);
    }
    match folder::failure(out) {
        Some(failure) if failure.parts().0 == Code::Diverged => Err(failure),
        _ => Ok(false),
    }
}

/// The configuration file and the run folder of a command line; with --resume
/// the folder may stand where the file does.
fn places(args: &Train) -> Result<(Option<&Path>, Option<&Path>), Failure> {
    match (args.config.as_deref(), args.out.as_deref()) {
        (Some(folder), None) if folder.is_dir() && args.resume => Ok((None, Some(folder))),
        (Some(folder), _) if folder.is_dir() => {
            let more = if folder::holds_run(folder) {
                format!("; to continue the run in it: counterpoint train --resume --out {}", folder.display())
            } else {
                String::new()
            };
            let message = format!("{} is a folder, expected a configuration file{more}", folder.display());
            Err(Failure::new(Code::Usage, message))
        }
        places => Ok(places),
    }
}

/// The configuration of a run that is continued, and what it is told to change of it.
fn kept(out: &Path, sets: &[String]) -> Result<Loaded, Failure> {
    let of_place = |set: &String| set.split_once('=').is_some_and(|(key, _)| key.trim() == located::KEY);
    let (places, others): (Vec<String>, Vec<String>) = sets.iter().cloned().partition(of_place);
    let mut config = folder::read_with(out, &others)?.0.config;
    // What would be another run is refused wherever its data are.
    check_same(out, &config, &folder::read(out)?.0.config)?;
    let (mut loaded, _) = located::located(out, &places)?;
    config.data.common.root = loaded.config.data.common.root.take();
    loaded.config = config;
    Ok(loaded)
}

/// Refuses to continue a run with settings that make it another one.
fn check_same(out: &Path, given: &Config, kept: &Config) -> Result<(), Failure> {
    given.difference(kept).map_or(Ok(()), |difference| {
        Err(Failure::new(
            Code::Config,
            format!(
                "cannot resume {} with a different configuration: {difference}; leave the configuration out, or \
                 choose another --out",
                out.display()
            ),
        ))
    })
}

fn default_out(config: Option<&Path>, settings: &Config) -> PathBuf {
    let stem = config.and_then(Path::file_stem).map_or("run".into(), |s| s.to_string_lossy().into_owned());
    // Another method chosen with --set is another run.
    let strategy = settings.strategy_name();
    let name = if stem.ends_with(&strategy) { stem } else { format!("{stem}-{strategy}") };
    Path::new("runs").join(format!("{name}-seed{}", settings.train.seed))
}

/// Decides what the folder's run and the given configuration mean together;
/// writes nothing.
fn settle(out: &Path, given: Option<Loaded>, args: &Train) -> Result<Loaded, Failure> {
    let place = out.display();
    if !folder::holds_run(out) {
        return given
            .ok_or_else(|| Failure::new(Code::Usage, format!("{place} does not contain a run to resume")));
    }
    if !args.resume {
        return Err(folder::taken(out));
    }
    let (kept, _) = folder::read(out)?;
    // Where the data lies, how it is loaded and how long training lasts may change.
    let Some(given) = given else { return Ok(kept) };
    check_same(out, &given.config, &kept.config)?;
    let (before, now) = (kept.config.train.epochs, given.config.train.epochs);
    if before != now {
        let done = folder::last(out)?.map_or(0, |checkpoint| checkpoint.progress.epoch);
        if now < done {
            let why = format!("cannot resume {place} with train.epochs = {now}: {done} epochs are done");
            return Err(Failure::new(Code::Config, why));
        }
        if !args.quiet {
            output::say(format_args!("note: {}", lengthened(&given.config, before, done)));
            if folder::looks(out) > 0 {
                output::say(
                    "note: the test split of this run was accessed before; its scores for the further epochs are \
                     not independent of the decision to train them",
                );
            }
        }
    }
    Ok(given)
}

/// What another number of epochs means for the learning rate.
fn lengthened(config: &Config, before: usize, done: usize) -> String {
    let now = config.train.epochs;
    let all = format!("{now} epochs instead of {before}, {done} of them done");
    match config.schedule {
        ScheduleConfig::Cosine { .. } if done > 0 && done < now => format!(
            "{all}; the cosine schedule is now stretched over {now} epochs: its factor was {:.3} in epoch {done} \
             and is {:.3} in epoch {}",
            config.schedule.factor(done - 1, before),
            config.schedule.factor(done, now),
            done + 1
        ),
        _ => all,
    }
}

/// Prints what each modality learned, from the folder's own record.
fn summarise(folder: &Folder, run: &Run, as_json: bool) -> Result<(), Failure> {
    let log = Log::read(folder.metrics())?;
    let epochs = log.epochs();
    let Some(last) = epochs.last() else {
        return Err(Failure::new(Code::Files, format!("{} does not record an epoch", folder.path.display())));
    };
    // None is best where the metric that selects was not defined in any epoch.
    let best = epochs.iter().rev().find(|e| e.best);
    let seconds: f64 = epochs.iter().map(|e| e.seconds).sum();
    let waiting: f64 = epochs.iter().filter_map(|e| e.waiting_for_data).sum();
    let (splits, place) = (&run.splits, folder.path.display());
    if as_json {
        let part = |e: &Epoch| json!({"epoch": e.epoch, "scores": e.predicted()});
        print_json(&json!({
            "run": folder.path, "split": "val", "samples": splits.val.len(),
            "best": best.map(part), "last": part(last), "unimodal": run.unimodal()?, "train_seconds": seconds,
            "waiting_for_data": waiting,
        }));
        return Ok(());
    }
    let title = format!(
        "{place}: strategy {}, {} epochs in {seconds:.0} s; validation split, {} samples",
        run.config.strategy_name(),
        run.config.train.epochs,
        splits.val.len()
    );
    for note in splits.cache_notes() {
        print(format!("note: {note}"));
    }
    // Less than this is no reason to change anything.
    if waiting >= 1.0 && waiting >= 0.02 * seconds {
        print(format!(
            "Training waited {waiting:.0} s ({:.0} %) for data: raise data.workers, or keep decoded samples with \
             data.cache_mb or data.cache_dir",
            100.0 * waiting / seconds
        ));
    }
    let kept = best.map(|e| ("best", e)).into_iter().chain([("last", last)]);
    let kept: Vec<_> = kept.map(|(name, e)| (scores::column(name, e.epoch), e.predicted())).collect();
    let columns: Vec<_> = kept.iter().map(|(name, scores)| (name.clone(), scores)).collect();
    let (names, unimodal) = (run.names()?, run.unimodal()?);
    let fitted = run.fitted_on("val");
    print(scores::table(&title, &columns, &names, &unimodal, run.task.as_ref(), fitted).trim_end());
    if let Some(readout) = &last.readout {
        print(words::of(&readout.rows));
    }
    let looks: Vec<_> = log.tests().map(|t| (scores::column(&t.checkpoint, t.epoch), &t.scores)).collect();
    if looks.is_empty() {
        print(format!(
            "The test split ({} samples) has not been used; evaluate on it with: counterpoint evaluate {place}",
            splits.test.len()
        ));
    } else {
        let title = format!("{place}: test split, {} samples", splits.test.len());
        print(scores::table(&title, &looks, &names, &unimodal, run.task.as_ref(), None).trim_end());
    }
    Ok(())
}

/// Builds everything, checks files and parameters, and measures one step.
fn dry_run(loaded: Loaded, args: &Train) -> Result<(), Failure> {
    let quiet = args.quiet || args.json;
    let run = Run::open_watched(loaded, &reading::progress(quiet))?;
    let (config, splits) = (&run.config, &run.splits);
    run.check_files(quiet)?;
    let mut state = run.beginner()?;
    let train = run.train_loader()?;
    let batches = train.batches();
    let at = Position { epoch: 0, epochs: config.train.epochs, batch: 0, batches, seed: config.train.seed };
    let first = train.epoch(0, 0).next().transpose().map_err(|e| Failure::new(Code::Data, e.to_string()))?;
    check_reach(&mut state, &Cut, run.task.as_ref(), &train, at, &run.device()?)?;
    let Some(batch) = first else {
        return Err(Failure::new(Code::Data, "the train split has no batch"));
    };
    let samples = batch.len();
    if !quiet {
        output::say(format_args!("note: measuring one training step of {samples} samples"));
    }
    let begun = Instant::now();
    try_step(&mut state, &Cut, run.task.as_ref(), batch, at, &run.device()?, &Alone)?;
    let step = begun.elapsed().as_secs_f64();
    let (epoch, peak) = (step * batches as f64, peak_bytes());
    let parameters: usize = state.groups.groups().iter().map(|g| state.groups.size(*g).1).sum();
    let modalities: Vec<String> =
        splits.modalities().iter().map(|m| format!("{} {:?}", m.name, m.shape)).collect();
    let notes: Vec<String> = splits.notes.iter().cloned().chain(run.incomplete(&state)).collect();
    if args.json {
        print_json(&json!({
            "notes": notes, "train": splits.train.len(), "val": splits.val.len(), "test": splits.test.len(),
            "batches": batches, "parameters": parameters, "classes": splits.classes,
            "step_seconds": step, "epoch_seconds": epoch, "peak_bytes": peak,
        }));
    } else {
        print(format!(
            "ok: {} train, {} val, {} test samples; {}; {}; {parameters} parameters, all of them learn; {batches} \
             steps per epoch",
            splits.train.len(),
            splits.val.len(),
            splits.test.len(),
            modalities.join(", "),
            match splits.targets()? {
                TargetSpec::Classes { count } => format!("{count} classes"),
                other => other.describe(),
            }
        ));
        print(format!(
            "a step of {samples} samples took {}, so an epoch takes about {} and {} epochs about {}, without \
             loading and validation{}",
            duration(step),
            duration(epoch),
            config.train.epochs,
            duration(epoch * config.train.epochs as f64),
            peak.map_or(String::new(), |bytes| format!("; peak memory {}", memory::shown(bytes))),
        ));
        for note in notes {
            print(format!("note: {note}"));
        }
    }
    Ok(())
}

/// Seconds for people.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.2} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
