//! The words of checkpoints that earlier versions wrote.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// How a sum of an epoch was called, and how it is called now.
const SUMS: [(&str, &str); 2] = [("row/", "term/"), ("figure/", "stat/")];

/// The sums of an epoch under today's names.
pub(super) fn sums<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let named = |name: String| {
        let renamed = SUMS.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
        renamed.unwrap_or(name)
    };
    let sums = BTreeMap::<String, f64>::deserialize(deserializer)?;
    Ok(sums.into_iter().map(|(name, value)| (named(name), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Progress;

    #[test]
    fn sums_of_earlier_versions_are_read() {
        let old = r#"{"epoch":2,"batch":3,"best":null,"sums":{"row/a/loss":2.0,"figure/sum/rho/a":3.0,"samples":4.0}}"#;
        let progress: Progress = serde_json::from_str(old).unwrap();
        let now = r#"{"epoch":2,"batch":3,"sums":{"samples":4.0,"stat/sum/rho/a":3.0,"term/a/loss":2.0},"best":null}"#;
        assert_eq!(serde_json::to_string(&progress).unwrap(), now);
    }
}
