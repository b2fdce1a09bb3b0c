//! Comparisons: what is trained, tested and written, and how a comparison is refused.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::interrupted::results;
use crate::toy::*;

#[test]
fn a_comparison_trains_methods_and_references_and_tests_each_once() {
    let toy = toy(SPEC);
    let first = compare(&toy, "study", &[]);
    let table = &first.succeeds().out;
    for line in [
        "unimodal-audio ",
        "unimodal-image ",
        "joint ",
        "joint-lr-matched ",
        "joint-lr-all ",
        "unimodal-audio-lr-matched",
        "dgl ",
    ] {
        let row =
            table.lines().find(|l| l.starts_with(line)).unwrap_or_else(|| panic!("no {line} in {table}"));
        assert!(row.ends_with("2/2"), "{row}");
    }
    let study = record(&toy, "study");
    let runs = study["runs"].as_array().unwrap();
    let trained: Vec<&str> =
        runs.iter().filter_map(|r| r["place"].as_str()).filter(|p| !p.contains("late-average")).collect();
    assert_eq!(trained.len(), 8 * 2);
    for place in &trained {
        assert_eq!(looks(&toy, &format!("study/{place}")), 1, "{place}");
    }
    // A matched control has alpha times the rate of encoders and an alpha-th of their decay; the other has
    // alpha times the rate of everything.
    let config = |place: &str| -> toml::Table {
        String::from_utf8(toy.bytes(&format!("study/runs/{place}/config.toml"))).unwrap().parse().unwrap()
    };
    let steps = |config: &toml::Table| {
        ["lr", "encoder_factor", "weight_decay", "encoder_weight_decay"]
            .map(|key| config["optimizer"].get(key).map(|value| value.as_float().unwrap()))
    };
    let (joint, control) = (config("joint/seed3"), config("joint-lr-matched/seed3"));
    assert_eq!(steps(&joint), [Some(0.05), Some(1.0), Some(1e-4), None]);
    assert_eq!(steps(&control), [Some(0.05), Some(2.0), Some(1e-4), Some(5e-5)]);
    assert_eq!(steps(&config("unimodal-audio-lr-matched/seed3")), steps(&control));
    assert_eq!(steps(&config("joint-lr-all/seed3")), [Some(0.1), Some(1.0), Some(1e-4), None]);
    assert_eq!(joint["strategy"], control["strategy"]);
    assert_eq!(config("unimodal-image/seed5")["strategy"]["modality"].as_str(), Some("image"));
    assert_eq!(config("dgl/seed5")["train"]["seed"].as_integer(), Some(5));

    // Again: nothing is trained, nothing is looked at, nothing changes.
    // The names of files and folders may be those of an earlier version.
    let before = results(&toy, "study");
    let [now, old] = ["unimodal", "only"].map(|word| toy.dir.join(format!("study/runs/{word}-image")));
    fs::rename(now.join("seed3/test_accesses.jsonl"), now.join("seed3/looks.jsonl")).unwrap();
    fs::rename(now, old).unwrap();
    let again = compare(&toy, "study", &["--json"]);
    let json: Value = serde_json::from_str(&again.succeeds().out).unwrap();
    assert!(
        json["methods"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["name"] == "dgl" && m["last"]["fused"]["n"] == 2)
    );
    assert_eq!(before, results(&toy, "study"));
    assert_eq!(looks(&toy, "study/runs/dgl/seed3"), 1);
    // A single run does by hand what the study did.
    let by_hand = ["train", "study/configs/dgl/seed3.toml", "--out", "hand", "--base", "."];
    toy.run(&by_hand).succeeds();
    let last = |run: &str| toy.bytes(&format!("{run}/checkpoints/last.safetensors"));
    assert_eq!(last("hand"), last("study/runs/dgl/seed3"));
    assert_ne!(last("hand"), last("study/runs/dgl/seed5"), "the seed matters");
}

