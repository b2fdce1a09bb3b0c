//! A study from wherever its folder stands to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use counterpoint_report::record::{Kind, Metric, State, Study, StudyRun};
use toml::{Table, Value};

use super::arm::Arm;
use super::display::Display;
use super::growth;
use super::memory::Memory;
use super::plan::variants;
use super::pool::{End, Pool};
use super::rounds::{Round, Sorted};
use super::spec::{Spec, Variant};
use crate::config::Config;
use crate::exit::{Code, Failure};
use crate::folder::{self, Claim};
use crate::stop;

/// How a study is run; nothing here changes a result.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Runs at once; as many as there are cores by default.
    pub jobs: Option<usize>,
    /// Memory for all runs, in bytes.
    pub memory: Option<u64>,
    /// No progress on stderr.
    pub quiet: bool,
    /// The program that trains each run when it is called as `PROGRAM train ..`; this one by
    /// default, whose `main` then has to hand such calls to [`crate::main`].
    pub program: Option<PathBuf>,
    /// A command that starts each run on another machine, as a shell reads it, such as `srun -n1`.
    pub launcher: Option<String>,
}

/// A run that belongs to the study.
pub struct PlannedRun {
    /// What the record says of it.
    pub run: StudyRun,
    /// Its configuration.
    pub config: Config,
}

/// A study in its folder.
pub struct StudyRunner<'a> {
    /// What is compared.
    pub spec: &'a Spec,
    /// The folder.
    pub folder: PathBuf,
    /// Methods and references.
    pub arms: Vec<Arm>,
    /// What settings are chosen by.
    pub metric: Metric,
    /// The record, which is written after every change.
    pub study: Study,
}

/// Runs what is left of a study, which may be all or nothing.
///
/// # Errors
/// If the folder holds another study, a method cannot be built, all is
/// stopped, or files cannot be read or written. A run that fails is not an error:
/// it is recorded.
pub fn run(
    spec: &Spec,
    place: &Path,
    options: &Options,
    stop: &AtomicBool,
) -> Result<(Study, Metric), Failure> {
    let (_claim, mut runner) = begin(spec, place)?;
    stop::from_here_on();
    let runs = runner.runs()?;
    let mut display = Display::new(runs, runner.epochs()? * runs as u64, &runner.metric, options.quiet);
    runner.study.leaks.iter().for_each(|line| display.say(line));
    runner.study.notes.iter().for_each(|note| display.say(&format!("note: {note}")));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = options.jobs.unwrap_or(cores).max(1);
    let launcher = options.launcher.as_deref();
    let folder = runner.folder.clone();
    let pool = Pool {
        folder: &folder,
        base: &spec.base,
        jobs,
        // Of another machine neither cores nor memory are known here.
        threads: launcher.is_none().then_some((cores / jobs).max(1)),
        launcher,
        stop,
        program: options.program.as_deref(),
    };
    let mut memory = match launcher {
        None => Memory::new(options.memory),
        Some(_) => Memory::of(options.memory),
    };
    for round in Round::ALL {
        let Sorted { done, left } = runner.sort(round)?;
        for job in &done {
            display.known(job.config.train.epochs as u64);
            memory.learn(&job.kind, &folder.join(&job.place));
        }
        pool.run(&left, &mut memory, &mut display, &mut |job, end| {
            let state = match end {
                End::Finished => State::Finished,
                End::Failed(code, message) => State::Failed { code, message },
            };
            runner.record(&job.place, state)
        })?;
    }
    runner.average()?;
    display.clear();
    Ok((runner.study, runner.metric))
}

/// Holds a study's folder, and opens the study in it.
pub fn begin<'a>(spec: &'a Spec, place: &Path) -> Result<(Claim, StudyRunner<'a>), Failure> {
    let claim = Claim::take("study folder", place, "")?;
    // Processes are started with absolute paths.
    let place = place.canonicalize().map_err(|e| Failure::io("find", place, &e))?;
    let standing = settle(spec, &place)?;
    let runner = match StudyRunner::open(spec, &place) {
        Ok(runner) => runner,
        Err(failure) => {
            // A study that cannot run leaves no folder.
            claim.give_up();
            return Err(failure);
        }
    };
    if standing != Standing::Same {
        // Only a study that can run stays: a mended one need not agree with a refused one.
        let text = toml::to_string(&spec.to_table()).expect("a study is plain tables, texts and numbers");
        folder::write(&place.join(FILE), &text)?;
    }
    runner.study.write(&place)?;
    Ok((claim, runner))
}

