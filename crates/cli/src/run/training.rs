//! Training from wherever a run folder stands to the last epoch.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use counterpoint::device::is_host;
use counterpoint::engine::{Convolution, Precision};
use counterpoint::model::{AnyModel, Model as _};
use counterpoint::peers::Peers;
use counterpoint::readout::ReadoutConfig;
use counterpoint::step::LossTerm;
use counterpoint::step::{Incomplete, Position};
use counterpoint::strategy::Dgl;
use counterpoint::task::TaskKind;
use counterpoint::train::{Outcome, Progress, TrainState};
use counterpoint::{Error, ErrorKind};
use counterpoint_batch::BatchSource;
use counterpoint_data::{Check, Loader, LoaderOptions, Split};
use counterpoint_report::record::{Appender, End, Log, Start};

use super::Run;
use super::suspects::suspects;
use crate::config::Training;
use crate::exit::{Code, Failure};
use crate::folder::{self, Folder};
use crate::output;
use crate::run_info::RunInfo;
use crate::scores;
use crate::stop;
use crate::watch::{Bar, Dashboard, Display, RecordedRun, Recorder, RunHeader};

/// How a run is watched and stopped; nothing here changes what it computes.
pub struct RunOptions<'a> {
    /// No progress on stderr.
    pub quiet: bool,
    /// The whole terminal for progress, where there is one.
    pub tui: bool,
    /// Whether a run that the folder holds is continued.
    pub resume: bool,
    /// Set from outside to stop after the current step.
    pub stop: &'a AtomicBool,
    /// Who trains the same model.
    pub peers: &'a dyn Peers,
}

impl RunOptions<'_> {
    fn display(&self, header: RunHeader) -> Box<dyn Display> {
        let dashboard = if self.tui { Dashboard::open(header.clone()) } else { None };
        match dashboard {
            Some(dashboard) => Box::new(dashboard),
            None => Box::new(Bar::new(header, self.quiet)),
        }
    }
}

impl Run {
    /// The loader of the train split.
    pub fn train_loader(&self) -> Result<Loader, Failure> {
        let options = LoaderOptions::train(&self.config.data.common, self.config.train.seed);
        Ok(Loader::new(self.trained_on()?.0, options)?)
    }

    /// What is trained on, and what a readout is fitted to if that is a part of the train split.
    pub(super) fn trained_on(&self) -> Result<(Split, Option<Split>), Failure> {
        let train = match self.config.train.with_val {
            true => self.splits.train.and(&self.splits.val),
            false => self.splits.train.clone(),
        };
        match self.config.readout.as_ref().and_then(ReadoutConfig::share) {
            None => Ok((train, None)),
            Some(share) => {
                let parted = train.parted(share, self.config.train.seed);
                let (train, held_out) = parted.map_err(|e| Failure::from(e).at("readout.fit"))?;
                Ok((train, Some(held_out)))
            }
        }
    }

    /// Checks the files of all splits as `data.check` says.
    pub fn check_files(&self, quiet: bool) -> Result<(), Failure> {
        let how = self.config.data.common.check;
        if how == Check::Full && !quiet {
            output::say("note: decoding every file once (data.check = \"full\")");
        }
        Ok(self.splits.check(how, rayon::current_num_threads())?)
    }

    /// Trains what is left of the run in a folder, which may be all or nothing,
    /// and records it there. A run that is refused before its first step leaves
    /// no folder.
    ///
    /// # Errors
    /// If the folder's run was started on other data, training diverges, is
    /// stopped, or something cannot be read or written.
    pub fn train(&self, out: &Path, options: &RunOptions<'_>) -> Result<Folder, Failure> {
        // Whatever can be refused is, before anything is written; by all ranks, before any finds what another wrote.
        options.peers.any(false);
        self.check_files(options.quiet)?;
        let state = self.beginner()?;
        let info = self.info()?;
        if folder::holds_run(out) {
            self.check_training_data(out)?;
        }
        stop::from_here_on();
        let folder = Folder::open(out)?;
        folder.record_end(&Ok(()))?;
        // Another process may have begun here while the data were read.
        let fresh = !folder::holds_run(out);
        if !fresh && !options.resume {
            return Err(folder::taken(out));
        }
        match self.continued(&folder, state, &info, options) {
            Err(failure) if fresh && failure.refuses() && folder.last()?.is_none() => {
                folder.abandon();
                Err(failure)
            }
            ended => {
                let recorded = folder.record_end(&ended);
                ended.and(recorded).map(|()| folder)
            }
        }
    }

