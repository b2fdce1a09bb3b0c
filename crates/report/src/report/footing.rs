//! Whether two methods are comparable.
//!
//! A verdict between methods needs the same data, the same split, the same
//! classes and the same task. Where those are equal and something else differs
//! that does not belong to a method (epochs, batch size, model, preparation),
//! the verdict stands with the difference named beside it.

use std::collections::BTreeSet;

use super::{
    RunSummary,
    method::{is_aside, is_held_out},
    overview::{Method, Overview},
    settings::{Settings, settings},
};
use crate::{
    record::Kind,
    text::{listed, shorten},
};

/// Differences named; more are counted.
const NAMED: usize = 4;

/// What two methods do not have in common, apart from what makes them methods.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Footing {
    /// Why there is no verdict, without capital or full stop.
    pub refused: Option<String>,
    /// What else differs, as `train.epochs 10 against 20`.
    pub differs: Vec<String>,
}

impl Footing {
    /// Compares every pair of runs; the first runs of each where none are paired.
    pub fn of(overview: &Overview<'_>, first: &Method<'_>, second: &Method<'_>) -> Self {
        let mut pairs = overview.pairs(first, second);
        if pairs.is_empty() {
            pairs.extend(first.runs.first().copied().zip(second.runs.first().copied()));
        }
        let mut footing = Self::default();
        let tuned = tuned(overview, [first, second]);
        for (ours, theirs) in pairs {
            let one = Pair { ours, theirs, kinds: [first.kind, second.kind] };
            footing.refused = footing.refused.or_else(|| one.refused());
            for difference in one.differences(&tuned) {
                if !footing.differs.contains(&difference) {
                    footing.differs.push(difference);
                }
            }
        }
        footing
    }

    /// The differences in words, ` (train.epochs 10 against 20)`; empty if there are none.
    pub fn caveat(&self) -> String {
        if self.differs.is_empty() {
            return String::new();
        }
        let differs: Vec<&str> = self.differs.iter().map(String::as_str).collect();
        format!(
            " with {} ({})",
            if differs.len() == 1 { "another setting" } else { "other settings" },
            listed(&differs, NAMED)
        )
    }
}

/// Two runs that are compared, and the parts their methods play.
struct Pair<'a> {
    ours: &'a RunSummary,
    theirs: &'a RunSummary,
    kinds: [Kind; 2],
}

