//! What the report knows of a run.

use std::collections::BTreeMap;

use crate::{
    predictions::Predictions,
    record::{End, Epoch, Kind, Log, Metric, Test, UnimodalReading, Warning},
    text::shorten,
};

/// One run, as plain data. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSummary {
    /// Name of the run, e.g. its folder.
    pub name: String,
    /// What runs that differ only in seed or fold have in common, e.g. `dgl`
    /// or `joint, learning rate x4`.
    pub method: String,
    /// Why its method is there; `None` leaves that to its configuration.
    pub kind: Option<Kind>,
    /// Seed. Runs of two methods are compared pairwise by seed and fold.
    pub seed: Option<u64>,
    /// Fold or split, e.g. the held-out speaker.
    pub fold: Option<String>,
    /// The resolved configuration, TOML.
    pub config: String,
    /// Versions, machine, threads.
    pub environment: BTreeMap<String, String>,
    /// Data set, splits, hash, sizes.
    pub data: BTreeMap<String, String>,
    /// What was done to the data and what they lack, in words.
    pub data_notes: Vec<String>,
    /// Modalities in the order of the model.
    pub modalities: Vec<String>,
    /// How a single modality is read.
    pub unimodal: UnimodalReading,
    /// Class names in the order of the outputs.
    pub classes: Vec<String>,
    /// Settings of its task, as `name` and `select`; empty where they were not recorded.
    pub task: BTreeMap<String, String>,
    /// Name of the score that selected its best epoch; empty where it was not recorded.
    pub metric: String,
    /// What its scores mean.
    pub metrics: Vec<Metric>,
    /// What the names of its strategy's numbers mean.
    pub legend: BTreeMap<String, String>,
    /// The epochs.
    pub epochs: Vec<Epoch>,
    /// Looks at sealed splits, in their order.
    pub tests: Vec<Test>,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// How the run stopped; `None` while it runs, or when it was killed.
    pub end: Option<End>,
    /// Trainable numbers.
    pub parameters: Option<u64>,
    /// Right or wrong per test sample.
    pub predictions: Vec<Predictions>,
    /// Times the sealed test split was opened.
    pub looks: usize,
    /// What of the run could not be read, in words.
    pub notes: Vec<String>,
}

impl RunSummary {
    /// A run of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The run a metrics file tells of.
    ///
    /// The method is the strategy's name; set [`RunSummary::method`] where runs
    /// of one strategy differ in more than seed or fold.
    pub fn from_log(name: impl Into<String>, log: &Log) -> Self {
        let start = log.start().cloned().unwrap_or_default();
        Self {
            name: name.into(),
            method: start.strategy,
            seed: start.seed,
            environment: start.environment,
            data: start
                .samples
                .iter()
                .map(|(split, n)| (format!("samples, {split}"), n.to_string()))
                .collect(),
            data_notes: start.notes,
            modalities: start.modalities,
            unimodal: log.unimodal(),
            classes: start.classes,
            metric: start.metric,
            metrics: start
                .metrics
                .into_iter()
                .chain(log.tests().flat_map(|test| test.metrics.clone()))
                .collect(),
            legend: start.legend,
            epochs: log.epochs(),
            tests: log.tests().cloned().collect(),
            warnings: log.warnings().cloned().collect(),
            end: log.end().cloned(),
            parameters: start.parameters,
            ..Self::default()
        }
    }

    /// Whether the run came to its planned end.
    pub fn finished(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.reason == "finished")
    }

    /// The last look at the split `test` with this checkpoint.
    pub(super) fn test(&self, checkpoint: &str) -> Option<&Test> {
        self.tests.iter().rev().find(|t| t.checkpoint == checkpoint && t.split == "test")
    }

    /// Seed and fold as people read them; the run's name without both.
    pub(super) fn pair_name(&self) -> String {
        let seed = self.seed.map(|seed| format!("seed {seed}"));
        let parts: Vec<String> = seed.into_iter().chain(self.fold.clone()).collect();
        shorten(&if parts.is_empty() { self.name.clone() } else { parts.join(", ") }, 60)
    }

    /// Seed and fold: what pairs this run with one of another method.
    pub(super) fn pair(&self) -> (Option<u64>, Option<&str>) {
        (self.seed, self.fold.as_deref())
    }
}
