//! What a run's folder keeps of training.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint::diagnose::{Diagnosis, Level};
use counterpoint::modality::Modalities;
use counterpoint::task::Task;
use counterpoint::train::{EpochReport, Evaluation, Observer, Progress, StepReport};
use counterpoint::{Error, ErrorKind};
use counterpoint_report::record::{Appender, End, Epoch, Log, Scores, Start, Step, UnimodalReading};
use counterpoint_report::warning;

use super::board::TensorBoardFile;
use super::{Display, RunHeader};
use crate::config::Config;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::scores;

/// The run that is recorded.
pub struct RecordedRun<'a> {
    /// Its folder.
    pub folder: &'a Folder,
    /// Its configuration.
    pub config: &'a Config,
    /// Names of the modalities.
    pub names: &'a Modalities,
    /// The task.
    pub task: &'a dyn Task,
    /// How far it is.
    pub done: &'a Progress,
    /// Batches in an epoch.
    pub batches: usize,
}

impl RecordedRun<'_> {
    /// What a display has to know.
    pub fn header(&self, unimodal: &UnimodalReading) -> RunHeader {
        let epochs = self.config.train.epochs;
        let fused = std::iter::once("fused".to_owned());
        RunHeader {
            name: self.folder.path.display().to_string(),
            epochs,
            batches: epochs * self.batches,
            done: self.batches_done(),
            rows: fused.chain(self.names.names().iter().cloned()).collect(),
            unimodal: unimodal.clone(),
            metric: scores::selecting(self.task),
        }
    }

    fn batches_done(&self) -> usize {
        self.done.epoch * self.batches + self.done.batch
    }
}

/// Writes `metrics.jsonl`, `steps.jsonl` and the TensorBoard file, looks for
/// warnings, and tells a display.
pub struct Recorder<'a> {
    log: Appender,
    steps: Option<Appender>,
    board: Option<TensorBoardFile>,
    start: Start,
    epochs: Vec<Epoch>,
    warned: usize,
    names: &'a Modalities,
    task: &'a dyn Task,
    display: Box<dyn Display>,
}

impl<'a> Recorder<'a> {
    /// Opens the files of a run that begins or continues.
    ///
    /// # Errors
    /// If one cannot be read or written.
    pub fn open(run: &RecordedRun<'a>, start: Start, mut display: Box<dyn Display>) -> Result<Self, Failure> {
        let path: &Path = &run.folder.path;
        let metrics = path.join("metrics.jsonl");
        let mut log = Appender::resume(&metrics, run.done.epoch)?;
        let epochs = Log::read(&metrics)?.epochs();
        log.append(start.clone())?;
        let steps = (run.config.diagnostics.level == Level::Step)
            .then(|| Appender::resume_steps(path.join("steps.jsonl"), run.batches_done()))
            .transpose()?;
        let open = || TensorBoardFile::open(path, run.done.epoch, &start);
        let board = run.config.train.tensorboard.then(open).transpose();
        let board = board.map_err(|e| Failure::io("write TensorBoard file in", path, &e))?;
        epochs.iter().for_each(|epoch| display.epoch(epoch));
        let warned = warning::of_run(&start, &epochs).len();
        Ok(Self { log, steps, board, start, epochs, warned, names: run.names, task: run.task, display })
    }

    /// Takes the display off the screen.
    pub fn close(&mut self) {
        self.display.close();
    }

