//! Training with gradients in f16: a scale that belongs to the run, and steps that move nothing.

mod support;

use support::Toy;

const HALF: [&str; 2] = ["--set", "train.precision=f16"];

/// What the epochs of a run say of the whole model's `name`.
fn figures(toy: &Toy, run: &str, name: &str) -> Vec<f64> {
    let text = String::from_utf8(toy.bytes(&format!("{run}/metrics.jsonl"))).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let trained = events.filter(|e| e["event"] == "epoch" && e["epoch"] != 0);
    trained.map(|e| e["strategy"]["fused"][name].as_f64().expect("every epoch says it")).collect()
}

#[test]
fn gradients_that_overflow_are_skipped_recorded_and_resumed() {
    let toy = Toy::new();
    let train = |run: &str, more: &[&str]| {
        toy.run(&[&["train", "--out", run, "--quiet"], more].concat()).succeeds();
    };
    train("whole", &[&["toy.toml", "--set", "train.epochs=7"][..], &HALF].concat());
    train("again", &[&["toy.toml"][..], &HALF].concat());
    let last = |run: &str| toy.bytes(&format!("{run}/checkpoints/last.safetensors"));
    let half = last("again");
    train("again", &["--resume", "--set", "train.epochs=7"]);
    assert_eq!(last("whole"), last("again"));
    assert_eq!(figures(&toy, "whole", "loss_scale"), [65536.0; 7]);
    assert_eq!(figures(&toy, "whole", "skipped"), [0.0; 7]);

    // The scale is part of the checkpoint: with one that is much too large nothing moves until it has come down.
    let at = half.windows(7).position(|w| w == b"65536.0").expect("the scale stands in the header");
    let mut large = half;
    large[at..at + 7].copy_from_slice(b"8.0e+06");
    train("large", &[&["toy.toml"][..], &HALF].concat());
    std::fs::write(toy.dir.join("large/checkpoints/last.safetensors"), large).unwrap();
    train("large", &["--resume", "--set", "train.epochs=7"]);
    let (skipped, scale) = (figures(&toy, "large", "skipped"), figures(&toy, "large", "loss_scale"));
    assert!(skipped[4] > 0.0, "{skipped:?}");
    assert_eq!(skipped[6], 0.0, "{skipped:?}");
    assert!(scale[6] < 8e6 && scale[6] > 1.0, "{scale:?}");
    assert_ne!(last("whole"), last("large"));
}

#[test]
fn f16_without_the_kernels_is_what_f16_with_them_is() {
    let toy = Toy::new();
    let train =
        |run: &str, more: &[&str]| toy.run(&[&["train", "toy.toml", "--out", run], &HALF[..], more].concat());
    let fast = train("fast", &[]);
    assert!(fast.succeeds().err.contains("kernels do not know it"), "{}", fast.err);
    train("burn", &["--set", "engine.convolution=burn"]).succeeds();
    let bytes = |run: &str| toy.bytes(&format!("{run}/checkpoints/last.safetensors"));
    assert_eq!(bytes("fast"), bytes("burn"));
}
