//! The configuration file: sections, defaults, `--set`, and helpful refusals.

mod complete;
mod difference;
mod schema;
mod set;
mod training;

pub use difference::{first_difference, strip_aside};
pub use schema::DIALECT;
pub use set::{apply, at, overlay, value_of};
pub use training::{Statistics, Training};

use std::ops::Deref;
use std::path::{Path, PathBuf};

use counterpoint::catalog::{Settings as _, hint, read, unknown};
use counterpoint::diagnose::DiagnosticsConfig;
use counterpoint::engine::EngineOptions;
use counterpoint::model::{LateFusionConfig, ModelConfig};
use counterpoint::readout::ReadoutConfig;
use counterpoint::step::Incomplete;
use counterpoint::strategy::StrategyConfig;
use counterpoint::task::TaskConfig;
use counterpoint::train::{OptimizerConfig, ScheduleConfig};
use counterpoint_data::DataConfig;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::exit::{Code, Failure};
use crate::place;

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Where samples come from.
    pub data: DataConfig,
    /// What is to be predicted, if the data's targets do not say enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskConfig>,
    /// What is trained.
    pub model: Model,
    /// Which loss trains which parameters.
    pub strategy: StrategySection,
    /// What is made of the scores, if not the fused ones alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readout: Option<ReadoutConfig>,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The learning rate over time.
    pub schedule: ScheduleConfig,
    /// How long to train.
    pub train: Training,
    /// How the CPU computes.
    pub engine: EngineOptions,
    /// What is measured during training; it does not change what is trained.
    pub diagnostics: DiagnosticsConfig,
}

/// `[strategy]`: a method with its settings, and what every method may be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategySection {
    /// The method; its schema is beside that of what follows.
    #[serde(flatten)]
    #[schemars(skip)]
    pub method: StrategyConfig,
    /// What the fused loss makes of samples that lack a modality.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "skip"))]
    pub incomplete: Incomplete,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `[model]`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Model {
    /// How it is built; its schema is beside that of what follows.
    #[serde(flatten)]
    #[schemars(skip)]
    config: ModelConfig,
    /// The run whose weights it starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, schema_with = "schema::start_from")]
    pub from: Option<StartFrom>,
}

impl Deref for Model {
    type Target = ModelConfig;

    fn deref(&self) -> &ModelConfig {
        &self.config
    }
}

/// `model.from`: weights of a run, or of some of its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartFrom {
    /// The run's folder, relative to the configuration file.
    pub run: PathBuf,
    /// Which of its checkpoints.
    #[serde(default)]
    pub checkpoint: Which,
    /// The parts to take, as `encoder.audio`; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<String>>,
}

/// A checkpoint of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Of the best epoch on validation.
    #[default]
    Best,
    /// Of the last epoch.
    Last,
}

impl Which {
    /// As files and options write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Last => "last",
        }
    }
}

impl StartFrom {
    /// `"runs/a"`, or `{ run = "runs/a", checkpoint = "last" }`.
    fn read(value: Value) -> Result<Self, String> {
        match value {
            Value::String(run) => Ok(Self { run: run.into(), checkpoint: Which::default(), parts: None }),
            table => table.try_into().map_err(|e| explain("model.from", &e)),
        }
    }
}

/// A configuration and the folder that its relative paths start from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Folder of the file.
    pub base: PathBuf,
}

/// Reads a file and applies `--set` arguments (`train.epochs=3`) to it.
///
/// # Errors
/// If the file cannot be read or is not a configuration; the message names the key, and what it may be.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, Failure> {
    let config = Config::from_table(table_of(path, sets)?)
        .map_err(|why| Failure::new(Code::Config, format!("{}: {why}", path.display())))?;
    // What a run wrote means paths as the file did that it was started with.
    let base =
        place::recorded_base(path, config.data.common.root.as_deref()).map_or_else(|| folder_of(path), Ok)?;
    Ok(Loaded { config, base })
}

/// The sections of a file with `--set` arguments laid over them.
pub fn table_of(path: &Path, sets: &[String]) -> Result<Table, Failure> {
    let mut table = read_table(path)?;
    sets.iter().try_for_each(|set| apply(&mut table, set))?;
    Ok(table)
}

/// Reads a TOML file.
pub fn read_table(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::new(Code::Config, format!("cannot read configuration {}: {e}", path.display()))
    })?;
    text.parse().map_err(|e: toml::de::Error| {
        Failure::new(Code::Config, format!("{} is not valid TOML: {}", path.display(), e.to_string().trim()))
    })
}

/// The folder of a file, from which relative paths in it start.
pub fn folder_of(path: &Path) -> Result<PathBuf, Failure> {
    let base = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    base.canonicalize().map_err(|e| Failure::io("find", base, &e))
}

/// Names of the sections.
pub const SECTIONS: [&str; 10] = [
    "data",
    "task",
    "model",
    "strategy",
    "readout",
    "optimizer",
    "schedule",
    "train",
    "engine",
    "diagnostics",
];

