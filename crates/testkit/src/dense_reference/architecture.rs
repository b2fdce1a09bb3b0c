//! What the comparison has to know of an architecture.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::model::AnyModel;
use counterpoint::step::Group;
use counterpoint::task::{Classification, Regression, RegressionLoss, Task};
use counterpoint_batch::{Array, Batch, Input, Targets};
use serde_json::Value;

use super::Settings;
use crate::fill::{fill, fill_f32, parameter};
use crate::report::Report;

/// The fill of a case, whose names are prefixed by its salt.
#[derive(Clone, Copy, Debug)]
pub struct Salted<'a>(pub &'a str);

impl Salted<'_> {
    /// Numbers of a name.
    pub fn numbers(self, name: &str, count: usize, scale: f64) -> Vec<f32> {
        fill_f32(&format!("{}{name}", self.0), count, scale)
    }

    /// Integers in `0..below` of a name.
    pub fn integers(self, name: &str, count: usize, below: usize) -> Vec<usize> {
        let draws = fill(&format!("{}{name}", self.0), count, 1.0);
        draws.into_iter().map(|v| ((v + 1.0) / 2.0 * below as f64).floor() as usize).collect()
    }

    /// The initial values of a parameter.
    pub fn parameter(self, name: &str, shape: &[usize]) -> Vec<f64> {
        parameter(&format!("{}{name}", self.0), shape)
    }

    /// An input that every sample has.
    pub fn input(self, name: &str, shape: Vec<usize>, scale: f64) -> Input {
        let present = vec![true; shape[0]];
        let values = self.numbers(name, shape.iter().product(), scale);
        Input { array: Array::new(shape, values).expect("sized by its shape"), present, lengths: None }
    }
}

/// A model of the reference files and how they write about it.
pub trait Architecture {
    /// Settings that all architectures have.
    fn settings(&self) -> &Settings;

    /// Names of the modalities, in order.
    fn modalities(&self) -> Vec<String>;

    /// The model, with any initial values.
    ///
    /// # Errors
    /// If the case asks for something unknown.
    fn model(&self, device: &Device) -> Result<AnyModel, String>;

    /// The file's name of a parameter.
    fn name(&self, ours: &str) -> String;

    /// The file's name of the group of a parameter, by the file's name of it.
    /// Files group by the layer's owner, whatever the partition of the case.
    fn group(&self, _name: &str, group: Group) -> String {
        let names: Vec<String> = self.modalities();
        match group {
            Group::Encoder(m) => format!("encoder.{}", names[m.0]),
            Group::UnimodalHead(m) => format!("unimodal_head.{}", names[m.0]),
            Group::Fusion => "fusion".into(),
            Group::Head => "head".into(),
        }
    }

    /// The initial values of a parameter, by the file's name of it.
    fn parameter(&self, name: &str, shape: &[usize]) -> Vec<f64> {
        Salted(&self.settings().salt).parameter(name, shape)
    }

    /// What is predicted.
    fn task(&self) -> Box<dyn Task>;

    /// Inputs and targets of a step, or of `eval`.
    fn batch(&self, step: &str) -> Batch;

    /// Compares the targets of a step with what the file says of them.
    fn compare_labels(&self, report: &mut Report, batch: &Batch, expected: &Value) {
        if let Targets::Values(values) = &batch.targets {
            let expected: Vec<f64> = serde_json::from_value(expected.clone()).unwrap_or_default();
            let values: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
            return report.numbers("targets", &values, &expected, 1e-6);
        }
        let of_file: Option<Vec<usize>> = serde_json::from_value(expected.clone()).ok();
        report
            .holds("labels of the fill are those of the file", batch.targets.classes() == of_file.as_deref());
    }

    /// Compares the scores of a row; the tolerance is a share of the largest.
    fn compare_scores(&self, report: &mut Report, what: &str, got: &[f64], expected: &Value, tolerance: f64) {
        let Ok(rows) = serde_json::from_value::<Vec<Vec<f64>>>(expected.clone()) else {
            return report.holds(format_args!("{what}: the file has a matrix"), false);
        };
        let expected: Vec<f64> = rows.concat();
        let largest = expected.iter().fold(0.0_f64, |top, v| top.max(v.abs()));
        report.numbers(what, got, &expected, tolerance * largest);
    }

    /// Compares what only this architecture's files say of a row: `entry` is a
    /// step, which has its numbers by row, or a row's part of `eval`.
    fn compare_more(
        &self,
        _report: &mut Report,
        _row: &str,
        _scores: &[f64],
        _entry: &BTreeMap<String, Value>,
        _batch: &Batch,
    ) {
    }
}

/// Classes, or one number with the mean absolute error.
pub(super) fn task(regression: bool, outputs: usize) -> Box<dyn Task> {
    match regression {
        true => Box::new(Regression::new(RegressionLoss::Absolute)),
        false => Box::new(Classification::new(outputs)),
    }
}

/// A batch of the given inputs.
pub(super) fn batch(inputs: Vec<Input>, targets: Targets) -> Batch {
    Batch { ids: (0..targets.len()).map(|i| i.to_string()).collect(), inputs, targets }
}