impl Pair<'_> {
    /// A run that was made of others' predictions, or whose configuration is
    /// damaged, has nothing of its own to compare.
    fn configured(&self) -> bool {
        [self.ours, self.theirs].iter().all(|run| !settings(&run.config).is_empty())
    }

    fn both<'b, T: ?Sized>(&'b self, read: impl Fn(&'b RunSummary) -> Option<&'b T>) -> Option<[&'b T; 2]> {
        Some([read(self.ours)?, read(self.theirs)?])
    }

    /// Whether one has other modalities, and so another hash of the same samples.
    fn other_modalities(&self) -> bool {
        let set = |run: &RunSummary| run.modalities.iter().cloned().collect::<BTreeSet<_>>();
        set(self.ours) != set(self.theirs)
    }

    fn refused(&self) -> Option<String> {
        let [ours, theirs] = [self.ours, self.theirs];
        let other = |key: &'static str| {
            let [a, b] = self.both(|run| run.task.get(key))?;
            (a != b).then(|| format!("they have different tasks ({a} against {b})"))
        };
        if let Some(task) = other("name") {
            return Some(task);
        }
        if !ours.classes.is_empty() && !theirs.classes.is_empty() && ours.classes != theirs.classes {
            return Some("they have different classes".into());
        }
        let [a, b] = self.both(data_hash)?;
        if a == b {
            return None;
        }
        let place = |key: &str| {
            let [a, b] = self.both(|run| run.data.get(key))?;
            (a != b).then(|| format!("{} against {}", shorten(a, 60), shorten(b, 60)))
        };
        if let Some(roots) = place("root") {
            return Some(format!("they were trained on different data ({roots})"));
        }
        let split = ours.data.keys().find_map(|key| {
            let held_out = is_held_out(&format!("data.{key}"));
            place(key).filter(|_| held_out).map(|parts| format!("{key} {parts}"))
        });
        match split {
            Some(split) => Some(format!("they were trained on different splits ({split})")),
            None if self.other_modalities() => None,
            None => Some("they were trained on different data (the hashes of the data differ)".into()),
        }
    }

    fn differences(&self, tuned: &BTreeSet<String>) -> Vec<String> {
        let mut found = Vec::new();
        if !self.configured() {
            return found;
        }
        if data_hash(self.ours).is_some() != data_hash(self.theirs).is_some() {
            let without = if data_hash(self.ours).is_none() { self.ours } else { self.theirs };
            found.push(format!("the data of {} are not recorded", shorten(&without.name, 60)));
        }
        let of = |run: &RunSummary| -> Settings {
            let task = run.task.iter().map(|(key, value)| (format!("task.{key}"), value.clone()));
            settings(&run.config).into_iter().chain(task).collect()
        };
        let [ours, theirs] = [of(self.ours), of(self.theirs)];
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let shared = keys.into_iter().filter(|key| !self.is_own(key) && !tuned.contains(*key));
        for key in shared.filter(|key| ours.get(*key) != theirs.get(*key)) {
            let value =
                |of: &Settings| of.get(key).map_or_else(|| "not set".into(), |value| shorten(value, 40));
            found.push(format!("{} {} against {}", shorten(key, 60), value(&ours), value(&theirs)));
        }
        if self.other_modalities() {
            for (key, ours) in self.ours.data.iter().filter(|(key, _)| key.starts_with("samples, ")) {
                if let Some(theirs) = self.theirs.data.get(key).filter(|theirs| *theirs != ours) {
                    found.push(format!("{key} {ours} against {theirs}"));
                }
            }
        }
        found
    }

    /// Whether a setting belongs to the methods, or changes nothing of what is trained.
    fn is_own(&self, key: &str) -> bool {
        key.starts_with("strategy.")
            || key.starts_with("readout.")
            || is_aside(key)
            || is_held_out(key)
            || (self.kinds.contains(&Kind::Control) && key.starts_with("optimizer."))
            // A model of one modality has no fusion, and no encoder of the others.
            || (self.kinds.iter().any(|kind| kind.is_reference()) && key.starts_with("model."))
    }
}

/// The hash of a run's data.
pub(super) fn data_hash(run: &RunSummary) -> Option<&String> {
    run.data.get("hash").or_else(|| run.environment.get("data"))
}

