//! The toy study that the tests of studies share.

use std::fs;

use serde_json::Value;

use crate::support::{Said, Toy};

pub const SPEC: &str = r#"
config = "toy.toml"
seeds = [3, 5]
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[references]
average = true
"#;

pub fn toy(spec: &str) -> Toy {
    let toy = Toy::new();
    toy.write("study.toml", spec);
    toy
}

pub fn compare(toy: &Toy, out: &str, more: &[&str]) -> Said {
    toy.run(&[&["compare", "study.toml", "--out", out, "--quiet"], more].concat())
}

pub fn record(toy: &Toy, out: &str) -> Value {
    serde_json::from_slice(&toy.bytes(&format!("{out}/study.json"))).unwrap()
}

pub fn looks(toy: &Toy, run: &str) -> usize {
    fs::read_to_string(toy.dir.join(run).join("test_accesses.jsonl")).map_or(0, |text| text.lines().count())
}