#[test]
fn the_late_average_is_made_of_the_unimodal_predictions() {
    let toy = toy(SPEC);
    compare(&toy, "study", &[]).succeeds();
    let tests = |place: &str| -> Vec<Value> {
        let text = String::from_utf8(toy.bytes(&format!("study/runs/{place}/metrics.jsonl"))).unwrap();
        let events = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
        events.filter(|e| e["event"] == "test").collect()
    };
    let average = tests("late-average/seed3");
    assert_eq!(average.len(), 2);
    for test in average {
        for modality in ["audio", "image"] {
            let unimodal = tests(&format!("unimodal-{modality}/seed3"));
            let same = unimodal.iter().find(|t| t["checkpoint"] == test["checkpoint"]).unwrap();
            let (got, want) = (&test["scores"][modality], &same["scores"]["fused"]);
            let close = |key: &str| (got[key].as_f64().unwrap() - want[key].as_f64().unwrap()).abs() < 1e-6;
            assert!(close("accuracy"), "{got} {want}");
        }
        assert!(test["scores"]["fused"]["accuracy"].is_f64());
    }
    assert!(!toy.dir.join("study/runs/late-average/seed3/checkpoints").exists(), "nothing is trained");
}

#[test]
fn a_run_that_diverges_is_recorded_and_stops_no_other() {
    let spec = SPEC.replace("dgl = {", "wild = { strategy.name = \"joint\", optimizer.lr = 1e30 }\ndgl = {");
    let toy = toy(&spec);
    let out = compare(&toy, "study", &[]).succeeds().out.clone();
    assert!(out.contains("runs/wild/seed3 failed (5)") && out.contains("0/2"), "{out}");
    let study = record(&toy, "study");
    let state = |place: &str| {
        let runs = study["runs"].as_array().unwrap();
        runs.iter().find(|r| r["place"] == place).unwrap()["state"].clone()
    };
    assert_eq!(state("runs/wild/seed5")["code"], 5);
    assert_eq!(state("runs/dgl/seed5")["state"], "finished");
    // It would diverge again, so it is not tried again.
    let before = toy.bytes("study/runs/wild/seed3/metrics.jsonl");
    compare(&toy, "study", &[]).succeeds();
    assert_eq!(before, toy.bytes("study/runs/wild/seed3/metrics.jsonl"));
}

#[test]
fn a_dry_run_says_what_would_be_trained_and_writes_nothing() {
    let toy = toy(SPEC);
    let said = compare(&toy, "study", &["--dry-run"]);
    assert!(said.succeeds().out.contains("ok: unimodal-audio, unimodal-image,"), "{}", said.out);
    assert!(said.out.contains("16 runs of 4 epochs each"), "{}", said.out);
    assert!(!toy.dir.join("study").exists());
    toy.edit("study.toml", "strategy.alpha = 2.0", "strategy.alpha = -2.0");
    compare(&toy, "study", &["--dry-run"]).fails(3, &["method `dgl`"]);
    assert!(!toy.dir.join("study").exists());
}

#[test]
fn the_shipped_studies_of_shipped_data_can_be_trained() {
    let toy = toy(SPEC);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/studies");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let shipped: Vec<String> = files
        .map(|file| file.display().to_string())
        .filter(|file| !["grid", "mosi"].iter().any(|data| file.contains(data)))
        .collect();
    assert!(shipped.len() > 3, "{shipped:?}");
    for file in &shipped {
        let said = toy.run(&["compare", file, "--dry-run", "--out", "none"]);
        assert!(said.succeeds().out.starts_with("ok: "), "{}", said.out);
    }
}

#[test]
fn folds_are_variants_and_every_sample_is_tested_once() {
    let spec = "config = \"toy.toml\"\nseeds = 1\nfolds = 3\nreferences = false\n[data]\nstratify = true\n\
                [methods]\njoint = { strategy.name = \"joint\" }\n";
    let toy = toy(spec);
    let out = compare(&toy, "study", &[]).succeeds().out.clone();
    assert!(out.contains("by variant") && out.contains("fold2"), "{out}");
    let samples: u64 = (0..3)
        .map(|fold| {
            let text = toy.bytes(&format!("study/runs/joint/fold{fold}/seed0/test_accesses.jsonl"));
            serde_json::from_slice::<Value>(&text).unwrap()["samples"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(samples, 24);
}
