//! The score when modalities are absent, and what it says of each.

use counterpoint_batch::Targets;

use super::shapley::{MOST, shapley};
use super::{Diagnosis, DiagnosticsConfig, Measure};
use crate::modality::{Modalities, Present};

impl DiagnosticsConfig {
    /// The sets of modalities, besides all together and each alone, whose
    /// scores the measure of absence needs; none for two modalities, and none for more
    /// than six.
    pub fn subsets(&self, modalities: usize) -> Vec<Present> {
        if !self.wants(Measure::Shapley) || modalities > MOST {
            return Vec::new();
        }
        let all = Present::all(modalities);
        all.subsets().filter(|s| s.count() > 1 && *s != all).collect()
    }
}

/// Score without each modality and the Shapley value of each, from the score of
/// every set of modalities that are present; the others are zeros at the fusion.
pub(crate) fn absence(
    config: &DiagnosticsConfig,
    names: &Modalities,
    nothing: f64,
    score: impl Fn(Present) -> f64,
    result: &mut Diagnosis,
) {
    if !config.wants(Measure::Shapley) || names.len() < 2 || names.len() > MOST {
        return;
    }
    let of = |present: Present| if present.count() == 0 { nothing } else { score(present) };
    let values = shapley(names.len(), of);
    for (m, value) in names.iter().zip(values) {
        result.insert(names.name(m), "without", of(names.all().without(m)));
        result.insert(names.name(m), "shapley", value);
    }
}

/// What the best constant guess scores: the share of the most frequent class,
/// or 0 for scores that call a constant guess 0.
pub(crate) fn constant_guess(targets: &Targets) -> f64 {
    let Targets::Classes(classes) = targets else { return 0.0 };
    let mut counts = vec![0_usize; classes.iter().max().map_or(0, |most| most + 1)];
    classes.iter().for_each(|&class| counts[class] += 1);
    counts.iter().max().map_or(0.0, |&most| most as f64 / classes.len() as f64)
}