impl Config {
    /// Reads the sections.
    pub fn from_table(mut table: Table) -> Result<Self, String> {
        if let Some(wrong) = table.keys().find(|k| !SECTIONS.contains(&k.as_str())) {
            return Err(unknown(&format!("unknown section `{wrong}`"), wrong, &SECTIONS));
        }
        let mut from = None;
        if let Some(Value::Table(model)) = table.get_mut("model") {
            model.entry("name").or_insert_with(|| LateFusionConfig::NAME.into());
            from = model.remove("from").map(StartFrom::read).transpose()?;
        }
        if let Some(model) = table.get("model") {
            check_sizes("model", model)?;
        }
        let data = table.remove("data").ok_or("the section [data] is missing")?;
        let Value::Table(data) = data else { return Err("[data] must be a section".into()) };
        let data = DataConfig::from_table(data).map_err(|e| format!("[data]: {e}"))?;
        let model = section(&mut table, "model")?.unwrap_or_else(|| LateFusionConfig::default().into());
        let mut config = Self {
            data,
            task: plain(&mut table, "task")?,
            model: Model { config: model, from },
            strategy: section(&mut table, "strategy")?.ok_or("the section [strategy] is missing")?,
            readout: plain(&mut table, "readout")?,
            optimizer: plain(&mut table, "optimizer")?.ok_or("the section [optimizer] is missing")?,
            schedule: plain(&mut table, "schedule")?.unwrap_or_default(),
            train: plain(&mut table, "train")?.unwrap_or_default(),
            engine: plain(&mut table, "engine")?.unwrap_or_default(),
            diagnostics: plain(&mut table, "diagnostics")?.unwrap_or_default(),
        };
        config.check()?;
        // A single modality needs the data of that modality only.
        if let Some(name) = config.strategy.method.only_modality() {
            config.data.common.modalities = Some(vec![name.to_owned()]);
            config.optimizer = config.optimizer.only(name);
        }
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let StrategySection { method, incomplete } = &self.strategy;
        method.check_incomplete(*incomplete).map_err(|e| e.to_string())?;
        let readout = self.readout.iter().try_for_each(|readout| readout.check(self.train.with_val));
        readout.map_err(|e| e.to_string())?;
        self.optimizer.check().map_err(|e| e.to_string())?;
        self.schedule.check().map_err(|e| e.to_string())?;
        self.diagnostics.check().map_err(|e| e.to_string())?;
        self.train.check()?;
        Ok(())
    }

    /// The strategy's name, and what it is over if that is not the usual.
    pub fn strategy_name(&self) -> String {
        self.strategy.method.label()
    }

    /// The file's text, with every default written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is plain tables, texts and numbers")
    }

    /// The first key in which another configuration differs and that a resumed
    /// run may not change: how batches are loaded, what is watched and how long
    /// training lasts may change, what is trained may not.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let strip = |config: &Self| {
            let mut table = Table::try_from(config).expect("a configuration is a table");
            strip_aside(&mut table);
            if let Some(Value::Table(train)) = table.get_mut("train") {
                ["epochs", "device", "threads"].iter().for_each(|key| drop(train.remove(*key)));
            }
            table.remove("diagnostics");
            table
        };
        first_difference("", &Value::Table(strip(self)), &Value::Table(strip(other)))
    }
}

fn section<T: DeserializeOwned>(table: &mut Table, name: &str) -> Result<Option<T>, String> {
    match table.remove(name) {
        None => Ok(None),
        Some(value) => value.try_into().map(Some).map_err(|e| explain(name, &e)),
    }
}

/// A section of plain settings: what does not fit is named by its key. Parts say that themselves.
fn plain<T: DeserializeOwned>(table: &mut Table, name: &str) -> Result<Option<T>, String> {
    match table.remove(name) {
        None => Ok(None),
        Some(Value::Table(inner)) => read(inner).map(Some).map_err(|e| format!("[{name}]: {e}")),
        Some(other) => Err(format!("[{name}] must be a section, got a value of type {}", other.type_str())),
    }
}

/// No width, rank or number of layers is above this; products of a few stay within 64 bits.
const LARGEST: i64 = 1 << 20;

/// Refuses sizes that no model has, by their names.
fn check_sizes(path: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Integer(size) if *size > LARGEST => {
            Err(format!("{path} = {size}: expected at most {LARGEST}; lower it"))
        }
        Value::Table(table) => {
            table.iter().try_for_each(|(key, value)| check_sizes(&format!("{path}.{key}"), value))
        }
        Value::Array(list) => list.iter().try_for_each(|value| check_sizes(path, value)),
        _ => Ok(()),
    }
}

/// Serde's message with the section before it and a suggestion after it.
pub fn explain(section: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim().to_owned();
    format!("[{section}]: {message}{}", hint(&message))
}
