//! The words of records that earlier versions wrote.

use serde_json::{Map, Value};

/// Names of fields, rows and measures: what they were, and what they are.
const NAMES: [(&str, &str); 5] = [
    ("alone", "unimodal"),
    ("full", "fused"),
    ("gradient_full", "gradient_fused"),
    ("gradient_solo", "gradient_unimodal"),
    ("boundary_full", "boundary_fused"),
];
/// How a measure of the disturbed input of a single modality began, and begins.
const NOISE: (&str, &str) = ("noise_alone_", "noise_unimodal_");

/// Where accesses to the test split of a run are recorded: by earlier versions, and now.
pub const TEST_ACCESSES: [&str; 2] = ["looks.jsonl", "test_accesses.jsonl"];

/// Today's name of a row of scores.
pub(crate) fn row(name: &str) -> &str {
    if name == "full" { "fused" } else { name }
}

/// An event under today's names. What people named themselves stays: names of
/// modalities and classes are values, or keys under one of `class_iou`'s rows.
pub(super) fn event(event: Value) -> Value {
    let Value::Object(fields) = event else { return event };
    let named = |(field, value): (String, Value)| {
        let value = match (field.as_str(), value) {
            (
                "train" | "val" | "losses" | "row_samples" | "scores" | "confusion" | "class_iou",
                Value::Object(rows),
            ) => Value::Object(keys(rows)),
            ("diagnostics" | "strategy", Value::Object(whose)) => {
                let measures =
                    |value| if let Value::Object(of) = value { Value::Object(keys(of)) } else { value };
                Value::Object(keys(whose).into_iter().map(|(name, value)| (name, measures(value))).collect())
            }
            (_, value) => value,
        };
        (today(&field), value)
    };
    Value::Object(fields.into_iter().map(named).collect())
}

fn keys(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(name, value)| (today(&name), value)).collect()
}

fn today(name: &str) -> String {
    let renamed = NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| (*new).to_owned());
    let noise = || Some(format!("{}{}", NOISE.1, name.strip_prefix(NOISE.0)?));
    renamed.or_else(noise).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_earlier_versions_are_read() {
        let old = r#"{"event":"epoch","val":{"full":{"accuracy":0.5},"a":{"accuracy":0.25}},"losses":{"full":1.0},
            "diagnostics":{"full":{"noise_1":0.5},"a":{"gradient_full":1.0,"gradient_solo":2.0,"noise_alone_1":0.5}},
            "strategy":{"full":{"weight":0.5}}}"#;
        let now = r#"{"event":"epoch","val":{"fused":{"accuracy":0.5},"a":{"accuracy":0.25}},"losses":{"fused":1.0},
            "diagnostics":{"fused":{"noise_1":0.5},"a":{"gradient_fused":1.0,"gradient_unimodal":2.0,"noise_unimodal_1":0.5}},
            "strategy":{"fused":{"weight":0.5}}}"#;
        let [old, now] = [old, now].map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(event(old), now);
        assert_eq!(event(now.clone()), now);
        // A class may be called as a row is.
        let class: Value =
            serde_json::from_str(r#"{"event":"test","class_iou":{"fused":{"full":0.5}}}"#).unwrap();
        assert_eq!(event(class.clone()), class);
    }
}
