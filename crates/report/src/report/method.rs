//! Which runs belong together, what they are called, and what part they play.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    RunSummary,
    settings::{Settings, settings},
};
use crate::record::{ASIDE, Kind};

/// Keys that follow from others, or tell the runs of one method apart.
const FOLLOWING: [&str; 2] = ["data.modalities", "train.seed"];
/// Words in the keys that say which part of the data is held out.
const HELD_OUT: [&str; 3] = ["speaker", "fold", "split"];
/// Keys that scale steps and change nothing else; the last two may go on with a modality.
const RATES: [&str; 3] = ["optimizer.lr", "optimizer.encoder_factor", "optimizer.encoder_weight_decay"];

/// Gives runs their method and fold by what their configurations differ in.
///
/// Runs of one method differ in the seed and in the part of the data that is
/// held out, and in nothing else. A method is called by its strategy, and where
/// several share one, by the settings that tell them apart: `joint (lr 0.2)`.
pub(super) fn name_methods(runs: &mut [RunSummary]) {
    let all: Vec<Settings> = runs.iter().map(|run| settings(&run.config)).collect();
    let own: Vec<Settings> =
        all.iter().map(|s| s.iter().filter(|(k, _)| tells(k)).map(copy).collect()).collect();
    let labels: Vec<String> = (0..runs.len()).map(|i| label(i, runs, &own)).collect();
    let held_out: BTreeSet<&String> = all
        .iter()
        .flat_map(BTreeMap::keys)
        .filter(|key| is_held_out(key))
        .filter(|key| all.iter().any(|s| s.get(*key) != all[0].get(*key)))
        .collect();
    for ((run, label), settings) in runs.iter_mut().zip(labels).zip(&all) {
        run.method = label;
        let parts: Vec<String> =
            held_out.iter().filter_map(|key| Some(part(key, settings.get(*key)?))).collect();
        if run.fold.is_none() && !parts.is_empty() {
            run.fold = Some(parts.join(", "));
        }
    }
}

