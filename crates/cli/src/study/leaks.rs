//! What leaks between splits, in words.

use std::collections::BTreeMap;

use counterpoint_data::Leaks;

/// Names shown of each finding.
const SHOWN: usize = 5;

/// One line for each kind of finding; those that are in two splits first.
/// `true` marks a leak, `false` a remark.
pub fn words(leaks: &Leaks) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    if !leaks.groups.is_empty() {
        let one = |group: &counterpoint_data::SharedGroup| {
            let parts: Vec<String> = group.samples.iter().map(|(part, n)| format!("{part} {n}")).collect();
            format!("{} ({})", group.name, parts.join(", "))
        };
        let names: Vec<String> = leaks.groups.iter().take(SHOWN).map(one).collect();
        lines.push((
            true,
            format!(
                "{} groups have samples in more than one split: {}",
                leaks.groups.len(),
                listed(&names, leaks.groups.len())
            ),
        ));
    }
    let mut kinds: BTreeMap<(bool, &str, String), Vec<String>> = BTreeMap::new();
    for duplicate in &leaks.duplicates {
        let parts: Vec<&str> =
            ["train", "val", "test"].into_iter().filter(|p| duplicate.parts().contains(p)).collect();
        let names: Vec<&str> = duplicate.samples.iter().take(3).map(|(_, id)| id.as_str()).collect();
        let key = (parts.len() < 2, duplicate.modality.as_str(), parts.join(" and "));
        kinds.entry(key).or_default().push(names.join(" = "));
    }
    for ((inside, modality, parts), names) in kinds {
        let place = if inside { "more than one sample of" } else { "samples of both" };
        let some = listed(&names[..names.len().min(SHOWN)], names.len());
        lines.push((
            !inside,
            format!("modality {modality}: {} contents belong to {place} {parts}: {some}", names.len()),
        ));
    }
    if !leaks.grouped {
        lines.push((
            false,
            "the samples have no groups, so nothing is known of speakers or sessions in two splits".into(),
        ));
    }
    lines
}

fn listed(names: &[String], total: usize) -> String {
    let more =
        if total > names.len() { format!(", and {} more", total - names.len()) } else { String::new() };
    names.join(", ") + &more
}
