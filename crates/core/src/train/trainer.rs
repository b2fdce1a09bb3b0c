//! The training loop.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use counterpoint_batch::{Batch, BatchSource};

use super::observer::{EpochReport, Observer, StepReport};
use super::running::Running;
use super::stats::{mean_stats, tally_stats};
use super::sums::{tally, terms};
use super::tools::TrainerTools;
use super::watch::tally_gradients;
use super::{Checkpoint, Evaluation, Progress, Readout, ScheduleConfig, TrainState, check_reach};
use crate::diagnose::{Diagnostics, Level};
use crate::grad::{Evaluator, StepContext};
use crate::host::Reads;
use crate::input::Inputs;
use crate::layer::ForwardContext;
use crate::model::Model;
use crate::peers::Peers;
use crate::step::Position;
use crate::step::{Gradients, LossTerm, StepRecord};
use crate::strategy::{EpochTools, Strategy};
use crate::task::Task;
use crate::{Error, ErrorKind};

/// How long and how to train.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    /// Passes over the train split.
    pub epochs: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Limit of the gradient's norm over all parameters; off if `None`.
    pub clip: Option<f64>,
    /// Learning rate over epochs.
    pub schedule: ScheduleConfig,
    /// Steps between checkpoints, besides the one after each epoch; 0 = none.
    pub checkpoint_steps: usize,
}

/// How training ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Asked to stop; the checkpoint continues at the next batch.
    Interrupted,
}

/// What an epoch takes.
struct Clock {
    begun: Instant,
    /// How long training stood still until a batch was there.
    waited: Duration,
}

impl Clock {
    fn wait<T>(&mut self, next: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let next = next();
        self.waited += begun.elapsed();
        next
    }
}

/// One training run over one pair of splits.
pub struct Trainer<'a, M> {
    /// Settings.
    pub config: &'a TrainConfig,
    /// Computes gradients.
    pub evaluator: &'a dyn Evaluator<M>,
    /// What to predict.
    pub task: &'a dyn Task,
    /// Train split.
    pub train: &'a dyn BatchSource,
    /// Validation split.
    pub validation: &'a dyn BatchSource,
    /// Folder of `last.safetensors` and `best.safetensors`; none are written without.
    pub folder: Option<&'a Path>,
    /// Set from outside to stop after the current step.
    pub stop: &'a AtomicBool,
    /// Where to compute.
    pub device: &'a Device,
    /// What is measured besides; it changes no bit of the result.
    pub diagnostics: &'a Diagnostics,
    /// Who trains the same model with a share of each batch, as this does. One of them has a folder.
    pub peers: &'a dyn Peers,
}

