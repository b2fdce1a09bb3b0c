//! The task of a configuration, and its pairing with the data's targets.

use counterpoint_batch::TargetSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClassWeights, Classification, Multilabel, Regression, RegressionLoss, Segmentation, Task};
use crate::Error;

/// The four tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// One class out of several.
    Classification,
    /// One real number.
    Regression,
    /// Any number of labels out of several.
    Multilabel,
    /// A class for every pixel.
    Segmentation,
}

impl TaskKind {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
            Self::Multilabel => "multilabel",
            Self::Segmentation => "segmentation",
        }
    }

    /// The task that targets ask for.
    pub fn of(targets: &TargetSpec) -> Self {
        match targets {
            TargetSpec::Classes { .. } => Self::Classification,
            TargetSpec::Values => Self::Regression,
            TargetSpec::Labels { .. } => Self::Multilabel,
            TargetSpec::Maps { .. } => Self::Segmentation,
        }
    }
}

/// Settings of a task: the `[task]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TaskConfig {
    /// One class of several for each sample.
    Classification {
        /// The metric that selects the best epoch.
        #[serde(default = "accuracy")]
        select: String,
    },
    /// One number for each sample.
    Regression {
        /// Which distance from the target is minimised.
        #[serde(default)]
        loss: RegressionLoss,
        /// The metric that selects the best epoch.
        #[serde(default = "r2")]
        select: String,
    },
    /// Any number of labels for each sample.
    Multilabel {
        /// The metric that selects the best epoch.
        #[serde(default = "mean_precision")]
        select: String,
    },
    /// A class for every pixel.
    Segmentation {
        /// How classes are weighted in the loss.
        #[serde(default)]
        weights: ClassWeights,
        /// By how much the outputs of the model are smaller than the label
        /// map, the full size first. A model without the other outputs is evaluated on
        /// the full size alone.
        #[serde(default = "scales")]
        scales: Vec<usize>,
        /// The metric that selects the best epoch.
        #[serde(default = "miou")]
        select: String,
    },
}

fn accuracy() -> String {
    "accuracy".into()
}

fn r2() -> String {
    "r2".into()
}

fn mean_precision() -> String {
    "map".into()
}

fn miou() -> String {
    "miou".into()
}

fn scales() -> Vec<usize> {
    vec![1, 8, 16, 32]
}

impl TaskConfig {
    /// The task that targets ask for, with its defaults.
    pub fn of(targets: &TargetSpec) -> Self {
        match TaskKind::of(targets) {
            TaskKind::Classification => Self::Classification { select: accuracy() },
            TaskKind::Regression => Self::Regression { loss: RegressionLoss::default(), select: r2() },
            TaskKind::Multilabel => Self::Multilabel { select: mean_precision() },
            TaskKind::Segmentation => {
                Self::Segmentation { weights: ClassWeights::default(), scales: scales(), select: miou() }
            }
        }
    }

    /// Which task it is.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Classification { .. } => TaskKind::Classification,
            Self::Regression { .. } => TaskKind::Regression,
            Self::Multilabel { .. } => TaskKind::Multilabel,
            Self::Segmentation { .. } => TaskKind::Segmentation,
        }
    }

    /// Builds the task for targets of the data.
    ///
    /// # Errors
    /// If the data's targets are of another kind (the message names both), or
    /// a setting is out of range.
    pub fn build(&self, targets: &TargetSpec) -> Result<Box<dyn Task>, Error> {
        Ok(match (self, targets) {
            (Self::Classification { select: by }, &TargetSpec::Classes { count }) => {
                Box::new(Classification::new(count).selected_by(by)?)
            }
            (Self::Regression { loss, select: by }, TargetSpec::Values) => {
                Box::new(Regression::new(*loss).selected_by(by)?)
            }
            (Self::Multilabel { select: by }, &TargetSpec::Labels { count }) => {
                Box::new(Multilabel::new(count).selected_by(by)?)
            }
            (
                Self::Segmentation { weights, scales, select: by },
                TargetSpec::Maps { height, width, frequency },
            ) => {
                let task = Segmentation::new([*height, *width], weights.of(frequency), scales)?;
                Box::new(task.selected_by(by)?)
            }
            (config, targets) => {
                return Err(Error::config(format!(
                    "task.name = \"{}\", but the targets of the data are {}: that is a {} task; \
                     leave [task] out, or choose other targets in [data]",
                    config.kind().name(),
                    targets.describe(),
                    TaskKind::of(targets).name()
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_target_has_its_task_and_refuses_the_others() {
        let specs = [
            TargetSpec::Classes { count: 3 },
            TargetSpec::Values,
            TargetSpec::Labels { count: 4 },
            TargetSpec::Maps { height: 2, width: 3, frequency: vec![0.5, 0.5] },
        ];
        for spec in &specs {
            let config = TaskConfig::of(spec);
            for other in &specs {
                match config.build(other) {
                    Ok(task) => assert_eq!((spec, task.kind()), (other, config.kind())),
                    Err(error) => {
                        let text = error.to_string();
                        assert_ne!(spec, other);
                        assert!(
                            text.contains(config.kind().name()) && text.contains(TaskKind::of(other).name()),
                            "{text}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_selecting_metric_and_its_direction_can_be_chosen() {
        let config = TaskConfig::Regression { loss: RegressionLoss::Absolute, select: "mae".into() };
        let metric = config.build(&TargetSpec::Values).unwrap().metrics().primary();
        assert!(metric.name == "mae" && metric.improves(1.0, 2.0) && !metric.improves(2.0, 2.0));
        let wrong = TaskConfig::Regression { loss: RegressionLoss::Absolute, select: "accuracy".into() };
        let message = wrong.build(&TargetSpec::Values).unwrap_err().to_string();
        assert!(message.contains("expected one of r2, mae"), "{message}");
    }
}
