//! Which setting of a method is used: the best on validation.

use std::path::Path;

use counterpoint_report::record::{Choice, Log, Metric};

use super::arm::{Arm, describe};

/// The best validation score of a finished run.
pub fn validation(folder: &Path, metric: &Metric) -> Option<f64> {
    let log = Log::read(folder.join("metrics.jsonl")).ok()?;
    let epochs = log.epochs();
    let best = epochs.iter().rev().find(|e| e.best)?;
    best.val.get("fused")?.get(&metric.name).copied().filter(|value| !value.is_nan())
}

/// Chooses by the mean over the tried seeds; the first of equals. A setting
/// with a failed run is not chosen.
pub fn choose(
    arm: &Arm,
    variant: Option<&str>,
    metric: &Metric,
    validation: Vec<Vec<Option<f64>>>,
) -> Choice {
    let mean = |scores: &Vec<Option<f64>>| {
        let all: Option<Vec<f64>> = scores.iter().copied().collect();
        all.filter(|all| !all.is_empty()).map(|all| all.iter().sum::<f64>() / all.len() as f64)
    };
    let mut setting: Option<(usize, f64)> = None;
    for (number, value) in validation.iter().map(mean).enumerate() {
        let Some(value) = value else { continue };
        if setting.is_none_or(|(_, best)| metric.beats(value, best)) {
            setting = Some((number, value));
        }
    }
    Choice {
        method: arm.name.clone(),
        variant: variant.map(str::to_owned),
        setting: setting.map(|(number, _)| number),
        settings: arm.settings.iter().map(describe).collect(),
        validation,
    }
}
