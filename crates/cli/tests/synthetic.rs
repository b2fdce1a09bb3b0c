//! What made-up data show in seconds: where DGL has nothing to learn from, and what the gate does about it.

mod support;

use serde_json::Value;
use support::Toy;

const SUPPRESSOR: &str = r#"
[data]
name = "suppressor"
[model]
encoder = { name = "mlp", widths = [64, 32] }
[strategy]
name = "joint"
[optimizer]
name = "sgd"
lr = 0.02
momentum = 0.9
[schedule]
name = "multi-step"
milestones = [15]
[train]
epochs = 20
tensorboard = false
"#;

/// Accuracy on the test split after the last epoch.
fn accuracy(toy: &Toy, config: &str, run: &str, sets: &[&str]) -> f64 {
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    toy.run(&[&["train", config, "--out", run, "--quiet"], &sets[..]].concat()).succeeds();
    let said = toy.run(&["evaluate", run, "--json"]);
    let said: Value = serde_json::from_str(&said.succeeds().out).unwrap();
    said["last"]["scores"]["fused"]["accuracy"].as_f64().unwrap()
}

#[test]
fn a_suppressor_is_what_dgl_cannot_do_and_the_gate_can() {
    let toy = Toy::new();
    toy.write("suppressor.toml", SUPPRESSOR);
    let of = |run: &str, sets: &[&str]| accuracy(&toy, "suppressor.toml", run, sets);
    let joint = of("joint", &[]);
    let dgl = of("dgl", &["strategy.name=dgl"]);
    let gated = of("gated", &["strategy.name=dgl", "strategy.gate=credit", "readout.name=cone"]);
    // Seeds 0, 1, 2: joint 100.0, 100.0, 100.0; dgl 53.6, 52.0, 50.0; gated 99.8, 99.9, 94.5.
    assert!(joint > 0.98 && dgl < 0.7 && gated > 0.9, "joint {joint}, dgl {dgl}, gated {gated}");
}

#[test]
fn a_product_needs_a_fusion_that_is_not_a_sum() {
    let toy = Toy::new();
    toy.write("xor.toml", &SUPPRESSOR.replace("suppressor", "xor").replace("0.02", "0.05"));
    let of = |run: &str, sets: &[&str]| accuracy(&toy, "xor.toml", run, sets);
    let sum = of("sum", &[]);
    let bilinear = of("bilinear", &["model.fusion.name=bilinear"]);
    assert!(sum < 0.65 && bilinear > 0.95, "sum {sum}, bilinear {bilinear}");
}
