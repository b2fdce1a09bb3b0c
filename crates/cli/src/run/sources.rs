//! What the training loop works on, for every rank.

use std::path::Path;

use burn::tensor::Device;
use counterpoint::diagnose::Diagnostics;
use counterpoint::grad::Cut;
use counterpoint::model::AnyModel;
use counterpoint::train::{Observer, Outcome, Progress, TrainConfig, TrainState, Trainer};
use counterpoint_data::{Loader, LoaderOptions};

use super::{Run, RunOptions};
use crate::exit::{Code, Failure};
use crate::{folder, stop};

/// Loaders and settings of a run.
pub(super) struct Sources {
    pub train: Loader,
    pub diagnostics: Diagnostics,
    /// Samples that a readout is fitted to, if they are a part of the train split.
    pub held_out: Option<usize>,
    validation: Loader,
    settings: TrainConfig,
    device: Device,
}

impl Run {
    /// Opens them; a readout of the state gets the samples that it is fitted to.
    pub(super) fn sources(&self, state: &mut TrainState<AnyModel>) -> Result<Sources, Failure> {
        let (config, plain) = (&self.config, LoaderOptions::eval(&self.config.data.common));
        let (_, held_out) = self.trained_on()?;
        let count = held_out.as_ref().map(counterpoint_data::Split::len);
        if let (Some(readout), Some(held_out)) = (&mut state.readout, held_out) {
            readout.fit_to(Box::new(Loader::new(held_out, plain.clone())?));
        }
        Ok(Sources {
            train: self.train_loader()?,
            diagnostics: Diagnostics {
                config: config.diagnostics.clone(),
                additive: config.model.facts().additive,
            },
            held_out: count,
            validation: Loader::new(self.splits.val.clone(), plain)?,
            settings: config.train.settings(&config.schedule),
            device: self.device()?,
        })
    }

    /// Trains as another rank than the first, which has the folder, for as long as that one does.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn accompany(&self, out: &Path, options: &RunOptions<'_>) -> Result<(), Failure> {
        struct Silent;
        impl Observer for Silent {}

        let mut state = self.beginner()?;
        // Once the first rank may write, and once it has written where training begins.
        options.peers.any(false);
        stop::from_here_on();
        options.peers.any(false);
        let mut done = Progress::default();
        if let Some(checkpoint) = folder::last(out)? {
            done = checkpoint.progress.clone();
            checkpoint.restore(&mut state, &self.device()?, true)?;
        }
        let sources = self.sources(&mut state)?;
        if done.epoch >= self.config.train.epochs {
            return Ok(());
        }
        match sources.trainer(self, options, None).run(&mut state, done, &mut Silent)? {
            Outcome::Finished => Ok(()),
            Outcome::Interrupted => Err(Failure::new(Code::Interrupted, "interrupted")),
        }
    }
}

impl Sources {
    /// The loop, with checkpoints in a folder.
    pub fn trainer<'a>(
        &'a self,
        run: &'a Run,
        options: &'a RunOptions<'_>,
        folder: Option<&'a Path>,
    ) -> Trainer<'a, AnyModel> {
        Trainer {
            config: &self.settings,
            evaluator: &Cut,
            task: run.task.as_ref(),
            train: &self.train,
            validation: &self.validation,
            folder,
            stop: options.stop,
            device: &self.device,
            diagnostics: &self.diagnostics,
            peers: options.peers,
        }
    }
}
