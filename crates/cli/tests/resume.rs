//! Stopped at any moment, a run continues to the same bits.

mod support;

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use support::{Toy, said};

const LONG: [&str; 4] = ["--set", "train.epochs=40", "--set", "train.checkpoint_steps=2"];

fn final_bits(toy: &Toy, run: &str) -> (Vec<u8>, Vec<u8>) {
    let of = |name: &str| toy.bytes(&format!("{run}/checkpoints/{name}.safetensors"));
    (of("last"), of("best"))
}

fn train(toy: &Toy, run: &str, more: &[&str]) -> std::process::Command {
    toy.command(&[&["train", "toy.toml", "--out", run, "--resume", "--quiet"], &LONG[..], more].concat())
}

#[test]
fn kill_9_at_random_moments_changes_no_bit() {
    let toy = Toy::new();
    assert_eq!(said(train(&toy, "whole", &[]).output().unwrap()).code, 0);
    let mut kills = 0;
    for (round, workers) in [0, 1, 2, 3, 0, 2].into_iter().enumerate() {
        let workers = format!("data.workers={workers}");
        let mut child = train(&toy, "killed", &["--set", &workers]).stderr(Stdio::null()).spawn().unwrap();
        // Somewhere between start-up and the end, another place each time.
        sleep(Duration::from_millis(60 + 73 * round as u64));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills >= 2, "the run ended before it could be killed");
    assert_eq!(said(train(&toy, "killed", &[]).output().unwrap()).code, 0);
    assert_eq!(final_bits(&toy, "whole"), final_bits(&toy, "killed"));
    // Also what was recorded: every epoch once, with the same scores.
    let scores = |run: &str| -> Vec<String> {
        let text = String::from_utf8(toy.bytes(&format!("{run}/metrics.jsonl"))).unwrap();
        let epochs = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        epochs
            .filter(|e| e["event"] == "epoch")
            .map(|e| format!("{} {} {}", e["epoch"], e["val"], e["losses"]))
            .collect()
    };
    // The untrained model has a line, too.
    assert_eq!(scores("whole").len(), 41);
    assert_eq!(scores("whole"), scores("killed"));
}

#[cfg(unix)]
#[test]
fn sigterm_stops_after_the_step_and_says_how_to_continue() {
    let toy = Toy::new();
    assert_eq!(said(train(&toy, "whole", &[]).output().unwrap()).code, 0);
    let child = train(&toy, "stopped", &[]).stderr(Stdio::piped()).spawn().unwrap();
    // The checkpoint folder appears when training begins.
    while !toy.dir.join("stopped/checkpoints/last.safetensors").exists() {
        sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let stopped = said(child.wait_with_output().unwrap());
    stopped.fails(6, &["interrupted", "counterpoint train --resume --out"]);
    assert_eq!(said(toy.command(&["train", "--resume", "--out", "stopped"]).output().unwrap()).code, 0);
    assert_eq!(final_bits(&toy, "whole"), final_bits(&toy, "stopped"));
}

#[test]
fn precision_is_part_of_what_is_trained() {
    let toy = Toy::new();
    let train = |run: &str, settings: &[&str]| {
        let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", set]).collect();
        said(
            toy.command(&[&["train", "toy.toml", "--quiet", "--out", run], &settings[..]].concat())
                .output()
                .unwrap(),
        )
    };
    train("single", &[]).succeeds();
    train("bf16", &["train.precision=bf16", "train.threads=1"]).succeeds();
    train("threads", &["train.precision=bf16", "train.threads=3"]).succeeds();
    assert_eq!(final_bits(&toy, "bf16"), final_bits(&toy, "threads"));
    assert_ne!(final_bits(&toy, "bf16"), final_bits(&toy, "single"));
    let resumed =
        toy.command(&["train", "toy.toml", "--quiet", "--out", "bf16", "--resume"]).output().unwrap();
    said(resumed).fails(3, &["train.precision", "bf16", "f32"]);
    // What other devices do, on this one.
    let composed = ["train.precision=bf16", "engine.convolution=burn"];
    train("composed", &composed).succeeds();
    train("again", &composed).succeeds();
    train("burn", &["engine.convolution=burn"]).succeeds();
    assert_eq!(final_bits(&toy, "composed"), final_bits(&toy, "again"));
    assert_ne!(final_bits(&toy, "composed"), final_bits(&toy, "burn"));
}

#[test]
fn changed_data_is_noticed_before_anything_is_overwritten() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let before = toy.bytes("run/checkpoints/last.safetensors");
    std::fs::copy(toy.dir.join("1.wav"), toy.dir.join("0.wav")).unwrap();
    toy.train(&["--resume"]).fails(4, &["the data changed"]);
    assert_eq!(before, toy.bytes("run/checkpoints/last.safetensors"));
}
