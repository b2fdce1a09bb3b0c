//! A run with a readout from the command line: trained, killed, continued, read and refused.

mod support;

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use counterpoint_report::predictions::PredictionFile;
use serde_json::Value;
use support::{Toy, said};

const READOUT: [&str; 8] = [
    "--set",
    "readout.name=cone",
    "--set",
    "strategy.gate=credit",
    // Hard to satisfy, so that the gate is not simply open.
    "--set",
    "strategy.kappa=0.95",
    "--set",
    "optimizer.lr=0.01",
];

fn train(toy: &Toy, run: &str, more: &[&str]) -> std::process::Command {
    toy.command(&[&["train", "toy.toml", "--out", run, "--quiet"], &READOUT[..], more].concat())
}

fn epochs(toy: &Toy, run: &str) -> Vec<Value> {
    let text = String::from_utf8(toy.bytes(&format!("{run}/metrics.jsonl"))).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == "epoch" && line["epoch"] != 0).collect()
}

#[test]
fn a_killed_run_continues_to_the_same_bits() {
    let toy = Toy::new();
    let long = ["--resume", "--set", "train.epochs=40", "--set", "train.checkpoint_steps=2"];
    said(train(&toy, "whole", &long).output().unwrap()).succeeds();
    let mut kills = 0;
    for round in 0..4 {
        let mut child =
            train(&toy, "killed", &long).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(70 + 83 * round));
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills >= 1, "the run ended before it could be killed");
    said(train(&toy, "killed", &long).output().unwrap()).succeeds();
    for name in ["last", "best"] {
        let bits = |run: &str| toy.bytes(&format!("{run}/checkpoints/{name}.safetensors"));
        assert!(bits("whole") == bits("killed"), "{name}");
    }
    let told = |run: &str| -> Vec<String> {
        epochs(&toy, run)
            .iter()
            .map(|e| format!("{} {} {}", e["epoch"], e["readout"], e["strategy"]))
            .collect()
    };
    assert_eq!(told("whole").len(), 40);
    assert_eq!(told("whole"), told("killed"));
}