    fn continued(
        &self,
        folder: &Folder,
        mut state: TrainState<AnyModel>,
        info: &RunInfo,
        options: &RunOptions<'_>,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let config = &self.config;
        let mut done = Progress::default();
        if folder::holds_run(&folder.path) {
            folder.relocate(config, &self.base)?;
            folder.prolong(config)?;
            if let Some(checkpoint) = folder.last()? {
                done = checkpoint.progress.clone();
                checkpoint.restore(&mut state, &self.device()?, true)?;
            }
        } else {
            folder.begin(config, info, self.splits.contents()?)?;
        }
        // The others begin where this one does.
        options.peers.any(false);
        let sources = self.sources(&mut state)?;
        let metrics = folder.metrics();
        if done.epoch >= config.train.epochs {
            return close(&metrics);
        }
        let names = state.model.modalities().clone();
        let absent = sources.diagnostics.absent(names.len(), self.task.kind() == TaskKind::Classification);
        let mut start = self.start(&state.groups, &done, &absent, info)?;
        start.notes.extend(self.incomplete(&state));
        start.notes.extend(self.rounding()?);
        start.samples.insert("train".into(), sources.train.split().len() as u64);
        start.samples.extend(sources.held_out.map(|count| ("readout".to_owned(), count as u64)));
        if options.peers.size() > 1 {
            start.environment.insert("ranks".into(), options.peers.size().to_string());
        }
        start.notes.extend(self.masters());
        let run = RecordedRun {
            folder,
            config,
            names: &names,
            task: self.task.as_ref(),
            done: &done,
            batches: sources.train.batches(),
        };
        let mut display = options.display(run.header(&start.unimodal));
        start.notes.iter().chain(&absent).for_each(|note| display.note(note));
        let mut observer = Recorder::open(&run, start, display)?;
        let checkpoints = folder.checkpoints();
        let outcome =
            sources.trainer(self, options, Some(&checkpoints)).run(&mut state, done.clone(), &mut observer);
        observer.close();
        let reason = match &outcome {
            Ok(Outcome::Finished) => FINISHED.to_owned(),
            Ok(Outcome::Interrupted) => "interrupted".to_owned(),
            Err(error) => error.to_string(),
        };
        let end = End { reason, seconds: Some(begun.elapsed().as_secs_f64()), peak_bytes: peak_bytes() };
        // The error that stopped training matters more than one of the log.
        let logged = observer.end(end);
        if self.outcome_of(outcome, folder)? == Outcome::Interrupted {
            return Err(Failure::new(
                Code::Interrupted,
                format!(
                    "interrupted; continue with: counterpoint train --resume --out {}",
                    folder.path.display()
                ),
            ));
        }
        logged
    }

    /// What this processor makes of factors that are rounded, if that is not what one would hope for.
    fn rounding(&self) -> Result<Option<String>, Failure> {
        let (config, precision) = (&self.config, self.config.train.precision);
        let by_kernels = is_host(&self.device()?) && config.engine.convolution != Convolution::Burn;
        let why = match precision {
            Precision::Bf16 if by_kernels && !precision.is_native() => {
                "this processor cannot multiply it (AVX512-BF16 can); inputs of layers are rounded and kept in it, \
                 in half the memory, and products are computed in single precision"
            }
            Precision::F16 if by_kernels => {
                "the CPU's kernels do not know it, so that Burn's operators compute; bf16 is much faster here"
            }
            _ => return Ok(None),
        };
        Ok(Some(format!("train.precision = \"{}\": {why}", precision.name())))
    }

    /// What the validation split serves besides selection, in words.
    fn masters(&self) -> Option<String> {
        if self.config.train.with_val {
            let why = "the validation split is trained on (train.with_val = true), so its scores and the best epoch \
                       say nothing; read the last epoch";
            return Some(why.into());
        }
        let gate = self.config.strategy.method.get::<Dgl>().is_some_and(|dgl| dgl.gate.is_some());
        let readout = self.config.readout.as_ref().is_some_and(|readout| readout.share().is_none());
        let also = match (gate, readout) {
            (false, false) => return None,
            (true, false) => "the credit gate is measured on it",
            (false, true) => {
                "the readout is fitted to it, so its scores after the readout are those of a fit"
            }
            (true, true) => {
                "the credit gate is measured on it and the readout fitted to it, so its scores after the readout \
                 are those of a fit"
            }
        };
        Some(format!("the validation split selects the best epoch, and {also}"))
    }

