//! Running statistics of batch norm, by buffer.

use std::collections::BTreeMap;

use counterpoint::layer::BufferKey;
use counterpoint::model::{AnyModel, Model};
use counterpoint::train::TrainState;

use super::Architecture;
use super::compare::{Comparison, doubles};
use super::schema::{Summary, Tolerance};

impl<A: Architecture> Comparison<'_, A> {
    /// Every buffer that the file has, and no other.
    pub(super) fn running(
        &mut self,
        state: &TrainState<AnyModel>,
        what: &str,
        expected: &BTreeMap<String, Summary>,
    ) {
        if expected.is_empty() {
            return;
        }
        let ours = self.buffers(state);
        for (name, got) in &ours {
            match expected.get(name) {
                Some(want) => {
                    let limit = Tolerance::RUNNING * want.norm;
                    self.summary(&format!("{what}: {name}"), got, want, limit);
                }
                None => self.report.holds(format_args!("{what}: the file has {name}"), false),
            }
        }
        // What no row moved stays at mean 0 and variance 1.
        for (name, want) in expected.iter().filter(|(name, _)| !ours.contains_key(*name)) {
            let still = if name.contains(".running_mean@") { 0.0 } else { 1.0 };
            self.report
                .holds(format_args!("{what}: {name} was moved"), want.first.iter().all(|v| *v == still));
        }
    }

    /// Running statistics by the names of the files.
    pub(super) fn buffers(&self, state: &TrainState<AnyModel>) -> BTreeMap<String, Vec<f64>> {
        let names = state.model.modalities();
        let mut all = BTreeMap::new();
        for (id, key, running) in state.buffers.iter() {
            let Some(position) = state.groups.position(id) else { continue };
            let weight = self.architecture.name(&state.groups.parameters()[position].name);
            let layer = weight.trim_end_matches(".weight");
            let buffer = match key {
                BufferKey::Single => "single",
                BufferKey::Subset(present) if present == names.all() => "full",
                BufferKey::Subset(present) => present.single().map_or("subset", |m| names.name(m)),
            };
            all.insert(format!("{layer}.running_mean@{buffer}"), doubles(running.mean.clone()));
            all.insert(format!("{layer}.running_var@{buffer}"), doubles(running.variance.clone()));
        }
        all
    }
}
