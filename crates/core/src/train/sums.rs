//! What the steps of an epoch add up to.

use std::collections::BTreeMap;

use super::TrainState;
use crate::modality::Modalities;
use crate::model::Model;
use crate::step::{Clip, LossTerm, StepRecord};

/// Adds a step, with the running metric of its rows, to the epoch's sums: they travel in the checkpoint, so an
/// interrupted epoch reports what an uninterrupted one would.
pub(super) fn tally<M: Model>(
    sums: &mut BTreeMap<String, f64>,
    record: &StepRecord,
    clip: Option<Clip>,
    learner: &TrainState<M>,
    running: &BTreeMap<LossTerm, f64>,
) {
    let mut add = |key: String, value: f64| *sums.entry(key).or_default() += value;
    for (row, loss) in &record.losses {
        let output = &record.outputs[row];
        let label = row.label(learner.model.modalities());
        let count = output.samples.len() as f64;
        add(format!("row/{label}/samples"), count);
        add(format!("row/{label}/loss"), loss * count);
        // There is none of a batch on which it is not defined, such as label maps of nothing but void.
        if let Some(value) = running.get(row).filter(|value| !value.is_nan()) {
            add(format!("row/{label}/running"), value * count);
            add(format!("row/{label}/followed"), count);
        }
    }
    add("encoder_runs".into(), record.encoder_runs as f64);
    if let Some(clip) = clip {
        add("clip/steps".into(), 1.0);
        add("clip/active".into(), f64::from(u8::from(clip.factor < 1.0)));
        add("clip/norm".into(), clip.norm);
    }
}

/// Of each row that had a loss: how many samples it used, its mean loss and, if
/// the task has one, its running metric.
pub(super) fn terms(
    sums: &BTreeMap<String, f64>,
    names: &Modalities,
) -> BTreeMap<LossTerm, (f64, f64, Option<f64>)> {
    let each = names.iter().flat_map(|m| [LossTerm::Unimodal(m), LossTerm::Auxiliary(m)]);
    let sets = names.all().subsets().filter(|set| set.count() > 1 && *set != names.all());
    let rows = std::iter::once(LossTerm::Fused).chain(each).chain(sets.map(LossTerm::Subset));
    rows.filter_map(|row| {
        let part = |what: &str| sums.get(&format!("row/{}/{what}", row.label(names))).copied();
        let count = part("samples")?;
        // An epoch that an earlier version began counts no samples of its own here.
        let followed = part("followed").unwrap_or(count);
        Some((row, (count, part("loss")? / count, part("running").map(|sum| sum / followed))))
    })
    .collect()
}