    /// What the fused loss makes of samples that lack a modality, if there are
    /// some and the strategy has one.
    pub fn incomplete(&self, state: &TrainState<AnyModel>) -> Option<String> {
        let (all, complete) = (self.splits.train.len(), self.splits.train.complete_count());
        let fused = |epoch| {
            let Training { epochs, seed, .. } = self.config.train;
            let at = Position { epoch, epochs, batch: 0, batches: 1, seed };
            let phases = state.strategy.phases(at, state.model.modalities());
            phases.iter().any(|phase| phase.terms.contains(&LossTerm::Fused))
        };
        if complete == all || !(0..self.config.train.epochs).any(fused) {
            return None;
        }
        let filled = self.config.strategy.method.check_incomplete(Incomplete::ZeroFill);
        Some(match (state.incomplete, filled) {
            (Incomplete::ZeroFill, _) => format!(
                "the fused loss uses all {all} training samples (strategy.incomplete = \"zero-fill\"); {} of them \
                 lack a modality",
                all - complete
            ),
            (Incomplete::Skip, Ok(())) => format!(
                "the fused loss uses {complete} of {all} training samples, those that have all modalities; \
                 strategy.incomplete = \"zero-fill\" would use all"
            ),
            (Incomplete::Skip, Err(_)) => format!(
                "the fused loss uses {complete} of {all} training samples, those that have all modalities"
            ),
        })
    }

    /// How training ended; if files failed, with what is kept and how to go on.
    fn outcome_of(&self, outcome: Result<Outcome, Error>, folder: &Folder) -> Result<Outcome, Failure> {
        outcome.map_err(|error| {
            let files = matches!(error.kind(), ErrorKind::Io | ErrorKind::Checkpoint);
            let diverged = error.kind() == ErrorKind::Diverged;
            let failure = Failure::from(error);
            match folder.last() {
                Ok(kept) if diverged => failure.and(&format!(
                    " ({}); {}",
                    suspects(&self.config),
                    match kept {
                        Some(kept) => format!("the checkpoint after epoch {} is kept", kept.progress.epoch),
                        None => "that was before the first checkpoint, so none is kept".into(),
                    }
                )),
                Ok(Some(kept)) if files => failure.and(&format!(
                    "; {} of {} epochs are kept: free some space, then continue with: counterpoint train --resume \
                     --out {}",
                    kept.progress.epoch,
                    self.config.train.epochs,
                    folder.path.display()
                )),
                _ => failure,
            }
        })
    }

    fn start(
        &self,
        groups: &counterpoint::step::Groups,
        done: &Progress,
        absent: &[String],
        info: &RunInfo,
    ) -> Result<Start, Failure> {
        let parameters: usize = groups.groups().iter().map(|g| groups.size(*g).1).sum();
        let (info, splits) = (info.clone(), &self.splits);
        let mut environment = info.environment;
        environment.insert("data".into(), info.data_hash);
        if !absent.is_empty() {
            environment.insert("diagnostics".into(), absent.join("; "));
        }
        let fresh = *done == Progress::default();
        Ok(Start {
            strategy: self.config.strategy_name(),
            seed: Some(self.config.train.seed),
            epochs: self.config.train.epochs,
            resumed_from: (!fresh).then_some(done.epoch),
            modalities: info.preparations.iter().map(|p| p.modality.clone()).collect(),
            unimodal: self.unimodal()?,
            classes: info.classes,
            metric: self.task.metrics().primary().name.to_owned(),
            metrics: scores::descriptions(self.task.as_ref()),
            legend: self.legend()?,
            samples: [("train", splits.train.len()), ("val", splits.val.len()), ("test", splits.test.len())]
                .map(|(k, n)| (k.to_owned(), n as u64))
                .into(),
            occurring: occurring(&splits.val),
            notes: info.notes,
            parameters: Some(parameters as u64),
            environment,
            ..Start::default()
        })
    }
}

/// How many classes the validation split shows; empty where samples have no class.
fn occurring(val: &Split) -> BTreeMap<String, u64> {
    match val.class_counts().iter().filter(|count| **count > 0).count() {
        0 => BTreeMap::new(),
        count => [("val".to_owned(), count as u64)].into(),
    }
}

/// The reason of an end that was planned.
pub const FINISHED: &str = "finished";

/// Whether a folder holds a finished run, and, if `test`, its scores on the test split.
pub fn is_done(folder: &Path, test: bool) -> bool {
    let Ok(log) = Log::read(folder.join("metrics.jsonl")) else { return false };
    let looked = |name| log.tests().any(|t| t.checkpoint == name);
    let finished = log.end().is_some_and(|end| end.reason == FINISHED);
    // Where the metric that selects was never defined, there is no best epoch to look at.
    let best = || looked("best") || !log.epochs().iter().any(|epoch| epoch.best);
    finished && (!test || (looked("last") && best()))
}

/// Says that the run is finished where the process died between its last
/// checkpoint and saying so.
fn close(metrics: &Path) -> Result<(), Failure> {
    if Log::read(metrics)?.end().is_none() {
        Appender::open(metrics)?.append(End { reason: FINISHED.into(), ..End::default() })?;
    }
    Ok(())
}

/// Largest resident memory of this process, where the system tells.
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