    /// Records how the process ended.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(&mut self, end: End) -> Result<(), Failure> {
        Ok(self.log.append(end)?)
    }

    /// Keeps an epoch everywhere, and what it gives reason to warn of.
    fn keep(&mut self, epoch: Epoch, validation: &Evaluation) -> Result<(), Error> {
        let io = |what: &'static str| {
            move |e: Box<dyn std::error::Error + Send + Sync>| Error::new(ErrorKind::Io, what).because(e)
        };
        self.log.append(epoch.clone()).map_err(|e| io("cannot record the epoch")(e.into()))?;
        self.display.epoch(&epoch);
        self.epochs.push(epoch);
        let found = warning::of_run(&self.start, &self.epochs);
        for warning in found.iter().skip(self.warned) {
            self.log.append(warning.clone()).map_err(|e| io("cannot record a warning")(e.into()))?;
            self.display.warn(warning);
        }
        self.warned = found.len();
        if let (Some(board), Some(epoch)) = (&mut self.board, self.epochs.last()) {
            let confusions = || scores::confusions(validation, self.task, self.names);
            board.epoch(epoch, confusions).map_err(|e| io("cannot write the TensorBoard file")(e.into()))?;
        }
        Ok(())
    }
}

impl Observer for Recorder<'_> {
    fn untrained(&mut self, validation: &Evaluation, diagnosis: &Diagnosis) -> Result<(), Error> {
        // A run that was killed before its first checkpoint begins again.
        if self.epochs.iter().any(|epoch| epoch.epoch == 0) {
            return Ok(());
        }
        let epoch = Epoch {
            val: scores::records(validation, self.task, self.names),
            diagnostics: diagnosis.values().clone(),
            ..Epoch::default()
        };
        self.keep(epoch, validation)
    }

    fn step(&mut self, report: &StepReport<'_>) {
        if let Some(steps) = &mut self.steps {
            // A line that cannot be written is no reason to stop training; the next epoch's will say so.
            let _ = steps.append(step(report, self.names));
        }
        self.display.step(report, self.names);
    }

    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        let label = |row: &counterpoint::step::LossTerm| row.label(self.names);
        let running = |(row, (_, running)): (&counterpoint::step::LossTerm, &(f64, Option<f64>))| {
            let metric = self.task.running()?;
            Some((label(row), [(metric.name.to_owned(), (*running)?)].into()))
        };
        let train: Scores = report.train.iter().filter_map(running).collect();
        let losses = report.train.iter().map(|(row, (loss, _))| (label(row), *loss)).collect();
        let epoch = Epoch {
            epoch: report.epoch + 1,
            seconds: report.seconds,
            waiting_for_data: Some(report.waiting),
            learning_rate: report.lr,
            samples: report.samples as u64,
            train,
            val: scores::records(report.validation, self.task, self.names),
            losses,
            row_samples: (report.term_samples.iter()).map(|(row, &n)| (label(row), n as u64)).collect(),
            grad_norm: report.clip.map(|(_, norm)| norm),
            clipped_share: report.clip.map(|(share, _)| share),
            passes: report.passes,
            diagnostics: report.diagnosis.values().clone(),
            strategy: report.stats.clone(),
            readout: report.readout.as_ref().map(|readout| scores::readout(readout, self.names)),
            best: report.best,
        };
        self.keep(epoch, report.validation)
    }
}

/// A step as its line in `steps.jsonl`.
fn step(report: &StepReport<'_>, names: &Modalities) -> Step {
    let mut diagnostics: Scores = BTreeMap::new();
    let mut keep = |m, name: String, value: f64| {
        diagnostics.entry(names.name(m).to_owned()).or_default().insert(name, value);
    };
    for (&m, gradient) in report.gradients {
        keep(m, "gradient_tensors".into(), gradient.applied);
        keep(m, "gradient_tensors_unweighted".into(), gradient.per_factor);
        keep(m, "gradient_tensors_unclipped".into(), gradient.before_clip);
    }
    for ((row, m), norm) in &report.record.boundary_norms {
        keep(*m, format!("boundary_{}", row.label(names)), *norm);
    }
    Step {
        batch: report.at.iteration() + 1,
        epoch: report.at.epoch + 1,
        losses: report.record.losses.iter().map(|(row, loss)| (row.label(names), *loss)).collect(),
        grad_norm: report.clip.map(|clip| clip.norm),
        diagnostics,
    }
}
