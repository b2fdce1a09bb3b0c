//! What the steps of an epoch add up to.

use std::collections::BTreeMap;

use super::TrainState;
use crate::modality::Modalities;
use crate::model::Model;
use crate::step::{Clip, LossTerm, StepRecord};

/// Adds a step, with the running metric of its terms, to the epoch's sums: they travel in the checkpoint, so an
/// interrupted epoch reports what an uninterrupted one would.
pub(super) fn tally<M: Model>(
    sums: &mut BTreeMap<String, f64>,
    record: &StepRecord,
    clip: Option<Clip>,
    state: &TrainState<M>,
    running: &BTreeMap<LossTerm, f64>,
) {
    let mut add = |key: String, value: f64| *sums.entry(key).or_default() += value;
    for (term, loss) in &record.losses {
        let label = term.label(state.model.modalities());
        let count = record.served(*term).0.len() as f64;
        add(format!("term/{label}/samples"), count);
        add(format!("term/{label}/loss"), loss * count);
        // There is none of a batch on which it is not defined, such as label maps of nothing but void.
        if let Some(value) = running.get(term).filter(|value| !value.is_nan()) {
            add(format!("term/{label}/running"), value * count);
            add(format!("term/{label}/followed"), count);
        }
    }
    add("encoder_runs".into(), record.encoder_runs as f64);
    if let Some(clip) = clip {
        add("clip/steps".into(), 1.0);
        add("clip/active".into(), f64::from(u8::from(clip.factor < 1.0)));
        add("clip/norm".into(), clip.norm);
    }
}

/// Of each term that had a loss: how many samples it used, its mean loss and, if
/// the task has one, its running metric.
pub(super) fn terms(
    sums: &BTreeMap<String, f64>,
    names: &Modalities,
) -> BTreeMap<LossTerm, (f64, f64, Option<f64>)> {
    let each = names.iter().flat_map(|m| [LossTerm::Unimodal(m), LossTerm::Auxiliary(m)]);
    let sets = names.all().subsets().filter(|set| set.count() > 1 && *set != names.all());
    let terms = std::iter::once(LossTerm::Fused).chain(each).chain(sets.map(LossTerm::Subset));
    terms
        .filter_map(|term| {
            let part = |what: &str| sums.get(&format!("term/{}/{what}", term.label(names))).copied();
            let count = part("samples")?;
            // An epoch that an earlier version began counts no samples of its own here.
            let followed = part("followed").unwrap_or(count);
            Some((term, (count, part("loss")? / count, part("running").map(|sum| sum / followed))))
        })
        .collect()
}
