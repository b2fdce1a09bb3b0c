//! The events of a run, as they stand in `metrics.jsonl`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Confusion, Metric, Scores, UnimodalReading, Values, number};
use crate::text::PLAIN;

/// One line of `metrics.jsonl`.
///
/// ```
/// use counterpoint_report::record::{Epoch, Event};
///
/// let line = Event::from(Epoch { epoch: 3, seconds: f64::NAN, ..Epoch::default() }).to_line();
/// assert!(line.contains(r#""event":"epoch""#));
/// assert!(line.contains(r#""seconds":null"#)); // JSON has no NaN
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The process began, or began again on a resume.
    Start(Start),
    /// An epoch is finished.
    Epoch(Box<Epoch>),
    /// A step is done; these stand in a file of their own.
    Step(Step),
    /// Somebody looked at a sealed split.
    Test(Test),
    /// Something the user should know.
    Warning(Warning),
    /// The process stopped.
    End(End),
}

impl Event {
    /// The event as one line of JSON, without the line break.
    pub fn to_line(&self) -> String {
        // Maps have string keys and numbers have their own writer, so nothing
        // in these types can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The process began: who, on what, with what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// Name of the run.
    pub name: String,
    /// Name of the strategy, e.g. `dgl`.
    pub strategy: String,
    /// Seed of every random stream.
    pub seed: Option<u64>,
    /// Epochs the run is meant to have.
    pub epochs: usize,
    /// Epochs already done when a resumed process began; `None` for a fresh run.
    pub resumed_from: Option<usize>,
    /// Names of the modalities, in the order of the model.
    pub modalities: Vec<String>,
    /// How a single modality is read.
    pub unimodal: UnimodalReading,
    /// Names of the classes, in the order of the outputs; empty for regression.
    pub classes: Vec<String>,
    /// Name of the score that selects a model; empty where it was not recorded.
    pub metric: String,
    /// What every score of the run means; empty in records from before runs described theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// What the names of the strategy's numbers mean ([`Epoch::strategy`]); empty where it was not recorded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub legend: BTreeMap<String, String>,
    /// Samples per split.
    pub samples: BTreeMap<String, u64>,
    /// Classes that occur in a split, for those splits where it is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub occurring: BTreeMap<String, u64>,
    /// What was done to the data and what they lack, in words; empty where
    /// nothing was, or where it was not recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Trainable numbers of the model.
    pub parameters: Option<u64>,
    /// Versions, machine, threads, data hash: whatever helps to repeat the run.
    pub environment: BTreeMap<String, String>,
}

impl Start {
    /// The score that selects a model; accuracy where it was not recorded.
    pub fn selecting(&self) -> Metric {
        let name = if self.metric.is_empty() { "accuracy" } else { &self.metric };
        Metric::find(name, self.metrics.iter())
    }
}

/// What one epoch brought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epoch {
    /// Epochs finished, this one included: the first is 1, and 0 is the
    /// untrained model.
    pub epoch: usize,
    /// Wall time in seconds, evaluation included.
    #[serde(with = "number")]
    pub seconds: f64,
    /// How much of it training stood still until a batch was there, in seconds; `None` in records
    /// that do not say.
    #[serde(with = "number::option", skip_serializing_if = "Option::is_none")]
    pub waiting_for_data: Option<f64>,
    /// Learning rate at the end of the epoch.
    #[serde(with = "number")]
    pub learning_rate: f64,
    /// Training samples seen in this epoch.
    pub samples: u64,
    /// Scores on the training split; empty when not measured.
    #[serde(with = "number::nested", skip_serializing_if = "BTreeMap::is_empty")]
    pub train: Scores,
    /// Scores on the validation split.
    #[serde(with = "number::nested", skip_serializing_if = "BTreeMap::is_empty")]
    pub val: Scores,
    /// Mean training loss by row.
    #[serde(with = "number::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub losses: Values,
    /// By row, how many training samples its losses used; a sample that served
    /// several steps counts as often. Empty where it was not recorded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub row_samples: BTreeMap<String, u64>,
    /// Mean global gradient norm before clipping; `None` when not measured.
    #[serde(with = "number::option", skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    /// Share of steps whose gradient was clipped, 0 to 1.
    #[serde(with = "number::option", skip_serializing_if = "Option::is_none")]
    pub clipped_share: Option<f64>,
    /// Encoder passes of a batch, one forward and one backward through every
    /// encoder being 1; `None` when not counted.
    #[serde(with = "number::option", skip_serializing_if = "Option::is_none")]
    pub passes: Option<f64>,
    /// Diagnostics by modality and name; the report draws those it knows
    /// (`report::measure`) under their titles, and the others under their names.
    #[serde(with = "number::nested", skip_serializing_if = "BTreeMap::is_empty")]
    pub diagnostics: Scores,
    /// What the strategy says of its steps, as means over the epoch: ratios,
    /// coefficients, weights, gaps. By modality, `fused` for the whole model.
    #[serde(with = "number::nested", skip_serializing_if = "BTreeMap::is_empty")]
    pub strategy: Scores,
    /// The readout after this epoch; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readout: Option<Readout>,
    /// True when this epoch became the best on validation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub best: bool,
}

