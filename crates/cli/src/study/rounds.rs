//! The rounds of a study: what is left of each, as commands for other machines, and what has come of them.

use std::path::Path;

use counterpoint_report::record::{Log, Metric, State, Study, StudyRun};

use super::drive::{PlannedRun, StudyRunner, begin};
use super::job::Job;
use super::plan::title;
use super::spec::Spec;
use crate::config::{self, Config};
use crate::exit::{Code, Failure};
use crate::folder;
use crate::lock;
use crate::run;

/// Runs that may be made in any order, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Those that try settings.
    Tries,
    /// Those that stand for their methods; which they are, the tries decide.
    Finals,
}

impl Round {
    /// In their order.
    pub const ALL: [Self; 2] = [Self::Tries, Self::Finals];
}

/// The runs of a round.
pub struct Sorted {
    /// Those that ended, as planned or by diverging.
    pub done: Vec<Job>,
    /// Those that did not.
    pub left: Vec<Job>,
}

/// What other machines have to do next.
pub struct Jobs {
    /// One command for each run that is left of the first round that has one.
    pub lines: Vec<String>,
    /// The number of that round from 1, and how many there are; none if nothing is left.
    pub round: Option<(usize, usize)>,
}

/// What a study has come to.
pub struct Collected {
    /// Its record.
    pub study: Study,
    /// What settings are chosen by.
    pub metric: Metric,
    /// The runs that are missing, in words, with the commands that make them.
    pub missing: Vec<(String, String)>,
}

/// Writes the configurations of the runs that are left of the first round that has one, and says how they are made.
///
/// # Errors
/// As [`super::run`] before the first run.
pub fn jobs(spec: &Spec, place: &Path) -> Result<Jobs, Failure> {
    let (_claim, mut runner) = begin(spec, place)?;
    let tuned = usize::from(runner.arms.iter().any(|arm| !arm.settings.is_empty()));
    for round in Round::ALL {
        let Sorted { left, .. } = runner.sort(round)?;
        if !left.is_empty() {
            left.iter().try_for_each(|job| job.write(&runner.folder))?;
            let lines = runner.lines(&left)?;
            let number = if round == Round::Tries { 1 } else { 1 + tuned };
            return Ok(Jobs { lines, round: Some((number, 1 + tuned)) });
        }
    }
    Ok(Jobs { lines: Vec::new(), round: None })
}

/// Finishes a study from the runs that are there, and starts none.
///
/// # Errors
/// As [`super::run`] before the first run, and if the folder holds no study. That runs are missing is no error.
pub fn collect(spec: &Spec, place: &Path) -> Result<Collected, Failure> {
    if !place.join(Study::FILE).exists() {
        let message =
            format!("{} contains no study; make one with --plan FILE, or give its --out", place.display());
        return Err(Failure::new(Code::Files, message));
    }
    let (_claim, mut runner) = begin(spec, place)?;
    let mut missing = Vec::new();
    for round in Round::ALL {
        let Sorted { left, .. } = runner.sort(round)?;
        left.iter().try_for_each(|job| job.write(&runner.folder))?;
        let words = left.iter().map(|job| missing_words(job, &runner.folder));
        missing.extend(words.zip(runner.lines(&left)?));
        // Nothing is chosen among settings some of which are not there yet.
        if round == Round::Tries && !missing.is_empty() {
            return Ok(Collected { study: runner.study, metric: runner.metric, missing });
        }
    }
    runner.average()?;
    Ok(Collected { study: runner.study, metric: runner.metric, missing })
}

/// A run that is missing, and how far it is.
fn missing_words(job: &Job, study: &Path) -> String {
    let folder = study.join(&job.place);
    let log = Log::read(folder.join("metrics.jsonl"));
    let epochs = || log.as_ref().map_or(0, |log| log.epochs().last().map_or(0, |epoch| epoch.epoch));
    let far = match (lock::owner(&folder), folder::failure(&folder)) {
        (Some(owner), _) => {
            format!("held by {}, {} of {} epochs", owner.words(), epochs(), job.config.train.epochs)
        }
        (None, Some(failure)) => format!("failed ({}): {failure}", failure.parts().0 as i32),
        (None, None) if folder::holds_run(&folder) => {
            format!("stopped after {} of {} epochs", epochs(), job.config.train.epochs)
        }
        (None, None) => "not begun".into(),
    };
    format!("{}: {far}", job.place)
}

impl StudyRunner<'_> {
    /// What of a round is there and what is left of it; keeps the record.
    pub fn sort(&mut self, round: Round) -> Result<Sorted, Failure> {
        let planned = match round {
            Round::Tries => self.tried()?,
            Round::Finals => {
                self.choose()?;
                self.finals()?
            }
        };
        let test = round == Round::Finals;
        let mut sorted = Sorted { done: Vec::new(), left: Vec::new() };
        for PlannedRun { mut run, config } in planned {
            run.state = self.standing(&run.place, test);
            let (place, kind, title) = (run.place.clone(), run.method.clone(), title(&run));
            let left = run.state == State::Waiting;
            if !left {
                self.check_made(&run, &config)?;
            }
            let job = Job { place, kind, title, test, probe: self.spec.probe, config };
            if left {
                sorted.left.push(job)
            } else {
                sorted.done.push(job)
            }
            self.note(run);
        }
        self.study.write(&self.folder)?;
        Ok(sorted)
    }

    /// The commands of runs.
    fn lines(&self, jobs: &[Job]) -> Result<Vec<String>, Failure> {
        let program =
            std::env::current_exe().map_err(|e| Failure::io("find", Path::new("counterpoint"), &e))?;
        let line = |job: &Job| {
            let line = job.line(&self.folder, &self.spec.base, &program);
            if line.contains(['\n', '\r']) {
                let message =
                    format!("{}: a path with a line break cannot be in a list of commands", job.place);
                return Err(Failure::new(Code::Usage, message));
            }
            Ok(line)
        };
        jobs.iter().map(line).collect()
    }

    /// Refuses a run that is there and was made otherwise than is planned, as by
    /// a version that made its configuration in another way.
    fn check_made(&self, run: &StudyRun, planned: &Config) -> Result<(), Failure> {
        let place = self.folder.join(&run.place);
        let file = place.join("config.toml");
        if !file.exists() {
            return Ok(());
        }
        match planned.difference(&config::load(&file, &[])?.config) {
            None => Ok(()),
            Some(difference) => Err(Failure::new(
                Code::Config,
                format!(
                    "{} is a run of a different configuration: {difference}; move it away so that it is trained \
                     again, or choose another --out",
                    place.display()
                ),
            )),
        }
    }

    /// How far a run is, as its own folder tells. A run that diverged would
    /// diverge again; other failures are tried again.
    fn standing(&self, place: &str, test: bool) -> State {
        let recorded = self.state(place);
        if matches!(recorded, State::Failed { code, .. } if code == Code::Diverged as i32) {
            return recorded;
        }
        let folder = self.folder.join(place);
        if run::is_done(&folder, test) {
            return State::Finished;
        }
        match folder::failure(&folder) {
            Some(failure) if failure.parts().0 == Code::Diverged => {
                State::Failed { code: Code::Diverged as i32, message: failure.to_string() }
            }
            _ => State::Waiting,
        }
    }
}
