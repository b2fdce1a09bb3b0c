//! What a score means: which way is better, and how people read it.

use serde::{Deserialize, Serialize};

use crate::text::{decimal, shorten};

/// Which end of a scale is the good one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Accuracy.
    #[default]
    Higher,
    /// Loss, seconds.
    Lower,
}

/// A score by its name in the record, as the run that computed it describes it.
///
/// ```
/// use counterpoint_report::record::{Better, Metric};
/// let text = r#"{"name":"wer","title":"word error rate","better":"lower","percent":true,"digits":2}"#;
/// let metric: Metric = serde_json::from_str(text)?;
/// assert_eq!(metric.heading(), "word error rate, % (lower is better)");
/// assert_eq!((metric.written(0.125), metric.beats(0.1, 0.2)), ("12.50 %".to_owned(), true));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metric {
    /// Its name in the record.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Which way is better.
    pub better: Better,
    /// Whether it is a share of 1, which people read in percent.
    pub percent: bool,
    /// Decimals that are shown.
    pub digits: usize,
    /// Unit of the shown value; empty without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Whether it is the share of right answers: then two models are compared answer by answer too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub right_answers: bool,
    /// The least it can be; `None` without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// The most it can be; `None` without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<f64>,
}

impl Default for Metric {
    /// A number of which nothing is known, taken to be better when larger.
    fn default() -> Self {
        Self {
            name: String::new(),
            title: String::new(),
            better: Better::Higher,
            percent: false,
            digits: 3,
            unit: String::new(),
            right_answers: false,
            least: None,
            most: None,
        }
    }
}

/// The metrics that there were before runs described theirs: shares, numbers of at
/// most 1 that are better when larger, and errors.
const SHARES: [&str; 15] = [
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "weighted_f1",
    "map",
    "micro_f1",
    "sign_accuracy",
    "nonzero_accuracy",
    "sign_f1",
    "nonzero_f1",
    "accuracy_5",
    "accuracy_7",
    "miou",
    "pixel_accuracy",
    "mean_class_accuracy",
];
const GAINS: [&str; 2] = ["r2", "correlation"];
const ERRORS: [&str; 3] = ["mae", "mse", "cross_entropy"];

impl Metric {
    /// A metric of a run that does not describe it: what those were that existed
    /// when runs did not, else a number that is better when larger.
    pub fn undescribed(name: &str) -> Self {
        let plain = Self { name: name.to_owned(), title: name.replace('_', " "), ..Self::default() };
        match name {
            _ if SHARES.contains(&name) => {
                let right_answers = name == "accuracy";
                Self { percent: true, digits: 1, right_answers, least: Some(0.0), most: Some(1.0), ..plain }
            }
            _ if GAINS.contains(&name) => Self { most: Some(1.0), ..plain },
            _ if ERRORS.contains(&name) => Self { better: Better::Lower, least: Some(0.0), ..plain },
            _ => plain,
        }
    }

    /// The metric of that name among those that runs describe.
    pub fn find<'a>(name: &str, mut described: impl Iterator<Item = &'a Self>) -> Self {
        described.find(|metric| metric.name == name).cloned().unwrap_or_else(|| Self::undescribed(name))
    }

    /// From the record's unit to the shown one.
    pub fn factor(&self) -> f64 {
        if self.percent { 100.0 } else { 1.0 }
    }

    /// Its name for people, at a length that fits everywhere.
    pub fn title(&self) -> String {
        shorten(if self.title.is_empty() { &self.name } else { &self.title }, 60)
    }

    /// What follows a shown value, with its space.
    pub fn sign(&self) -> String {
        match self.percent {
            true => " %".into(),
            false if self.unit.is_empty() => String::new(),
            false => format!(" {}", shorten(&self.unit, 20)),
        }
    }

    /// Unit of a difference.
    pub fn points(&self) -> String {
        match self.percent {
            true => "points".into(),
            false if self.unit.is_empty() => "units".into(),
            false => shorten(&self.unit, 20),
        }
    }

    /// Title of an axis or a column: with the unit, and with the direction where it is not the usual one.
    pub fn heading(&self) -> String {
        let unit = if self.sign().is_empty() { String::new() } else { format!(",{}", self.sign()) };
        let lower = if self.better == Better::Lower { " (lower is better)" } else { "" };
        format!("{}{unit}{lower}", self.title())
    }

    /// What it is, in a sentence for those who see its name only.
    pub fn about(&self) -> String {
        let unit = match self.percent {
            true => ", a share of 1".into(),
            false if self.unit.is_empty() => String::new(),
            false => format!(" in {}", self.unit),
        };
        let better = if self.better == Better::Higher { "higher" } else { "lower" };
        format!("{}{unit}; {better} is better", self.title())
    }

    /// The digits of a value in the shown unit; a dash where it is not defined.
    pub fn number(&self, value: f64) -> String {
        if value.is_nan() { "–".into() } else { decimal(value * self.factor(), self.digits) }
    }

    /// A value with its unit: `81.2 %`, `0.512`.
    pub fn written(&self, value: f64) -> String {
        if value.is_nan() { self.number(value) } else { self.number(value) + &self.sign() }
    }

    /// A difference with its unit: `1.2 points`.
    pub fn gap(&self, difference: f64) -> String {
        format!("{} {}", decimal(difference * self.factor(), self.digits), self.points())
    }

    /// Whether `a` is better than `b`; a value that is not defined is not.
    pub fn beats(&self, a: f64, b: f64) -> bool {
        if self.better == Better::Higher { a > b } else { a < b }
    }
}
