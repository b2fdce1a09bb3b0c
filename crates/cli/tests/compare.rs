//! Studies: compare, ablate, sweep, leaks. One file, because all are told by the same toy study.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use support::{Said, Toy, said};

const SPEC: &str = r#"
config = "toy.toml"
seeds = [3, 5]
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[references]
average = true
"#;

fn toy(spec: &str) -> Toy {
    let toy = Toy::new();
    toy.write("study.toml", spec);
    toy
}

fn compare(toy: &Toy, out: &str, more: &[&str]) -> Said {
    toy.run(&[&["compare", "study.toml", "--out", out, "--quiet"], more].concat())
}

fn record(toy: &Toy, out: &str) -> Value {
    serde_json::from_slice(&toy.bytes(&format!("{out}/study.json"))).unwrap()
}

/// Everything that a study found and that may not depend on interruptions:
/// checkpoints, and records without times, ends and starts.
fn results(toy: &Toy, out: &str) -> BTreeMap<String, Vec<u8>> {
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

fn looks(toy: &Toy, run: &str) -> usize {
    fs::read_to_string(toy.dir.join(run).join("looks.jsonl")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_comparison_trains_methods_and_references_and_tests_each_once() {
    let toy = toy(SPEC);
    let first = compare(&toy, "study", &[]);
    let table = &first.succeeds().out;
    for line in [
        "only-audio ",
        "only-image ",
        "joint ",
        "joint-lr-matched ",
        "joint-lr-all ",
        "only-audio-lr-matched",
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
    assert_eq!(steps(&config("only-audio-lr-matched/seed3")), steps(&control));
    assert_eq!(steps(&config("joint-lr-all/seed3")), [Some(0.1), Some(1.0), Some(1e-4), None]);
    assert_eq!(joint["strategy"], control["strategy"]);
    assert_eq!(config("only-image/seed5")["strategy"]["modality"].as_str(), Some("image"));
    assert_eq!(config("dgl/seed5")["train"]["seed"].as_integer(), Some(5));

    // Again: nothing is trained, nothing is looked at, nothing changes.
    let before = results(&toy, "study");
    let again = compare(&toy, "study", &["--json"]);
    let json: Value = serde_json::from_str(&again.succeeds().out).unwrap();
    assert!(
        json["methods"].as_array().unwrap().iter().any(|m| m["name"] == "dgl" && m["last"]["full"]["n"] == 2)
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

/// The configurations that a study of one seed and one epoch writes, by method, and its notes.
fn planned(toy: &Toy, out: &str, spec: &str) -> (BTreeMap<String, toml::Table>, String) {
    toy.write("study.toml", spec);
    compare(toy, out, &["--set", "train.epochs=1"]).succeeds();
    let study = record(toy, out);
    let places = study["runs"].as_array().unwrap().iter().map(|run| run["place"].as_str().unwrap());
    let config = |place: &str| -> toml::Table {
        String::from_utf8(toy.bytes(&format!("{out}/{place}/config.toml"))).unwrap().parse().unwrap()
    };
    let name = |place: &str| place.split('/').nth(1).unwrap().to_owned();
    (places.map(|place| (name(place), config(place))).collect(), study["notes"].to_string())
}

const SMALL: &str = "config = \"toy.toml\"\nseeds = [3]\n[references]\naverage = false\n[methods]\n";

#[test]
fn under_adam_alpha_cancels_and_no_control_is_trained() {
    let toy = Toy::new();
    let adam = format!("{SMALL}dgl = {{ strategy.alpha = 4.0 }}\n[optimizer]\nname = \"adam\"\nlr = 0.001\n");
    let (runs, notes) = planned(&toy, "study", &adam);
    let methods: Vec<&str> = runs.keys().map(String::as_str).collect();
    assert_eq!(methods, ["dgl", "joint", "only-audio", "only-image"]);
    assert!(notes.contains("no rate-matched control exists under Adam: alpha cancels"), "{notes}");
    // It is said when the study begins, and the report says so instead of answering.
    let again = toy.run(&["compare", "study.toml", "--out", "study", "--set", "train.epochs=1"]);
    assert!(
        again.succeeds().err.contains("note: no rate-matched control exists under Adam"),
        "{}",
        again.err
    );
    let report = toy.run(&["report", "study"]);
    assert!(report.succeeds().out.contains("no rate-matched control exists under Adam: alpha cancels"));
}

#[test]
fn controls_follow_the_optimizer_of_dgl_and_the_alpha_of_each_modality() {
    let toy = Toy::new();
    let each =
        "dgl = { strategy.alpha = { audio = 2.0, image = 8.0 }, optimizer.lr = 0.02, train.clip = 40.0 }";
    let (runs, notes) = planned(&toy, "study", &format!("{SMALL}{each}\n"));
    // Nothing can be multiplied that belongs to both; the clip ends the equality.
    assert!(!runs.contains_key("joint-lr-all"), "{:?}", runs.keys());
    assert!(
        notes.contains("alpha differs between modalities") && notes.contains("train.clip = 40"),
        "{notes}"
    );
    let get = |method: &str, key: &str| runs[method]["optimizer"][key].clone();
    assert_eq!(get("joint-lr-matched", "lr").as_float(), Some(0.02));
    assert_eq!(runs["joint-lr-matched"]["train"]["clip"].as_float(), Some(40.0));
    let table = |text: &str| text.parse::<toml::Table>().unwrap();
    assert_eq!(
        get("joint-lr-matched", "encoder_factor").as_table(),
        Some(&table("audio = 2.0\nimage = 8.0"))
    );
    let decays = get("joint-lr-matched", "encoder_weight_decay");
    assert_eq!(decays.as_table(), Some(&table("audio = 5e-5\nimage = 1.25e-5")));
    assert_eq!(get("only-image-lr-matched", "encoder_factor").as_float(), Some(8.0));
    assert_eq!(get("joint", "lr").as_float(), Some(0.05));
    let report = toy.run(&["report", "study"]);
    assert!(!report.succeeds().out.contains("not the steps of dgl"), "the control is known to match");
}

#[test]
fn controls_are_switched_one_by_one_and_a_run_of_another_configuration_is_refused() {
    let toy = Toy::new();
    let spec = |switch: &str| SMALL.replace("average = false", switch) + "dgl = { strategy.alpha = 2.0 }\n";
    let (runs, _) = planned(&toy, "one", &spec("average = false\nunimodal = false\nmatched = false"));
    assert_eq!(runs.keys().map(String::as_str).collect::<Vec<_>>(), ["dgl", "joint", "joint-lr-all"]);
    let (runs, _) = planned(&toy, "two", &spec("average = false\nunimodal = false\nlr_all = false"));
    assert_eq!(runs.keys().map(String::as_str).collect::<Vec<_>>(), ["dgl", "joint", "joint-lr-matched"]);
    // As a study made it before controls were matched.
    let place = "two/runs/joint-lr-matched/seed3/config.toml";
    toy.edit(place, "lr = 0.05", "lr = 0.1");
    compare(&toy, "two", &["--set", "train.epochs=1"])
        .fails(3, &["joint-lr-matched/seed3", "optimizer.lr = 0.05, was 0.1", "another --out"]);
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
            let alone = tests(&format!("only-{modality}/seed3"));
            let same = alone.iter().find(|t| t["checkpoint"] == test["checkpoint"]).unwrap();
            let (got, want) = (&test["scores"][modality], &same["scores"]["full"]);
            let close = |key: &str| (got[key].as_f64().unwrap() - want[key].as_f64().unwrap()).abs() < 1e-6;
            assert!(close("accuracy"), "{got} {want}");
        }
        assert!(test["scores"]["full"]["accuracy"].is_f64());
    }
    assert!(!toy.dir.join("study/runs/late-average/seed3/checkpoints").exists(), "nothing is trained");
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
    while !toy.dir.join("study/runs/only-audio/seed3/checkpoints/last.safetensors").exists() {
        sleep(Duration::from_millis(10));
    }
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    said(child.wait_with_output().unwrap()).fails(6, &["interrupted", "the same command continues"]);
    let text = String::from_utf8(toy.bytes("study/runs/only-audio/seed3/metrics.jsonl")).unwrap();
    assert!(text.lines().last().unwrap().contains("interrupted"), "{text}");
}

#[test]
fn settings_are_chosen_on_validation_and_the_others_stay_sealed() {
    let spec = r#"
config = "toy.toml"
seeds = 2
references = false
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[tune]
settings = [{ optimizer.lr = 1e-9 }, { optimizer.lr = 0.05 }]
"#;
    let toy = toy(spec);
    let out = compare(&toy, "study", &[]).succeeds().out.clone();
    assert!(out.contains("optimizer.lr = 0.05") && out.contains("for the others it stays sealed"), "{out}");
    let study = record(&toy, "study");
    for choice in study["choices"].as_array().unwrap() {
        assert_eq!(choice["setting"], 1, "a learning rate of nothing learns nothing: {choice}");
        let scores: Vec<f64> =
            choice["validation"].as_array().unwrap().iter().map(|s| s[0].as_f64().unwrap()).collect();
        assert!(scores[1] > scores[0], "{choice}");
    }
    for method in ["joint", "dgl"] {
        assert_eq!(looks(&toy, &format!("study/runs/{method}/setting0/seed0")), 0);
        assert_eq!(looks(&toy, &format!("study/runs/{method}/setting1/seed0")), 1);
        assert_eq!(looks(&toy, &format!("study/runs/{method}/setting1/seed1")), 1);
        assert!(!toy.dir.join(format!("study/runs/{method}/setting0/seed1")).exists(), "only one seed tries");
    }
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
fn another_study_in_the_same_folder_is_refused() {
    let toy = toy(&SPEC.replace("[3, 5]", "[3]"));
    compare(&toy, "study", &[]).succeeds();
    toy.edit("study.toml", "alpha = 2.0", "alpha = 3.0");
    let difference = "methods.dgl.set.strategy.alpha = 3.0, was 2.0";
    compare(&toy, "study", &[]).fails(3, &["contains a different study", difference, "another --out"]);
    toy.edit("study.toml", "alpha = 3.0", "alpha = 2.0");
    // How batches are loaded is no other study.
    compare(&toy, "study", &["--set", "data.workers=2"]).succeeds();
    compare(&toy, "study", &["--set", "train.epochs=5"]).fails(3, &["config.train.epochs = 5, was 4"]);
}

#[test]
fn mistakes_in_a_study_are_named() {
    for (from, to, parts) in [
        ("seeds =", "seed =", vec!["unknown key `seed`", "did you mean `seeds`?"]),
        ("seeds = [3, 5]", "seeds = [3, 3]", vec!["each only once"]),
        ("[3, 5]", "0", vec!["seeds = 0"]),
        ("strategy.alpha", "strategi.alpha", vec!["unknown section `strategi`", "`strategy`?"]),
        ("strategy.alpha", "strategy.alfa", vec!["method `dgl`", "`alfa`", "did you mean `alpha`?"]),
        ("dgl = {", "\"d/l\" = {", vec!["`d/l` is used as a folder name"]),
        ("average = true", "averag = true", vec!["[references]", "did you mean `average`?"]),
        ("average = true", "unimodal = false", vec!["references.average needs references.unimodal"]),
        ("config = \"toy.toml\"", "config = \"toi.toml\"", vec!["cannot read configuration", "toi.toml"]),
        ("seeds =", "baseline = \"jiont\"\nseeds =", vec!["baseline = \"jiont\"", "did you mean `joint`?"]),
        ("joint = {", "only-audio = {", vec!["`only-audio` has the name of a reference"]),
        ("alpha = 2.0 }", "alpha = 2.0, train.epochs = 9 }", vec!["unequal budgets", "[9]"]),
        (
            "[references]",
            "[tune.methods]\ndgl = [{ strategy.alpha = 1.0 }, { strategy.alpha = 2.0 }]\n[references]",
            vec!["unequal budgets", "`dgl` 2", "`joint` tries 1"],
        ),
        ("[references]", "[tune.methods]\ndgk = []\n[references]", vec!["no method `dgk`", "`dgl`?"]),
    ] {
        let toy = toy(SPEC);
        toy.edit("study.toml", from, to);
        compare(&toy, "study", &[]).fails(3, &parts);
        assert!(!toy.dir.join("study/runs").exists(), "nothing is trained: {to}");
    }
    // A refused study leaves nothing behind that a mended one would have to agree with.
    let toy = toy(&SPEC.replace("alpha = 2.0", "alfa = 2.0"));
    compare(&toy, "study", &[]).fails(3, &["`alfa`"]);
    toy.edit("study.toml", "alfa", "alpha");
    compare(&toy, "study", &["--memory-gb", "0"]).fails(2, &["--memory-gb"]);
    compare(&toy, "study", &["--set", "train.epochs=1"]).succeeds();
}

#[test]
fn a_dry_run_says_what_would_be_trained_and_writes_nothing() {
    let toy = toy(SPEC);
    let said = compare(&toy, "study", &["--dry-run"]);
    assert!(said.succeeds().out.contains("ok: only-audio, only-image,"), "{}", said.out);
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
        .filter(|file| !["grid", "mosi"].iter().any(|data| file.contains(&format!("studies/{data}"))))
        .collect();
    assert!(shipped.len() > 3, "{shipped:?}");
    for file in &shipped {
        let said = toy.run(&["compare", file, "--dry-run", "--out", "none"]);
        assert!(said.succeeds().out.starts_with("ok: only-audio"), "{}", said.out);
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
            let text = toy.bytes(&format!("study/runs/joint/fold{fold}/seed0/looks.jsonl"));
            serde_json::from_slice::<Value>(&text).unwrap()["samples"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(samples, 24);
}

#[test]
fn ablate_has_the_rows_of_the_table_and_those_it_lacks() {
    let toy = Toy::new();
    let args = ["ablate", "toy.toml", "--seeds", "1", "--alpha", "3", "--out", "ablation", "--quiet"];
    let out = toy.run(&args).succeeds().out.clone();
    for row in ["joint ", "uniloss ", "uniloss-own-heads", "MT ", "UT ", "dgl "] {
        assert!(out.lines().any(|line| line.starts_with(row)), "{row}: {out}");
    }
    let config = |row: &str| -> toml::Table {
        let text = String::from_utf8(toy.bytes(&format!("ablation/runs/{row}/seed0/config.toml"))).unwrap();
        text.parse::<toml::Table>().unwrap()["strategy"].as_table().unwrap().clone()
    };
    for (row, multimodal, unimodal) in
        [("uniloss", false, false), ("MT", true, false), ("UT", false, true), ("dgl", true, true)]
    {
        let strategy = config(row);
        assert_eq!(strategy["alpha"].as_float(), Some(3.0), "{row}");
        assert_eq!(strategy["truncate_multimodal"].as_bool(), Some(multimodal), "{row}");
        assert_eq!(strategy["truncate_unimodal"].as_bool(), Some(unimodal), "{row}");
    }
    assert_eq!(config("uniloss-own-heads")["name"].as_str(), Some("gblend"));
    // Truncations change something: no two rows end alike.
    let last = |row: &str| toy.bytes(&format!("ablation/runs/{row}/seed0/checkpoints/last.safetensors"));
    let ends: Vec<_> = ["joint", "uniloss", "MT", "UT", "dgl"].map(last).into();
    assert!((0..5).all(|i| (0..i).all(|j| ends[i] != ends[j])));
}

#[test]
fn sweep_chooses_on_validation_draws_and_keeps_the_rest_sealed() {
    let toy = Toy::new();
    let args = ["sweep", "toy.toml", "--key", "optimizer.lr=1e-9,0.05", "--key", "strategy.alpha=1,2"];
    let rest = ["--seeds", "1", "--out", "swept", "--quiet"];
    let out = toy.run(&[&args[..], &rest].concat()).succeeds().out.clone();
    assert!(out.contains("optimizer.lr = 0.05, strategy.alpha = 2"), "{out}");
    assert!(out.contains("Only the chosen setting was evaluated on the test split"), "{out}");
    let study = record(&toy, "swept");
    let chosen = study["choices"][0]["setting"].as_u64().unwrap();
    assert!(chosen >= 2, "the second learning rate learns");
    let looked: Vec<usize> =
        (0..4).map(|k| looks(&toy, &format!("swept/runs/dgl/setting{k}/seed0"))).collect();
    assert_eq!(looked.iter().sum::<usize>(), 1);
    assert_eq!(looked[chosen as usize], 1);
    let svg = String::from_utf8(toy.bytes("swept/sensitivity-strategy-alpha.svg")).unwrap();
    assert!(svg.contains("<svg") && svg.contains("validation accuracy, %"));
    toy.run(&["sweep", "toy.toml", "--key", "optimizer.lr=0.1..0.2"]).fails(2, &["--random N"]);
    toy.run(&["sweep", "toy.toml", "--key", "alpha=1"]).fails(2, &["a key is SECTION.NAME"]);
    let random =
        ["sweep", "toy.toml", "--key", "optimizer.lr=log:0.01..0.1", "--random", "2", "--draw-seed", "4"];
    let out = toy.run(&[&random[..], &["--seeds", "1", "--out", "drawn", "--quiet"]].concat());
    assert!(out.succeeds().out.contains("optimizer.lr = 0.0"), "{}", out.out);
}

#[test]
fn leaks_are_reported_and_refused_only_when_asked() {
    let toy = Toy::new();
    let clean = toy.run(&["leaks", "toy.toml", "--strict"]);
    assert!(
        clean.succeeds().out.contains("ok: no group and no file content is in two splits"),
        "{}",
        clean.out
    );
    assert!(clean.out.contains("note: the samples have no groups"));
    // Clip 0 trains, clip 6 is tested: now they sound alike.
    fs::copy(toy.dir.join("0.wav"), toy.dir.join("6.wav")).unwrap();
    let text = String::from_utf8(toy.bytes("clips.csv")).unwrap();
    let grouped: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| {
            format!("{line},{}", if i == 0 { "group".to_owned() } else { format!("g{}", i % 5) })
        })
        .collect();
    toy.write("clips.csv", &(grouped.join("\n") + "\n"));
    let found = toy.run(&["leaks", "toy.toml"]);
    let out = &found.succeeds().out;
    assert!(out.contains("leak: 5 groups have samples in more than one split: g0 (train"), "{out}");
    assert!(
        out.contains(
            "leak: modality audio: samples of train and test have equal content, cases: 1: clip0 = clip6"
        ),
        "{out}"
    );
    // Clip 2 trains, clip 4 validates: the same picture, grey in the one file, in colours in the other.
    let picture = counterpoint_data::Bitmap::read(&toy.dir.join("2.png")).unwrap();
    fs::write(toy.dir.join("4.png"), picture.with_channels(3).to_png().unwrap()).unwrap();
    let decoded =
        "leak: modality image: samples of train and val have equal content, cases: 1: clip2 = clip4";
    let found = toy.run(&["leaks", "toy.toml"]);
    assert!(found.succeeds().out.contains(decoded), "{}", found.out);
    // Training says so where it decodes all files anyway.
    let noted = |how: &str| {
        let check = format!("data.check={how}");
        let args = ["train", "toy.toml", "--out", how, "--set", &check, "--set", "train.epochs=1"];
        toy.run(&args).succeeds();
        String::from_utf8(toy.bytes(&format!("{how}/run.json"))).unwrap().contains(decoded)
    };
    assert!(noted("full") && !noted("quick"));
    toy.run(&["leaks", "toy.toml", "--strict"]).fails(4, &["split_by"]);
    let json: Value =
        serde_json::from_str(&toy.run(&["leaks", "toy.toml", "--json"]).succeeds().out).unwrap();
    assert_eq!((json["leak"].as_bool(), json["groups"].as_array().unwrap().len()), (Some(true), 5));
    // A split by group keeps the groups whole.
    let split = ["leaks", "toy.toml", "--set", "data.split_by=group", "--set", "data.stratify=true"];
    assert!(!toy.run(&split).succeeds().out.contains("groups have samples"));
}
