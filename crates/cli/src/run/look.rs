//! Scoring the checkpoints of a run, where the test split stays sealed until then.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint::modality::Modality;
use counterpoint::model::{AnyModel, Model as _};
use counterpoint::probe::Probe;
use counterpoint::train::{Besides, Checkpoint, Evaluation, Predictor, TrainState, evaluate};
use counterpoint_data::{Loader, LoaderOptions, Split};
use counterpoint_report::predictions::PredictionFile;
use counterpoint_report::record::{Appender, Confusion, Log, Metric, Scores, Test, UnimodalReading, Values};
use serde_json::json;

use super::{Acceptance, Run};
use crate::exit::{Code, Failure};
use crate::{folder, predictions, scores};

/// The predictions of the samples that a run's readout is fitted to.
pub const FITTED: &str = "fitted.npz";

/// A checkpoint and what it scored.
pub struct Scored {
    /// `best` or `last`.
    pub checkpoint: &'static str,
    /// Its epoch.
    pub epoch: usize,
    /// Scores of every sample.
    pub evaluation: Evaluation,
    /// Metrics by row.
    pub scores: Scores,
    /// Metrics by what samples have.
    pub by_presence: Scores,
    /// Confusion counts by row.
    pub confusion: BTreeMap<String, Confusion>,
    /// Intersection over union by row and class.
    pub class_iou: Scores,
    /// Penalty of each modality's linear probe; empty without probes.
    pub probe_penalty: Values,
}

/// A checkpoint in memory.
struct Ready {
    checkpoint: &'static str,
    epoch: usize,
    state: TrainState<AnyModel>,
    /// Empty if they were not asked for.
    probes: BTreeMap<Modality, Probe>,
}

impl Run {
    /// Scores the best and the last checkpoint on the validation split, with
    /// linear probes if `probe`.
    pub fn score_validation(&self, path: &Path, probe: bool) -> Result<Vec<Scored>, Failure> {
        self.score(&self.ready(path, probe)?, self.splits.val.clone())
    }

    /// Opens the test split, scores the best and the last checkpoint and
    /// records the look; also says how many looks that makes.
    pub fn look(
        &self,
        path: &Path,
        reason: &str,
        accepted: Option<&Acceptance>,
        probe: bool,
    ) -> Result<(Vec<Scored>, usize), Failure> {
        let ready = self.ready(path, probe)?;
        let scored = self.score(&ready, self.splits.test.open(reason)?)?;
        // Only now there is something to see, and it is recorded before anybody sees it:
        // a file that cannot be read is no look.
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let mut look = json!({
            "unix_time": seconds.map_or(0, |d| d.as_secs()),
            "reason": reason,
            "checkpoints": ready.iter().map(|r| json!({"name": r.checkpoint, "epoch": r.epoch})).collect::<Vec<_>>(),
            "samples": self.splits.test.len(),
        });
        if let Some(accepted) = accepted {
            look["accepted_data"] = json!(accepted);
        }
        let looks = folder::record_look(path, &look)?;
        self.predictions("test", &scored)?.write(path.join(PredictionFile::NAME))?;
        let metrics = path.join("metrics.jsonl");
        self.write_fitted(path, &ready)?;
        let (unimodal, described) = (self.unimodal()?, self.descriptions(&Log::read(&metrics)?));
        let mut log = Appender::open(metrics)?;
        scored.iter().try_for_each(|s| log.append(record(s, &unimodal, &described)))?;
        Ok((scored, looks))
    }

    /// Opens the test split unless this was done before.
    ///
    /// A look that was recorded but whose scores were not, because the process
    /// was killed in between, is completed and stays one look.
    pub fn look_once(&self, path: &Path, reason: &str, probe: bool) -> Result<(), Failure> {
        if folder::looks(path) == 0 {
            self.look(path, reason, None, probe)?;
            return Ok(());
        }
        let metrics = path.join("metrics.jsonl");
        let log = Log::read(&metrics)?;
        let ready = self.ready(path, probe)?;
        // A checkpoint of another epoch is that of a run which trained on since.
        let seen = |name: &str, epoch: usize| log.tests().any(|t| t.checkpoint == name && t.epoch == epoch);
        if ready.iter().all(|r| seen(r.checkpoint, r.epoch)) {
            return Ok(());
        }
        if log.tests().any(|t| ready.iter().any(|r| t.checkpoint == r.checkpoint && t.epoch != r.epoch)) {
            self.look(path, reason, None, probe)?;
            return Ok(());
        }
        let scored = self.score(&ready, self.splits.test.open(reason)?)?;
        self.predictions("test", &scored)?.write(path.join(PredictionFile::NAME))?;
        self.write_fitted(path, &ready)?;
        let (unimodal, described) = (self.unimodal()?, self.descriptions(&log));
        let mut appender = Appender::open(&metrics)?;
        let missing = scored.iter().filter(|s| !seen(s.checkpoint, s.epoch));
        Ok(missing.into_iter().try_for_each(|s| appender.append(record(s, &unimodal, &described)))?)
    }