fn copy((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

/// Whether a key says how data is loaded and runs are watched, or follows from others.
pub(super) fn is_aside(key: &str) -> bool {
    ASIDE.contains(&key) || FOLLOWING.contains(&key) || key.starts_with("diagnostics.")
}

/// Whether a key says which part of the data is held out.
pub(super) fn is_held_out(key: &str) -> bool {
    key.starts_with("data.") && HELD_OUT.iter().any(|word| key.contains(word))
}

/// Whether a key tells methods apart.
fn tells(key: &str) -> bool {
    !is_aside(key) && !is_held_out(key)
}

/// `lr 0.2` of the key `optimizer.lr`, `alpha.audio 2.0` of `strategy.alpha.audio`;
/// a modality needs no word before it.
fn part(key: &str, value: &str) -> String {
    match key.split_once('.').map_or(key, |(_, setting)| setting) {
        "modality" => value.to_owned(),
        word => format!("{word} {value}"),
    }
}

/// The strategy's name with the settings by which this run stands out among
/// those of its strategy.
fn label(index: usize, runs: &[RunSummary], own: &[Settings]) -> String {
    let strategy = &runs[index].method;
    // A run whose configuration is lost differs from nobody.
    let told = |i: &usize| runs[*i].method == *strategy && !own[*i].is_empty();
    let same: Vec<usize> = (0..runs.len()).filter(told).collect();
    if own[index].is_empty() {
        return strategy.clone();
    }
    let keys: BTreeSet<&String> = same.iter().flat_map(|i| own[*i].keys()).collect();
    let differs = |key: &&String| same.iter().any(|i| own[*i].get(*key) != own[index].get(*key));
    let stands_out = |key: &&String| differs(key) && own[index].get(*key) != usual(key, runs, own).as_ref();
    // A model of one modality says which, even where it is the only one.
    let parts: Vec<String> = keys
        .into_iter()
        .filter(|key| *key == "strategy.modality" || stands_out(key))
        .map(|key| part(key, own[index].get(key).map_or("not set", String::as_str)))
        .collect();
    if parts.is_empty() { strategy.clone() } else { format!("{strategy} ({})", parts.join(", ")) }
}

/// The value of a key that most strategies have; `None` when there is no such
/// value. It needs no mention.
fn usual(key: &str, runs: &[RunSummary], own: &[Settings]) -> Option<String> {
    let mut votes: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (run, settings) in runs.iter().zip(own) {
        if let Some(value) = settings.get(key) {
            votes.entry(value).or_default().insert(&run.method);
        }
    }
    let most = votes.values().map(BTreeSet::len).max()?;
    let mut winners = votes.iter().filter(|(_, strategies)| strategies.len() == most);
    match (winners.next(), winners.next()) {
        (Some((value, _)), None) => Some((*value).clone()),
        _ => None,
    }
}

/// The strategy a run was trained with.
pub(super) fn strategy(run: &RunSummary) -> Option<String> {
    settings(&run.config).remove("strategy.name")
}

/// Whether a run was trained with disentangled gradients, and not with an ablation of it.
pub(super) fn is_dgl(run: &RunSummary) -> bool {
    let settings = settings(&run.config);
    let cut = |key: &str| settings.get(key).is_none_or(|value| value != "false");
    strategy(run).as_deref() == Some("dgl")
        && cut("strategy.truncate_multimodal")
        && cut("strategy.truncate_unimodal")
}

/// Whether a run learned from validation samples, too.
pub(super) fn trains_on_validation(run: &RunSummary) -> bool {
    settings(&run.config).get("train.with_val").is_some_and(|on| on == "true")
}

/// The modality of a model of one modality.
pub(super) fn only_modality(run: &RunSummary) -> Option<String> {
    settings(&run.config).remove("strategy.modality").filter(|_| strategy(run).as_deref() == Some("unimodal"))
}

/// Why a method is there beside the baseline, by their configurations where no study says it.
pub(super) fn kind(run: &RunSummary, baseline: &RunSummary) -> Kind {
    if let Some(kind) = run.kind {
        return kind;
    }
    let (ours, theirs) = (settings(&run.config), settings(&baseline.config));
    if strategy(run).as_deref() == Some("unimodal") {
        return Kind::Reference;
    }
    let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).filter(|key| tells(key)).collect();
    let mut different = keys.into_iter().filter(|key| ours.get(*key) != theirs.get(*key)).peekable();
    let rate = |key: &String| {
        RATES
            .iter()
            .any(|rate| key.strip_prefix(rate).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    if different.peek().is_some() && different.all(rate) {
        return Kind::Control;
    }
    Kind::Method
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(strategy: &str, config: &str) -> RunSummary {
        let config = format!("[strategy]\nname = \"{strategy}\"\n{config}");
        RunSummary { method: strategy.into(), config, ..RunSummary::default() }
    }

    #[test]
    fn methods_are_called_by_what_tells_them_apart() {
        let plain = "[optimizer]\nlr = 0.05\n[data]\nworkers = 1\ntest_speaker = \"theo\"";
        let mut runs = [
            run("joint", plain),
            run("joint", &plain.replace("0.05", "0.2")),
            run("joint", &plain.replace("theo", "lucas")),
            run("dgl", &format!("alpha = 4.0\n{plain}")),
            run("unimodal", &format!("modality = \"audio\"\n{plain}")),
            run(
                "unimodal",
                &format!("modality = \"image\"\n{}", plain.replace("workers = 1", "workers = 2")),
            ),
        ];
        name_methods(&mut runs);
        let names: Vec<&str> = runs.iter().map(|r| r.method.as_str()).collect();
        assert_eq!(
            names,
            ["joint", "joint (lr 0.2)", "joint", "dgl", "unimodal (audio)", "unimodal (image)"]
        );
        assert_eq!(runs[2].fold.as_deref(), Some("test_speaker lucas"));
        let kinds: Vec<Kind> = runs.iter().map(|r| kind(r, &runs[0])).collect();
        use Kind::{Control, Method, Reference};
        assert_eq!(kinds, [Method, Control, Method, Method, Reference, Reference]);
    }

    #[test]
    fn alphas_of_modalities_are_told_apart_by_the_setting_and_the_name() {
        let each = |audio: &str| format!("truncate_unimodal = true\n[strategy.alpha]\naudio = {audio}");
        let mut runs = [run("dgl", &each("1.0")), run("dgl", &each("2.0"))];
        name_methods(&mut runs);
        assert_eq!(runs.map(|r| r.method), ["dgl (alpha.audio 1.0)", "dgl (alpha.audio 2.0)"]);
    }

    #[test]
    fn settings_of_one_strategy_without_a_usual_value_are_all_named() {
        let mut runs = [run("dgl", "alpha = 1.0"), run("dgl", "alpha = 4.0"), run("dgl", "alpha = 4.0")];
        name_methods(&mut runs);
        assert_eq!(runs.map(|r| r.method), ["dgl (alpha 1.0)", "dgl (alpha 4.0)", "dgl (alpha 4.0)"]);
    }
}
