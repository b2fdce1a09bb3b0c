//! What leaks between splits, in words.

use std::collections::BTreeMap;

use counterpoint_data::{Leaks, SharedGroup};

/// Names shown of each finding.
const SHOWN: usize = 5;
/// The splits in the order in which people name them.
const SPLITS: [&str; 3] = ["train", "val", "test"];

/// One line for each kind of finding; those that are in two splits first.
/// `true` marks a leak, `false` a remark.
pub fn words(leaks: &Leaks) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    if !leaks.groups.is_empty() {
        let one = |group: &SharedGroup| {
            let part = |part: &str| Some(format!("{part} {}", group.samples.get(part)?));
            format!("{} ({})", group.name, SPLITS.into_iter().filter_map(part).collect::<Vec<_>>().join(", "))
        };
        let names: Vec<String> = leaks.groups.iter().take(SHOWN).map(one).collect();
        let count = leaks.groups.len();
        lines.push((
            true,
            format!("{count} groups have samples in more than one split: {}", listed(&names, count)),
        ));
    }
    let mut kinds: BTreeMap<(bool, &str, String), Vec<String>> = BTreeMap::new();
    for duplicate in &leaks.duplicates {
        let splits: Vec<&str> = SPLITS.into_iter().filter(|s| duplicate.parts().contains(s)).collect();
        let names: Vec<&str> = duplicate.samples.iter().take(3).map(|(_, id)| id.as_str()).collect();
        let key = (splits.len() < 2, duplicate.modality.as_str(), splits.join(" and "));
        kinds.entry(key).or_default().push(names.join(" = "));
    }
    for ((inside, modality, splits), names) in kinds {
        let (count, some) = (names.len(), listed(&names[..names.len().min(SHOWN)], names.len()));
        let words =
            format!("modality {modality}: samples of {splits} have equal content, cases: {count}: {some}");
        lines.push((!inside, words));
    }
    if !leaks.grouped {
        lines.push((
            false,
            "the samples have no groups, so speakers or sessions that are in two splits cannot be found"
                .into(),
        ));
    }
    lines
}

fn listed(names: &[String], total: usize) -> String {
    let more =
        if total > names.len() { format!(", and {} more", total - names.len()) } else { String::new() };
    names.join(", ") + &more
}