    /// Beside the predictions of a test split, those of the samples that a readout is fitted to: what a
    /// readout over several runs is fitted to.
    fn write_fitted(&self, path: &Path, ready: &[Ready]) -> Result<(), Failure> {
        if self.fitted_on("val").is_some() {
            let scored = self.score(ready, self.splits.val.clone())?;
            self.predictions("val", &scored)?.write(path.join(FITTED))?;
        }
        Ok(())
    }

    /// What the scores mean, for a record that did not say it when the run began.
    fn descriptions(&self, log: &Log) -> Vec<Metric> {
        let said = log.start().is_some_and(|start| !start.metrics.is_empty());
        if said { Vec::new() } else { scores::descriptions(self.task.as_ref()) }
    }

    /// What the checkpoints made of every sample.
    pub fn predictions(&self, split: &str, scored: &[Scored]) -> Result<PredictionFile, Failure> {
        let names = self.names()?;
        let Some(first) = scored.first() else {
            return Err(Failure::new(Code::Bug, "no checkpoint was scored"));
        };
        let columns = self.task.columns();
        let mut file = predictions::file(split, &first.evaluation, &self.splits.classes, columns);
        file.checkpoints = scored
            .iter()
            .map(|s| (s.checkpoint.to_owned(), predictions::checkpoint(&s.evaluation, s.epoch, &names)))
            .collect();
        Ok(file)
    }

    /// Reads the checkpoints, and fits probes to their features if `probe`.
    fn ready(&self, path: &Path, probe: bool) -> Result<Vec<Ready>, Failure> {
        let read = |checkpoint: &'static str| {
            let content = Checkpoint::read(&folder::checkpoint(path, checkpoint)?)?;
            let mut state = self.train_state()?;
            let epoch = content.progress.epoch;
            content.restore(&mut state, &self.device()?, false)?;
            let probes = if probe { self.probes(&state)? } else { BTreeMap::new() };
            Ok(Ready { checkpoint, epoch, state, probes })
        };
        checkpoints(path).map(read).collect()
    }

    fn score(&self, ready: &[Ready], split: Split) -> Result<Vec<Scored>, Failure> {
        let loader = Loader::new(split, LoaderOptions::eval(&self.config.data.common))?;
        let judge = |one: &Ready| {
            let state = &one.state;
            let (model, task) = (state.frozen(), self.task.as_ref());
            let readout = state.readout.as_ref().map(|readout| readout as &dyn Predictor);
            let besides = Besides { native: state.strategy.native(), readout, ..Besides::default() };
            let mut evaluation = evaluate(&model, &state.buffers, task, &loader, &self.device()?, besides)?;
            evaluation.read_by(&one.probes, task);
            let names = state.model.modalities();
            Ok(Scored {
                checkpoint: one.checkpoint,
                epoch: one.epoch,
                scores: scores::records(&evaluation, self.task.as_ref(), names),
                by_presence: scores::by_presence(&evaluation, self.task.as_ref(), names),
                confusion: scores::confusions(&evaluation, self.task.as_ref(), names),
                probe_penalty: (one.probes.iter())
                    .map(|(m, probe)| (names.name(*m).to_owned(), probe.penalty))
                    .collect(),
                class_iou: scores::class_iou(&evaluation, self.task.as_ref(), &self.splits.classes, names),
                evaluation,
            })
        };
        ready.iter().map(judge).collect()
    }
}

/// The checkpoints of a run that are scored, in this order; not `best` where no epoch was.
fn checkpoints(run: &Path) -> impl Iterator<Item = &'static str> {
    ["best", "last"].into_iter().filter(|name| *name == "last" || folder::has_best(run))
}

fn record(scored: &Scored, unimodal: &UnimodalReading, metrics: &[Metric]) -> Test {
    Test {
        split: "test".into(),
        checkpoint: scored.checkpoint.into(),
        epoch: scored.epoch,
        samples: scored.evaluation.ids.len() as u64,
        scores: scored.scores.clone(),
        unimodal: Some(unimodal.clone()),
        metrics: metrics.to_vec(),
        probe_penalty: scored.probe_penalty.clone(),
        confusion: scored.confusion.clone(),
        class_iou: scored.class_iou.clone(),
    }
}