/// Keys that a study tuned on validation for these methods: every method tried
/// as many settings, so what was chosen is the method's own.
fn tuned(overview: &Overview<'_>, methods: [&Method<'_>; 2]) -> BTreeSet<String> {
    let choices = overview.options.studies.iter().flat_map(|s| &s.choices);
    let of = choices.filter(|choice| methods.iter().any(|m| m.name == choice.method));
    let settings = of.flat_map(|choice| &choice.settings).flat_map(|setting| setting.split(", "));
    settings.filter_map(|one| Some(one.split_once(" = ")?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Options;

    fn run(method: &str, seed: u64, hash: &str, config: &str) -> RunSummary {
        RunSummary {
            name: format!("{method}-{seed}"),
            method: method.into(),
            seed: Some(seed),
            config: format!("[strategy]\nname = \"{method}\"\n{config}"),
            data: [("hash", hash), ("root", hash)].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            classes: vec!["a".into(), "b".into()],
            ..RunSummary::default()
        }
    }

    fn footing(runs: &[RunSummary]) -> Footing {
        let options = Options::default();
        let overview = Overview::new(runs, &options);
        Footing::of(&overview, &overview.methods[1], &overview.methods[0])
    }

    #[test]
    fn other_data_splits_tasks_and_classes_have_no_verdict() {
        let plain = "[train]\nepochs = 2\nseed = 0";
        let pair = |a: &RunSummary, b: &RunSummary| footing(&[a.clone(), b.clone()]);
        let joint = run("joint", 0, "x.npz", plain);
        assert_eq!(pair(&joint, &run("dgl", 0, "x.npz", plain)), Footing::default());
        let refused = |other: &RunSummary| pair(&joint, other).refused.unwrap();
        assert_eq!(
            refused(&run("dgl", 0, "y.npz", plain)),
            "they were trained on different data (y.npz against x.npz)"
        );
        // One pair of several is enough.
        let some = [
            joint.clone(),
            run("joint", 1, "x.npz", plain),
            run("dgl", 0, "x.npz", plain),
            run("dgl", 1, "z", plain),
        ];
        assert!(footing(&some).refused.is_some());
        let mut split = run("dgl", 0, "x.npz", plain);
        split.data.insert("hash".into(), "other".into());
        assert!(refused(&split).contains("the hashes of the data differ"));
        let mut base = joint.clone();
        base.data.insert("split.seed".into(), "1".into());
        split.data.insert("split.seed".into(), "2".into());
        assert!(pair(&base, &split).refused.unwrap().contains("different splits (split.seed 2 against 1)"));
        let task = |name: &str, mut run: RunSummary| {
            run.task.insert("name".into(), name.into());
            run
        };
        let other =
            pair(&task("regression", joint.clone()), &task("classification", run("dgl", 0, "x.npz", plain)));
        assert!(other.refused.unwrap().contains("classification against regression"));
        let mut classes = run("dgl", 0, "x.npz", plain);
        classes.classes.push("c".into());
        assert_eq!(refused(&classes), "they have different classes");
    }

    #[test]
    fn other_budgets_are_named_and_a_methods_own_settings_are_not() {
        let joint = run(
            "joint",
            0,
            "x",
            "[train]\nepochs = 2\n[optimizer]\nlr = 0.1\n[data]\nworkers = 1\nbatch_size = 8",
        );
        let dgl = run(
            "dgl",
            0,
            "x",
            "alpha = 4.0\n[train]\nepochs = 3\n[optimizer]\nlr = 0.2\n[data]\nworkers = 2\nbatch_size = 8",
        );
        let runs = [joint.clone(), dgl];
        let found = footing(&runs);
        assert_eq!(found.refused, None);
        assert_eq!(found.differs, ["optimizer.lr 0.2 against 0.1", "train.epochs 3 against 2"]);
        assert_eq!(
            found.caveat(),
            " with other settings (optimizer.lr 0.2 against 0.1, train.epochs 3 against 2)"
        );
        // A control has the rate that makes it one; a study's choice is the method's own.
        let mut control = run(
            "joint",
            0,
            "x",
            "[train]\nepochs = 2\n[optimizer]\nlr = 0.4\n[data]\nworkers = 1\nbatch_size = 8",
        );
        control.method = "joint (lr 0.4)".into();
        assert_eq!(footing(&[joint, control]), Footing::default());
        let choice = crate::record::Choice {
            method: "dgl".into(),
            settings: vec!["optimizer.lr = 0.2, train.epochs = 3".into()],
            ..Default::default()
        };
        let studies = vec![crate::record::Study { choices: vec![choice], ..Default::default() }];
        let options = Options { studies, ..Options::default() };
        let overview = Overview::new(&runs, &options);
        assert_eq!(Footing::of(&overview, &overview.methods[1], &overview.methods[0]), Footing::default());
    }

    #[test]
    fn a_model_of_one_modality_has_another_hash_of_the_same_data() {
        let mut joint = run("joint", 0, "x", "");
        joint.modalities = vec!["a".into(), "b".into()];
        let mut unimodal = run("unimodal", 0, "y", "");
        unimodal.modalities = vec!["a".into()];
        unimodal.data.insert("root".into(), "x".into());
        for (run, samples) in [(&mut joint, "40"), (&mut unimodal, "12")] {
            run.data.insert("samples, train".into(), samples.into());
        }
        let found = footing(&[joint, unimodal]);
        assert_eq!((found.refused, found.differs), (None, vec!["samples, train 12 against 40".to_owned()]));
    }
}