impl<M: Model> Trainer<'_, M> {
    /// Trains from `progress` to the end.
    ///
    /// # Errors
    /// If a loss is not finite (the last checkpoint stays), a batch cannot be
    /// read, a checkpoint cannot be written, or a parameter would never learn.
    pub fn run(
        &self,
        state: &mut TrainState<M>,
        mut progress: Progress,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, Error> {
        state.optimizer.config().check_names(state.model.modalities())?;
        if progress == Progress::default() {
            check_reach(state, self.evaluator, self.task, self.train, self.position(0, 0), self.device)?;
            let begun = self
                .with_tools(state, 0, None, |strategy, tools| strategy.begin(self.position(0, 0), tools))?;
            if begun == Outcome::Interrupted {
                // Nothing was trained: the same run begins again.
                return Ok(Outcome::Interrupted);
            }
            if self.diagnostics.config.level > Level::Off {
                let validation = self.validate(state)?;
                let diagnosis = self.examine(state, 0, &progress.sums, &validation)?;
                observer.untrained(&validation, &diagnosis)?;
            }
        }
        while progress.epoch < self.config.epochs {
            let mut clock = Clock { begun: Instant::now(), waited: Duration::ZERO };
            if self.epoch(state, &mut progress, &mut clock, observer)? == Outcome::Interrupted {
                self.save(state, &progress, "last", true)?;
                return Ok(Outcome::Interrupted);
            }
            let over = self.position(progress.epoch, self.train.batches());
            let next = progress.epoch + 1;
            let measured =
                self.with_tools(state, next, None, |strategy, tools| strategy.epoch_end(over, tools))?;
            if measured == Outcome::Interrupted {
                // Every batch is done; the measurement is made again.
                self.save(state, &progress, "last", true)?;
                return Ok(Outcome::Interrupted);
            }
            if self.close_epoch(state, &mut progress, &clock, observer)? == Outcome::Interrupted {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Finished)
    }

    /// What this rank has of every batch.
    pub(super) fn share<'s>(&self, whole: &'s dyn BatchSource) -> Box<dyn BatchSource + 's> {
        whole.share(self.peers.rank(), self.peers.size())
    }

    /// Whether any rank was asked to stop: all do, or none.
    pub(super) fn stopped(&self) -> bool {
        self.peers.any(self.stop.load(Ordering::Relaxed))
    }

    pub(super) fn position(&self, epoch: usize, batch: usize) -> Position {
        let TrainConfig { epochs, seed, .. } = *self.config;
        Position { epoch, epochs, batch, batches: self.train.batches(), seed }
    }

    /// Lets the strategy measure before the epoch `next`. What it changes is in
    /// the next checkpoint, and what it sees follows from state and seed.
    fn with_tools(
        &self,
        state: &mut TrainState<M>,
        next: usize,
        validation: Option<&Evaluation>,
        run: impl FnOnce(&mut dyn Strategy, &mut dyn EpochTools) -> Result<(), Error>,
    ) -> Result<Outcome, Error> {
        let (strategy, mut tools) = TrainerTools::new(self, state, next, validation);
        match run(strategy, &mut tools) {
            Ok(()) => Ok(Outcome::Finished),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Outcome::Interrupted),
            Err(error) => Err(error),
        }
    }

    fn epoch(
        &self,
        state: &mut TrainState<M>,
        progress: &mut Progress,
        clock: &mut Clock,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, Error> {
        let factor = self.config.schedule.factor(progress.epoch, self.config.epochs);
        let share = self.share(self.train);
        let mut batches = share.epoch(progress.epoch, progress.batch);
        while let Some(batch) = clock.wait(|| batches.next()) {
            let batch = readable(batch)?;
            let at = self.position(progress.epoch, progress.batch);
            let inputs = Inputs::new(batch, self.device).with_incomplete(state.incomplete).shared(self.peers);
            let samples = inputs.whole();
            for phase in state.strategy.phases(at, state.model.modalities()) {
                if phase.fresh {
                    state.optimizer.forget();
                }
                let scale = state.optimizer.loss_scale();
                let mut pass = ForwardContext::train(&mut state.buffers).scaled(scale);
                let context = StepContext {
                    model: &state.model,
                    groups: &state.groups,
                    inputs: &inputs,
                    task: self.task,
                    at,
                    peers: self.peers,
                };
                let (mut gradients, mut record) =
                    self.evaluator.run(context, &phase, state.strategy.as_mut(), &mut pass)?;
                state.buffers.average(self.peers, self.device);
                let (running, squares) = self.read(&mut record, &gradients, state.optimizer.scale.is_some());
                self.check_finite(&record, state, at)?;
                let moves = state.optimizer.admits(&squares, &mut gradients, &mut record)?;
                let clip = self.config.clip.filter(|_| moves).map(|max| gradients.clip_by(max, &squares));
                let received = self.step_gradients(&gradients, &record, clip, state);
                let model = state.model.clone();
                state.model = state.optimizer.step(model, gradients, &state.groups, factor);
                tally(&mut progress.sums, &record, clip, state, &running);
                tally_gradients(&mut progress.sums, &received, &record, state.model.modalities());
                tally_stats(&mut progress.sums, &state.stats(), state.model.modalities());
                observer.step(&StepReport { at, samples, record: &record, clip, gradients: &received });
            }
            *progress.sums.entry("samples".into()).or_default() += samples as f64;
            *progress.sums.entry("batches".into()).or_default() += 1.0;
            progress.batch += 1;
            if self.stopped() {
                return Ok(Outcome::Interrupted);
            }
            let every = self.config.checkpoint_steps;
            if every > 0 && progress.batch.is_multiple_of(every) {
                self.save(state, progress, "last", true)?;
            }
        }
        Ok(Outcome::Finished)
    }

    /// Reads all that a step wants to know at once: losses, norms, and of each term the running
    /// metric, if the task has one. Returns the latter and what a clip, or who judges gradients, needs.
    fn read(
        &self,
        record: &mut StepRecord,
        gradients: &Gradients,
        judged: bool,
    ) -> (BTreeMap<LossTerm, f64>, Vec<Vec<f32>>) {
        let mut reads = Reads::default();
        if judged || self.config.clip.is_some() {
            gradients.ask(&mut reads);
        }
        let squares = reads.len();
        let running = Running::ask(self.task, record, &mut reads);
        let mut values = record.read(reads, self.peers);
        let asked = values.split_off(squares);
        (running.values(self.task, record, asked, self.peers), values)
    }

    /// Validates an epoch, keeps it if it is the best, and lets the strategy
    /// prepare the next. Interrupted, it leaves the checkpoint `last` as it was.
    fn close_epoch(
        &self,
        state: &mut TrainState<M>,
        progress: &mut Progress,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, Error> {
        let trained = clock.begun.elapsed();
        let epoch = progress.epoch;
        let validation = self.validate(state)?;
        self.check_scores(&validation, epoch)?;
        let metric = self.task.metrics().primary();
        let value = validation.score(self.task);
        // A value that is not defined is no reason to keep an epoch.
        let best = !value.is_nan() && progress.best.is_none_or(|(_, best)| metric.improves(value, best));
        if best {
            progress.best = Some((epoch, value));
        }
        let sums = std::mem::take(&mut progress.sums);
        progress.epoch += 1;
        progress.batch = 0;
        let model = (state.frozen(), &state.buffers);
        let update = |readout: &mut Readout<M>| {
            readout.update(progress.epoch, model, self.task, &validation, self.device, self.peers)
        };
        let readout = state.readout.as_mut().map(update).transpose()?;
        if best {
            self.save(state, progress, "best", false)?;
        }
        let diagnosis = self.examine(state, progress.epoch, &sums, &validation)?;
        let terms = terms(&sums, state.model.modalities());
        let (over, begun) = (self.position(epoch, self.train.batches()), Instant::now());
        let prepared = self.with_tools(state, progress.epoch, Some(&validation), |strategy, tools| {
            strategy.after_validation(over, tools)
        })?;
        if prepared == Outcome::Interrupted {
            return Ok(Outcome::Interrupted);
        }
        let seconds = (trained + begun.elapsed()).as_secs_f64();
        observer.epoch(&EpochReport {
            epoch,
            lr: state.optimizer.config().lr() * self.config.schedule.factor(epoch, self.config.epochs),
            seconds,
            waiting: clock.waited.as_secs_f64(),
            samples: sums.get("samples").map_or(0, |&s| s as usize),
            train: terms.iter().map(|(term, &(_, loss, running))| (*term, (loss, running))).collect(),
            term_samples: terms.iter().map(|(term, &(count, ..))| (*term, count as usize)).collect(),
            clip: sums
                .get("clip/steps")
                .map(|steps| (sums["clip/active"] / steps, sums["clip/norm"] / steps)),
            passes: sums.get("encoder_runs").zip(sums.get("batches")).map(|(runs, batches)| {
                let whole = 2.0 * state.model.modalities().len() as f64;
                runs / (whole * batches)
            }),
            validation: &validation,
            best,
            readout,
            diagnosis: &diagnosis,
            stats: mean_stats(&sums),
        })?;
        self.check_alike(state, epoch)?;
        self.save(state, progress, "last", true)?;
        Ok(Outcome::Finished)
    }

    /// Refuses to go on with ranks whose models differ: every one of them would report another.
    fn check_alike(&self, state: &TrainState<M>, epoch: usize) -> Result<(), Error> {
        if self.peers.size() == 1 {
            return Ok(());
        }
        let mut digest = DefaultHasher::new();
        state.visit(|_, values| values.iter().for_each(|value| digest.write_u32(value.to_bits())));
        let all = self.peers.gather(&digest.finish().to_le_bytes());
        match all.iter().position(|other| *other != all[0]) {
            None => Ok(()),
            // No learning rate is at fault, but how the ranks were started.
            Some(rank) => Err(Error::config(format!(
                "the parameters of rank {rank} are not those of rank 0 after epoch {}: all ranks need the same \
                     program, the same data and the same kind of processor",
                epoch + 1
            ))),
        }
    }

    fn save(&self, state: &TrainState<M>, progress: &Progress, name: &str, whole: bool) -> Result<(), Error> {
        match self.folder {
            Some(folder) => {
                let checkpoint = Checkpoint::of(state, progress, whole);
                if let Some(parameter) = checkpoint.first_not_finite() {
                    let at = format!("epoch {}, batch {}", progress.epoch + 1, progress.batch);
                    return Err(diverged(format!("`{parameter}` is not finite at {at}")));
                }
                checkpoint.write(&folder.join(format!("{name}.safetensors")))
            }
            None => Ok(()),
        }
    }

    /// Refuses scores that are not numbers. A metric may lack a value without that: of no sample,
    /// or of targets that are all equal, it is not defined.
    fn check_scores(&self, validation: &Evaluation, epoch: usize) -> Result<(), Error> {
        let fused = validation.reduced.get(&LossTerm::Fused);
        match fused.and_then(|(_, scores)| scores.iter().find(|score| !score.is_finite())) {
            Some(score) => {
                Err(diverged(format!("a score of the validation split is {score} after epoch {}", epoch + 1)))
            }
            None => Ok(()),
        }
    }

    fn check_finite(&self, record: &StepRecord, state: &TrainState<M>, at: Position) -> Result<(), Error> {
        match record.losses.iter().find(|(_, loss)| !loss.is_finite()) {
            Some((term, loss)) => Err(diverged(format!(
                "the loss `{}` is {loss} at epoch {}, batch {}",
                term.label(state.model.modalities()),
                at.epoch + 1,
                at.batch + 1
            ))),
            None => Ok(()),
        }
    }
}

fn diverged(what: String) -> Error {
    Error::new(ErrorKind::Diverged, format!("{what}: lower optimizer.lr or set train.clip"))
}

pub(super) fn readable(batch: Result<Batch, counterpoint_batch::SourceError>) -> Result<Batch, Error> {
    batch.map_err(|e| Error::new(ErrorKind::Data, "cannot read a batch").because(e))
}