/// A readout: rows of scores that are added up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Readout {
    /// The split that it is fitted to: `val`, or `train` for samples held out of training.
    pub fitted_on: String,
    /// By row `weight`, the `epoch` it is of, its `temperature` and its calibrated `loss`.
    #[serde(with = "number::nested")]
    pub rows: Scores,
    /// Its scores on the validation split: those of a fit where it was fitted to that.
    #[serde(with = "number::map")]
    pub val: Values,
}

impl Epoch {
    /// The scores on the validation split as tests have them: the row `fused` is of the readout, if there is one.
    pub fn predicted(&self) -> Scores {
        let mut scores = self.val.clone();
        if let Some(readout) = &self.readout
            && let Some(plain) = scores.insert("fused".into(), readout.val.clone())
        {
            scores.insert(PLAIN.into(), plain);
        }
        scores
    }
}

/// What one optimizer step did: a line of `steps.jsonl`, which there is when
/// diagnostics are taken in every step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Batches trained, this one included, since the start of the run; the
    /// steps of a strategy that takes several for a batch share it.
    pub batch: usize,
    /// The epoch it belongs to; the first is 1.
    pub epoch: usize,
    /// Loss by row.
    #[serde(with = "number::map")]
    pub losses: Values,
    /// Global gradient norm before clipping; `None` without a clip.
    #[serde(with = "number::option", skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    /// By modality: the encoder's gradient in the three measures of
    /// [`Epoch::diagnostics`], and as `boundary_ROW` the norm of a row's
    /// gradient at the features.
    #[serde(with = "number::nested")]
    pub diagnostics: Scores,
}

/// A look at a sealed split. It survives every resume, so looks can be counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Test {
    /// Name of the split, usually `test`.
    pub split: String,
    /// Which checkpoint was looked at: `last` or `best`.
    pub checkpoint: String,
    /// Epoch of that checkpoint.
    pub epoch: usize,
    /// Samples of the split.
    pub samples: u64,
    /// Scores by row.
    #[serde(with = "number::nested")]
    pub scores: Scores,
    /// How a single modality is read; `None` in older records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unimodal: Option<UnimodalReading>,
    /// What the scores mean, where the start of the run does not say it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// Penalty of the linear probe of each modality, as validation chose it; empty without probes.
    #[serde(with = "number::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub probe_penalty: Values,
    /// Confusion counts by row; empty when the task has no classes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub confusion: BTreeMap<String, Confusion>,
    /// Intersection over union by row and name of the class; empty where
    /// classes are not areas.
    #[serde(with = "number::nested", skip_serializing_if = "BTreeMap::is_empty")]
    pub class_iou: Scores,
}

/// Something the user should know, with what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// Stable name of the kind of warning, e.g. `modality_at_chance`.
    pub kind: String,
    /// What was seen, in words.
    pub message: String,
    /// What to do about it, in words.
    pub remedy: String,
    /// Epoch it was seen in.
    pub epoch: Option<usize>,
}

/// The process stopped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// Why: `finished`, `interrupted`, `diverged`, or a sentence.
    pub reason: String,
    /// Wall time of this process in seconds.
    #[serde(with = "number::option")]
    pub seconds: Option<f64>,
    /// Largest resident memory of this process in bytes.
    pub peak_bytes: Option<u64>,
}

impl From<Start> for Event {
    fn from(start: Start) -> Self {
        Self::Start(start)
    }
}

impl From<Epoch> for Event {
    fn from(epoch: Epoch) -> Self {
        Self::Epoch(Box::new(epoch))
    }
}

impl From<Step> for Event {
    fn from(step: Step) -> Self {
        Self::Step(step)
    }
}

impl From<Test> for Event {
    fn from(test: Test) -> Self {
        Self::Test(test)
    }
}

impl From<Warning> for Event {
    fn from(warning: Warning) -> Self {
        Self::Warning(warning)
    }
}

impl From<End> for Event {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}
