//! The words of checkpoints that earlier versions wrote.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// How a sum of an epoch was called, and how it is called now.
const SUMS: [(&str, &str); 2] = [("row/", "term/"), ("figure/", "stat/")];

/// How the head of a single modality was called, and how it is called now.
const HEAD: (&str, &str) = ("solo_head.", "unimodal_head.");

/// Today's name of a tensor.
pub(super) fn tensor(name: &str) -> String {
    let (place, parameter) =
        name.rsplit_once('/').map_or(("", name), |(place, _)| name.split_at(place.len() + 1));
    match parameter.strip_prefix(HEAD.0) {
        Some(rest) => format!("{place}{}{rest}", HEAD.1),
        None => name.to_owned(),
    }
}

/// Today's name of a sum.
fn sum(name: &str) -> String {
    let renamed = SUMS.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
    // No modality may be called `full`.
    let parts = renamed.as_deref().unwrap_or(name).split('/');
    parts.map(|part| if part == "full" { "fused" } else { part }).collect::<Vec<_>>().join("/")
}

/// The sums of an epoch under today's names.
pub(super) fn sums<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let sums = BTreeMap::<String, f64>::deserialize(deserializer)?;
    Ok(sums.into_iter().map(|(name, value)| (sum(&name), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Progress;
    use super::tensor;

    #[test]
    fn tensors_of_earlier_versions_are_read() {
        assert_eq!(tensor("solo_head.a.weight"), "unimodal_head.a.weight");
        assert_eq!(tensor("optimizer/first/solo_head.a.bias"), "optimizer/first/unimodal_head.a.bias");
        for now in ["encoder.solo_head.weight", "strategy/weights", "head.weight"] {
            assert_eq!(tensor(now), now);
        }
    }

    #[test]
    fn sums_of_earlier_versions_are_read() {
        let old = r#"{"epoch":2,"batch":3,"best":null,"sums":{"row/a/loss":2.0,"figure/sum/rho/full":3.0,"encoder/a/weight/full":1.0,"samples":4.0}}"#;
        let progress: Progress = serde_json::from_str(old).unwrap();
        let now = r#"{"epoch":2,"batch":3,"sums":{"encoder/a/weight/fused":1.0,"samples":4.0,"stat/sum/rho/fused":3.0,"term/a/loss":2.0},"best":null}"#;
        assert_eq!(serde_json::to_string(&progress).unwrap(), now);
    }
}
