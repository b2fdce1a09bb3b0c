//! One configuration in one run folder: opened, trained, looked at.

mod data;
mod look;
mod peers;
mod probe;
mod sources;
mod suspects;
mod threads;
mod training;

pub use data::Acceptance;
pub use look::{FITTED, Scored};
pub use training::{FINISHED, RunOptions, is_done, peak_bytes};

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use counterpoint::device::Processor;
use counterpoint::modality::Modalities;
use counterpoint::model::{AnyModel, Model as _};
use counterpoint::strategy::Native;
use counterpoint::task::{Task, TaskConfig};
use counterpoint::train::{Checkpoint, TrainState};
use counterpoint::weights;
use counterpoint_data::{Progress, Splits};
use counterpoint_report::record::{Convention, UnimodalReading};

use crate::config::{Config, Loaded};
use crate::exit::{Code, Failure};
use crate::model;
use crate::run_info::RunInfo;

/// A configuration with its data opened: what training and scoring start from.
pub struct Run {
    /// The configuration.
    pub config: Config,
    /// The data.
    pub splits: Splits,
    /// What is to be predicted.
    pub task: Box<dyn Task>,
    /// Its settings, whether given or told by the data.
    pub task_config: TaskConfig,
    /// Where to compute.
    pub processor: Processor,
    base: PathBuf,
}

impl Run {
    /// Opens the data in silence.
    ///
    /// # Errors
    /// If the data cannot be read, or task, device and data do not fit.
    pub fn open(loaded: Loaded) -> Result<Self, Failure> {
        Self::open_watched(loaded, &Progress::default())
    }

    /// Opens the data and tells how far that is, now and whenever all of it is read.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub fn open_watched(loaded: Loaded, progress: &Progress) -> Result<Self, Failure> {
        let Loaded { config, base } = loaded;
        let processor = Processor::named(&config.train.device)?;
        threads::choose(config.train.threads)?;
        let mut splits = config.data.open_watched(&base, progress)?;
        let targets = splits.targets()?;
        let coverage = splits.coverage()?;
        splits.notes.extend(coverage);
        let task_config = config.task.clone().unwrap_or_else(|| TaskConfig::of(&targets));
        let task = task_config.build(&targets)?;
        Ok(Self { config, splits, task, task_config, processor, base })
    }

    /// Where to compute, opened.
    pub fn device(&self) -> Result<Device, Failure> {
        Ok(self.processor.open()?)
    }

    /// What a folder remembers of the data. The first call reads all files.
    pub fn info(&self) -> Result<RunInfo, Failure> {
        let check = self.config.data.common.check;
        RunInfo::new(&self.splits, check, &self.task_config, &self.processor, &self.base)
    }

    /// The state in which training begins: encoders at the weights that the
    /// configuration names for them.
    pub fn beginner(&self) -> Result<TrainState<AnyModel>, Failure> {
        let mut state = self.train_state()?;
        let names = state.model.modalities().clone();
        for m in names.iter() {
            let Some((file, prefix)) = self.config.model.pretrained(names.name(m)) else { continue };
            let path = self.base.join(file);
            let place = format!("encoder of `{}`, pretrained = {}", names.name(m), path.display());
            let fail = |e: counterpoint::Error| Failure::new(Code::Config, format!("{place}: {e}"));
            state.start_from(m, &weights::read(&path)?, prefix).map_err(fail)?;
        }
        if let Some(from) = &self.config.model.from {
            let run = self.base.join(&from.run);
            let file = run.join("checkpoints").join(format!("{}.safetensors", from.checkpoint.name()));
            let fail = |e: counterpoint::Error| {
                Failure::new(Code::Config, format!("model.from = {}: {e}", from.run.display()))
            };
            if !file.exists() {
                return Err(Failure::new(
                    Code::Config,
                    format!("model.from: {} does not exist; give the folder of a run", file.display()),
                ));
            }
            let checkpoint = Checkpoint::read(&file)?;
            checkpoint.begin(&mut state, from.parts.as_deref(), &self.device()?).map_err(fail)?;
        }
        Ok(state)
    }

    /// A state of training for the weights of a checkpoint.
    pub fn train_state(&self) -> Result<TrainState<AnyModel>, Failure> {
        model::build(&self.config, self.splits.modalities(), self.task.as_ref(), &self.device()?)
    }

    /// How a single modality is read.
    pub fn unimodal(&self) -> Result<UnimodalReading, Failure> {
        let names = self.names()?;
        let strategy = self.config.strategy.method.build(&names)?;
        let native = strategy.native();
        let plain = match self.config.model.facts().reads_each_by_itself {
            _ if names.len() == 1 => UnimodalReading::OWN_MODEL,
            true => UnimodalReading::SHARED_HEAD,
            false => Convention::ZeroFill.name(),
        };
        Ok(UnimodalReading {
            plain: plain.into(),
            native: native.map_or("", Native::name).into(),
            native_trained: native.is_some_and(Native::is_trained),
        })
    }

    /// The split in words, if the readout is fitted to it.
    pub fn fitted_on(&self, split: &str) -> Option<&'static str> {
        let share = self.config.readout.as_ref()?.share();
        (split == "val" && share.is_none()).then_some("this split")
    }

    /// What the names of the strategy's figures mean.
    pub fn legend(&self) -> Result<BTreeMap<String, String>, Failure> {
        let strategy = self.config.strategy.method.build(&self.names()?)?;
        Ok(strategy.legend().iter().map(|(name, what)| ((*name).into(), (*what).into())).collect())
    }

    /// The modalities, in order.
    pub fn names(&self) -> Result<Modalities, Failure> {
        Ok(Modalities::new(self.splits.modalities().iter().map(|m| m.name.as_str()))?)
    }

    /// Whether a state of another configuration could be built for these data; it is not, so the CPU will do.
    pub fn check_config(&self, config: &Config) -> Result<(), Failure> {
        let wanted = config.data.common.modalities.as_ref();
        let mut specs = self.splits.modalities().to_vec();
        specs.retain(|spec| wanted.is_none_or(|names| names.contains(&spec.name)));
        model::build(config, &specs, self.task.as_ref(), &Device::flex()).map(drop)
    }
}