/// Numbers in double precision from a safetensors file.
fn kept(file: &[u8], name: &str) -> Vec<f64> {
    let (length, rest) = file.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: Value = serde_json::from_slice(header).unwrap();
    assert_eq!(header[name]["dtype"], "F64");
    let [begin, end] = [0, 1].map(|i| header[name]["data_offsets"][i].as_u64().unwrap() as usize);
    data[begin..end].as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

#[test]
fn every_command_reads_it() {
    let toy = Toy::new();
    let trained = said(train(&toy, "run", &[]).output().unwrap());
    let out = &trained.succeeds().out;
    for part in
        ["fused, readout (fitted on this split)", "fused, without the readout", "readout: ", "kept at epoch"]
    {
        assert!(out.contains(part), "no `{part}` in: {out}");
    }
    let last = epochs(&toy, "run").pop().unwrap();
    assert_eq!(last["readout"]["fitted_on"], "val");
    assert!(last["strategy"]["audio"]["credit"].as_f64().unwrap() <= 1.0);
    let evaluated = toy.run(&["evaluate", "run", "--split", "val", "--json"]);
    let evaluated: Value = serde_json::from_str(&evaluated.succeeds().out).unwrap();
    let scores = &evaluated["last"]["scores"];
    assert_eq!(scores["fused"]["accuracy"], last["readout"]["val"]["accuracy"]);
    assert_eq!(scores["plain:fused"], last["val"]["fused"]);
    let [ours, theirs] =
        [&scores["fused"], &last["readout"]["val"]].map(|s| s["cross_entropy"].as_f64().unwrap());
    assert!((ours - theirs).abs() < 1e-6);
    let test = toy.run(&["evaluate", "run"]);
    assert!(test.succeeds().out.contains("fused, readout  ") && !test.out.contains("fitted"), "{}", test.out);
    toy.run(&["export", "run", "--split", "val", "--out", "x.npz"]).succeeds();
    let file = PredictionFile::read(toy.dir.join("x.npz")).unwrap();
    let rows = &file.checkpoints["last"].scores;
    assert!(rows.contains_key("fused") && rows.contains_key("plain:fused"), "{:?}", rows.keys());
    let both = toy.run(&["predict", "run", "--audio", "1.wav", "--image", "1.png"]);
    assert!(both.succeeds().out.starts_with("fused, readout: "), "{}", both.out);
    assert!(both.out.contains("fused, without the readout: "));
    toy.run(&["predict", "run", "--audio", "1.wav"]).succeeds();
    let explained = toy.run(&["explain", "run"]);
    let out = &explained.succeeds().out;
    assert!(out.contains("  last: readout: ") && out.contains("kept at epoch"), "{out}");
    assert!(out.contains("Where the strategy stands after "), "{out}");
    let explained = toy.run(&["explain", "run", "--json"]);
    let explained: Value = serde_json::from_str(&explained.succeeds().out).unwrap();
    // The weights are those of the next epoch, gated by what the modalities were worth after the last.
    let credit = kept(&toy.bytes("run/checkpoints/last.safetensors"), "strategy/credit");
    assert!(credit.iter().any(|credit| *credit < 1.0), "{credit:?}");
    for (modality, credit) in ["audio", "image"].iter().zip(credit) {
        let of = |w: &&Value| w["row"] == **modality && w["group"] == format!("encoder.{modality}");
        let weights = explained["phases"][0].as_array().unwrap();
        let weight = weights.iter().find(of).map_or(0.0, |w| w["weight"].as_f64().unwrap());
        assert!((weight - 2.0 * credit).abs() < 1e-6, "{modality}: {weight}, credit {credit}");
    }
    assert!(explained["readout"]["last"]["audio"]["weight"].is_number());
    let report = toy.run(&["report", "run"]);
    let unimodal =
        report.succeeds().out.lines().find(|line| line.starts_with("Unimodal scores: ")).unwrap().to_owned();
    assert!(unimodal.contains("audio ") && !unimodal.contains("without the readout"), "{unimodal}");
}

#[test]
fn a_part_of_the_train_split_is_fitted_to_and_not_trained_on() {
    let toy = Toy::new();
    let more = ["--set", "readout.fit=0.25", "--set", "readout.rows=last"];
    let trained = said(train(&toy, "run", &more).output().unwrap());
    assert!(!trained.succeeds().out.contains("fitted on"), "{}", trained.out);
    let text = String::from_utf8(toy.bytes("run/metrics.jsonl")).unwrap();
    let start: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&start["samples"]["train"], &start["samples"]["readout"]), (&8.into(), &4.into()));
    let last = epochs(&toy, "run").pop().unwrap();
    assert_eq!((last["readout"]["fitted_on"].as_str(), last["samples"].as_u64()), (Some("train"), Some(8)));
    assert_eq!(last["readout"]["rows"]["audio"]["epoch"], 4.0);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let toy = Toy::new();
    for (set, why) in [
        ("readout.ridge=-1", "readout.ridge = -1: expected a number above 0"),
        ("readout.fit=0.9", "readout.fit = 0.9: expected \"val\", or a share of the train split"),
        ("readout.fit=test", "expected \"val\", or a share of the train split such as 0.1"),
        ("readout.rows=first", "unknown variant `first`, expected `best` or `last`"),
        (
            "train.with_val=true",
            "train.with_val = true trains on the samples that readout.fit = \"val\" is fitted to",
        ),
        ("strategy.kappa=0", "strategy.kappa = 0: expected a number above 0"),
    ] {
        said(train(&toy, "run", &["--set", set]).output().unwrap()).fails(3, &[why]);
    }
    let sets = ["--set", "strategy.kappa=0.2"];
    toy.train(&sets).fails(3, &["strategy.kappa = 0.2 does nothing without a gate; add gate = \"credit\""]);
    assert!(!toy.dir.join("run").exists());
    // Another readout is another run.
    said(train(&toy, "run", &[]).output().unwrap()).succeeds();
    let other = ["--resume", "--set", "readout.ridge=0.1"];
    said(train(&toy, "run", &other).output().unwrap()).fails(3, &["readout.ridge = 0.1, was 0.001"]);
}
