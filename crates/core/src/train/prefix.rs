//! Where in a file of weights an encoder lies.

use std::collections::{BTreeMap, BTreeSet};

use crate::Error;
use crate::weights::Weights;

/// Under what training loops keep weights, the usual one first: it decides
/// where a file holds the same encoder twice, such as a running mean of it.
const CONTAINERS: [&str; 9] = [
    "state_dict.",
    "model_state_dict.",
    "model.",
    "net.",
    "network.",
    "params_ema.",
    "params.",
    "module.",
    "ema.",
];

/// What stands before the names of an encoder: the text before most of the
/// `expected` ones, or what ends in `given`.
pub(super) fn find(weights: &Weights, expected: &[&str], given: Option<&str>) -> Result<String, Error> {
    let expected_names: BTreeSet<&str> = expected.iter().copied().collect();
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for name in weights.keys() {
        let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
        for at in starts.filter(|&at| expected_names.contains(&name[at..])) {
            *found.entry(&name[..at]).or_default() += 1;
        }
    }
    if let Some(given) = given {
        let given =
            if given.is_empty() || given.ends_with('.') { given.to_owned() } else { format!("{given}.") };
        let fits =
            |prefix: &str| prefix == given || (!given.is_empty() && prefix.ends_with(&format!(".{given}")));
        found.retain(|prefix, _| fits(prefix));
        if found.is_empty() {
            return Err(Error::config(format!(
                "pretrained_prefix = \"{given}\": the file has no weight of the encoder with this prefix. It has \
                 {}; expected after the prefix: {}",
                some_of(weights.keys().map(String::as_str)),
                some_of(expected.iter().copied())
            )));
        }
    }
    let most = found.values().max().copied().unwrap_or(0);
    let best: Vec<&str> = found.into_iter().filter(|(_, count)| *count == most).map(|(p, _)| p).collect();
    let rank =
        |prefix: &str| CONTAINERS.iter().position(|c| prefix.starts_with(c)).unwrap_or(CONTAINERS.len());
    let first = best.iter().map(|prefix| rank(prefix)).min();
    let usual: Vec<&str> = best.iter().copied().filter(|prefix| Some(rank(prefix)) == first).collect();
    match (best.as_slice(), usual.as_slice()) {
        // Nothing fits: the message about what is missing says what there is.
        ([], _) => Ok(String::new()),
        (all, _) if all.contains(&"") => Ok(String::new()),
        ([only], _) | (_, [only]) => Ok((*only).to_owned()),
        (all, _) => Err(Error::config(format!(
            "several encoders in the file fit, with the prefixes {}; choose one with pretrained_prefix",
            some_of(all.iter().copied())
        ))),
    }
}

/// The first three of some names, and how many more there are.
pub(super) fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    let shown: Vec<String> = all.iter().take(3).map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => "no tensor".into(),
        count if count > 3 => format!("{} and {} more", shown.join(", "), count - 3),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Array;

    fn weights(names: &[&str]) -> Weights {
        let array = Array { shape: vec![1], values: vec![0.0] };
        names.iter().map(|name| ((*name).to_owned(), array.clone())).collect()
    }

    const OURS: [&str; 3] = ["conv1.weight", "layer1.0.conv1.weight", "layer1.0.bn1.weight"];

    fn behind(prefix: &str) -> Vec<String> {
        OURS.iter().map(|name| format!("{prefix}{name}")).collect()
    }

    fn among(prefixes: &[&str], given: Option<&str>) -> Result<String, String> {
        let names: Vec<String> = prefixes.iter().flat_map(|prefix| behind(prefix)).collect();
        let weights = weights(&names.iter().map(String::as_str).collect::<Vec<_>>());
        find(&weights, &OURS, given).map_err(|e| e.to_string())
    }

    #[test]
    fn the_longest_match_wins_and_parts_of_names_do_not_count() {
        for prefix in ["", "module.", "state_dict.module.", "0.model.backbone.", "a.layer1.0."] {
            assert_eq!(among(&[prefix], None).unwrap(), prefix);
        }
        // A name that ends alike is no match.
        assert_eq!(find(&weights(&["xconv1.weight", "y.conv1.weight"]), &OURS, None).unwrap(), "y.");
    }

    #[test]
    fn the_usual_container_wins_and_other_doubts_are_said() {
        assert_eq!(among(&["ema.", "state_dict."], None).unwrap(), "state_dict.");
        assert_eq!(among(&["ema.", ""], None).unwrap(), "");
        let doubt = among(&["state_dict.text.", "state_dict.visual."], None).unwrap_err();
        assert!(doubt.contains("with the prefixes `state_dict.text.`, `state_dict.visual.`"), "{doubt}");
        let both = ["state_dict.text.", "state_dict.visual."];
        for given in ["visual", "visual.", "state_dict.visual"] {
            assert_eq!(among(&both, Some(given)).unwrap(), "state_dict.visual.");
        }
        let wrong = among(&both, Some("isual")).unwrap_err();
        assert!(
            wrong.contains("pretrained_prefix = \"isual.\"") && wrong.contains("`conv1.weight`"),
            "{wrong}"
        );
    }
}