/// What a study would train, in words: opens the data and builds every method
/// once, and writes nothing.
///
/// # Errors
/// As [`run`] before the first run.
pub fn plan(spec: &Spec, place: &Path) -> Result<String, Failure> {
    settle(spec, place)?;
    let runner = StudyRunner::open(spec, place)?;
    let names: Vec<&str> = runner.arms.iter().map(|arm| arm.name.as_str()).collect();
    let words = [
        format!("ok: {}", names.join(", ")),
        format!("{} runs of {} epochs each", runner.runs()?, runner.epochs()?),
    ];
    let notes = runner.study.notes.iter().map(|note| format!("note: {note}"));
    Ok(words.into_iter().chain(runner.study.leaks.clone()).chain(notes).collect::<Vec<_>>().join("\n"))
}

/// The resolved study in its folder.
const FILE: &str = "study.toml";

/// What a folder holds of a study.
#[derive(PartialEq)]
enum Standing {
    /// Nothing.
    New,
    /// The study.
    Same,
    /// The study with fewer seeds.
    Shorter,
}

/// What the folder holds; one that holds another study is refused.
fn settle(spec: &Spec, place: &Path) -> Result<Standing, Failure> {
    let file = place.join(FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Standing::New),
        Err(e) => return Err(Failure::io("read", &file, &e)),
    };
    let damaged = |e: toml::de::Error| {
        Failure::new(Code::Files, format!("{} is damaged: {}", file.display(), e.message()))
    };
    let mut kept: Table = toml::from_str(&text).map_err(damaged)?;
    // A study from before these controls existed does not say whether they are wanted.
    if let Some(Value::Table(references)) = kept.get_mut("references") {
        references.entry("lr_all").or_insert(Value::Boolean(spec.references.lr_all));
        references.entry("readout").or_insert(Value::Boolean(spec.references.readout));
    }
    let mut kept: Spec = kept.try_into().map_err(damaged)?;
    let longer = growth::added(&spec.seeds, &kept.seeds).is_some();
    if longer {
        kept.seeds.clone_from(&spec.seeds);
    }
    match spec.difference(&kept) {
        None => {
            rename_references(spec, place)?;
            Ok(if longer { Standing::Shorter } else { Standing::Same })
        }
        Some(difference) => {
            let hint =
                if spec.seeds == kept.seeds { "" } else { "add seeds at the end of the list only, or " };
            let message = format!(
                "{} contains a different study: {difference}; {hint}choose another --out",
                place.display()
            );
            Err(Failure::new(Code::Config, message))
        }
    }
}

/// Earlier versions called the unimodal references `only-NAME`: their runs move to today's name.
fn rename_references(spec: &Spec, place: &Path) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(place.join("runs")) else { return Ok(()) };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix("only-").filter(|_| !spec.methods.iter().any(|m| m.name == name))
        else {
            continue;
        };
        let now = folder.with_file_name(format!("unimodal-{rest}"));
        if !now.exists() {
            fs::rename(&folder, &now).map_err(|e| Failure::io("rename", &folder, &e))?;
        }
    }
    Ok(())
}

impl<'a> StudyRunner<'a> {
    /// The variants; one without changes if there are none.
    pub fn variants(&self) -> Vec<Option<&'a Variant>> {
        variants(self.spec)
    }

    /// How many models are trained.
    fn runs(&self) -> Result<usize, Failure> {
        let trained = self.arms.iter().filter(|arm| arm.kind != Kind::Average).count();
        Ok(self.tried()?.len() + trained * self.variants().len() * self.spec.seeds.len())
    }

    /// Epochs of a run, which are the same for all.
    fn epochs(&self) -> Result<u64, Failure> {
        let arm = Arm::joint(self.spec);
        let config = arm.config(self.spec, self.variants()[0], None, self.spec.seeds[0])?;
        Ok(config.train.epochs as u64)
    }

    /// Puts a run into the record.
    pub fn note(&mut self, mut run: StudyRun) {
        match self.study.runs.iter().position(|r| r.place == run.place) {
            Some(at) => {
                run.chosen |= self.study.runs[at].chosen;
                self.study.runs[at] = run;
            }
            None => self.study.runs.push(run),
        }
    }

    /// Records how far a run is.
    fn record(&mut self, place: &str, state: State) -> Result<(), Failure> {
        if let Some(run) = self.study.runs.iter_mut().find(|r| r.place == place) {
            run.state = state;
        }
        Ok(self.study.write(&self.folder)?)
    }

    /// What is recorded of a run.
    pub fn state(&self, place: &str) -> State {
        self.study.runs.iter().find(|r| r.place == place).map(|r| r.state.clone()).unwrap_or_default()
    }
}
