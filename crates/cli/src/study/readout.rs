//! The controls of a readout: is it the method that gains, or the readout and its samples?

use counterpoint::catalog::read;
use counterpoint::readout::{ReadoutConfig, Truth, weights};
use counterpoint_report::predictions::{Numbers, PredictionFile};
use toml::{Table, Value};

use super::arm::{Arm, reference, strategy};
use super::spec::Spec;
use super::union::Union;
use crate::config::{self, overlay};
use crate::exit::{Code, Failure};

/// The readout over separately trained unimodal models.
pub const OVER_UNIMODAL: &str = "late-readout";

/// The part of a configuration that makes the readout of the first method that has one.
pub fn part(spec: &Spec) -> Option<Table> {
    let common = spec.config.get("readout").and_then(Value::as_table);
    spec.methods.iter().find_map(|method| {
        let own = method.set.get("readout").and_then(Value::as_table);
        let mut whole = common.or(own)?.clone();
        overlay(&mut whole, own.unwrap_or(&Table::new())).ok()?;
        Some(config::at("readout", Value::Table(whole)))
    })
}

/// Its settings, if they can be read; why not is said of the method.
fn settings(part: &Table) -> Option<ReadoutConfig> {
    read(part.get("readout")?.as_table()?.clone()).ok()
}

/// Whether it leaves the train split whole.
pub fn is_fitted_to_validation(part: &Table) -> bool {
    settings(part).is_some_and(|readout| readout.share().is_none())
}

/// Joint training with the same readout.
pub fn of_joint(spec: &Spec, part: &Table) -> Arm {
    let mut set = strategy([("name", "joint")]);
    set.extend(part.clone());
    reference(spec, "joint-readout".into(), "joint training with the readout of the methods".into(), set)
}

/// A reference that learns from the samples that the readout is fitted to, too.
pub fn with_validation(spec: &Spec, of: Arm) -> Arm {
    let mut set = of.set;
    set.extend(config::at("train.with_val", Value::Boolean(true)));
    let about =
        format!("{}; on train and validation samples, so only its last epoch means something", of.about);
    reference(spec, of.name + "-with-val", about, set)
}

/// Whether an arm's models learn from validation samples, too.
pub fn is_with_validation(arm: &Arm) -> bool {
    arm.set.get("train").and_then(|train| train.get("with_val")).and_then(Value::as_bool) == Some(true)
}

/// What the arm of the readout over the unimodal models is.
pub const ABOUT_OVER_UNIMODAL: &str =
    "the readout of the methods over the unimodal models, each of its best epoch; not trained together";

/// The weights of unimodal models by what they say of the samples that a readout is fitted to.
pub fn fit(spec: &Spec, files: &[PredictionFile], checkpoint: &str) -> Result<Vec<f64>, Failure> {
    let mismatch =
        |what: &str| Failure::new(Code::Files, format!("{what}, so there is no readout over these models"));
    let Union { ids, classes, places } = Union::of(files).map_err(mismatch)?;
    let Some(ReadoutConfig::Cone { ridge, .. }) = part(spec).as_ref().and_then(settings) else {
        return Err(mismatch("no method has a readout"));
    };
    let count = files.first().map_or(0, |file| file.classes.len());
    let row = |(file, places): (&PredictionFile, &Vec<usize>)| {
        let scores = &file.checkpoints.get(checkpoint)?.scores.get("fused")?.values;
        let all = Numbers::spread(ids.len(), places, scores).values;
        Some(all.iter().map(|&score| if score.is_finite() { score.into() } else { 0.0 }).collect())
    };
    let rows: Option<Vec<Vec<f64>>> = files.iter().zip(&places).map(row).collect();
    let rows = rows.ok_or_else(|| mismatch("a checkpoint is missing"))?;
    Ok(weights(&Truth::Classes { classes, count }, &rows, ridge).weights)
}

/// The sum of the models' scores, each times its weight; one that does not see a sample adds nothing.
pub fn sum(parts: &[&Numbers], weights: &[f64]) -> Numbers {
    let width = parts[0].width;
    let score = |place: usize| -> f64 {
        let terms = parts.iter().zip(weights).map(|(part, weight)| weight * f64::from(part.values[place]));
        terms.filter(|term| term.is_finite()).sum()
    };
    Numbers { width, values: (0..parts[0].values.len()).map(|place| score(place) as f32).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_does_not_see_a_sample_adds_nothing() {
        let a = Numbers { width: 2, values: vec![1.0, 0.0, f32::NAN, f32::NAN] };
        let b = Numbers { width: 2, values: vec![0.5, 2.0, 0.0, 4.0] };
        assert_eq!(sum(&[&a, &b], &[2.0, 0.5]).values, [2.25, 1.0, 0.0, 2.0]);
    }
}
