//! Gradients by parameter and by group.

use std::collections::BTreeMap;

use counterpoint::model::AnyModel;
use counterpoint::step::Gradients;
use counterpoint::train::TrainState;

use super::Architecture;
use super::compare::{Comparison, doubles, norm};
use super::schema::{Step, Summary, Tolerance};

impl<A: Architecture> Comparison<'_, A> {
    /// Norms of a row's gradient by group.
    pub(super) fn norms(
        &mut self,
        what: &str,
        state: &TrainState<AnyModel>,
        gradients: &Gradients,
        expected: &BTreeMap<String, f64>,
        tolerance: f64,
    ) {
        let parameters = state.groups.parameters();
        let group = |i: usize| {
            let p = &parameters[i];
            self.architecture.group(&self.architecture.name(&p.name), p.group)
        };
        let global = expected.values().map(|n| n * n).sum::<f64>().sqrt();
        let norms: Vec<(&String, f64, f64)> = expected
            .iter()
            .map(|(name, want)| (name, gradients.norm(|i| group(i) == *name), *want))
            .collect();
        for (name, got, want) in norms {
            let scale = want.max(Tolerance::SMALL * global);
            self.report.number(format_args!("{what}: gradient norm of {name}"), got, want, tolerance * scale);
        }
    }

    pub(super) fn each_gradient(
        &mut self,
        what: &str,
        state: &TrainState<AnyModel>,
        gradients: &Gradients,
        step: &Step,
        tolerance: f64,
    ) {
        let Some(expected) = &step.grads else { return };
        let global = expected.values().map(|g| g.norm * g.norm).sum::<f64>().sqrt();
        for (position, p) in state.groups.parameters().iter().enumerate() {
            let name = self.architecture.name(&p.name);
            let got = gradients.get(position).map(|g| doubles(g.clone()));
            match (got, expected.get(&name)) {
                (None, None) => {
                    let silent = step.no_gradient.contains(&name);
                    self.report.holds(format_args!("{what}: {name} is in the file"), silent);
                }
                (Some(got), Some(want)) if want.zero => {
                    let limit = Tolerance::ZERO * global;
                    self.report.number(format_args!("{what}: gradient of {name}"), norm(&got), 0.0, limit);
                }
                (Some(got), Some(want)) => {
                    let limit = tolerance * want.norm.max(Tolerance::SMALL * global);
                    self.summary(&format!("{what}: gradient of {name}"), &got, want, limit);
                }
                (got, _) => self.report.holds(
                    format_args!(
                        "{what}: {name} has a gradient {}",
                        if got.is_some() { "here only" } else { "in the file only" }
                    ),
                    false,
                ),
            }
        }
        let ours: Vec<String> =
            state.groups.parameters().iter().map(|p| self.architecture.name(&p.name)).collect();
        for name in expected.keys().chain(&step.no_gradient).filter(|name| !ours.contains(name)) {
            self.report.holds(format_args!("{what}: this model has a parameter {name}"), false);
        }
    }

    pub(super) fn summary(&mut self, what: &str, got: &[f64], expected: &Summary, limit: f64) {
        self.report.number(format_args!("{what}, norm"), norm(got), expected.norm, limit);
        for (i, (got, want)) in got.iter().zip(&expected.first).enumerate() {
            self.report.number(format_args!("{what}[{i}]"), *got, *want, limit);
        }
    }
}
