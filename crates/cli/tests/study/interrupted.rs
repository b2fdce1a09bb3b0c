//! Comparisons that are killed or stopped.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Toy, said};
use crate::toy::*;

/// Everything that a study found and that may not depend on interruptions:
/// checkpoints, and records without times, ends and starts.
pub fn results(toy: &Toy, out: &str) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut files = Vec::new();
    walk(&toy.dir.join(out).join("runs"), &mut files);
    let mut results = BTreeMap::new();
    for path in files {
        let name = path.strip_prefix(toy.dir.join(out)).unwrap().display().to_string();
        let bytes = fs::read(&path).unwrap();
        if name.ends_with("metrics.jsonl") {
            let lines = String::from_utf8(bytes).unwrap();
            let kept: Vec<String> = lines
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .filter(|event| matches!(event["event"].as_str(), Some("epoch" | "test")))
                .map(|mut event| {
                    event.as_object_mut().unwrap().remove("seconds");
                    event.as_object_mut().unwrap().remove("waiting_for_data");
                    event.to_string()
                })
                .collect();
            results.insert(name, kept.join("\n").into_bytes());
        } else if name.ends_with(".safetensors") || name.ends_with(".npz") {
            results.insert(name, bytes);
        }
    }
    results.insert("study.json".into(), toy.bytes(&format!("{out}/study.json")));
    results
}

#[test]
fn killed_at_random_moments_a_comparison_ends_with_the_same_bits() {
    let spec = SPEC.to_owned() + "[train]\nepochs = 12\ncheckpoint_steps = 2\n";
    let toy = toy(&spec);
    compare(&toy, "whole", &["--jobs", "2"]).succeeds();
    let mut kills = 0;
    for round in 0..6_u64 {
        let mut child = toy
            .command(&[
                "compare",
                "study.toml",
                "--out",
                "killed",
                "--quiet",
                "--jobs",
                if round % 2 == 0 { "2" } else { "1" },
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(300 + 211 * round));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills >= 2, "the comparison ended before it could be killed");
    compare(&toy, "killed", &[]).succeeds();
    let (whole, killed) = (results(&toy, "whole"), results(&toy, "killed"));
    assert_eq!(whole.keys().collect::<Vec<_>>(), killed.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(*bytes == killed[name], "{name} differs");
    }
    for run in ["joint/seed3", "dgl/seed5"] {
        assert_eq!(looks(&toy, &format!("killed/runs/{run}")), 1, "{run}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_stops_every_run_after_its_step() {
    let toy = toy(&(SPEC.to_owned() + "[train]\nepochs = 400\n"));
    let child = toy
        .command(&["compare", "study.toml", "--out", "study", "--jobs", "2"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !toy.dir.join("study/runs/unimodal-audio/seed3/checkpoints/last.safetensors").exists() {
        sleep(Duration::from_millis(10));
    }
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    said(child.wait_with_output().unwrap()).fails(6, &["interrupted", "the same command continues"]);
    let text = String::from_utf8(toy.bytes("study/runs/unimodal-audio/seed3/metrics.jsonl")).unwrap();
    assert!(text.lines().last().unwrap().contains("interrupted"), "{text}");
}
