//! Train, evaluate, predict, explain.

mod support;

use support::Toy;

#[test]
fn a_run_trains_evaluates_and_predicts() {
    let toy = Toy::new();
    let trained = toy.train(&["--json"]);
    let result: serde_json::Value = serde_json::from_str(&trained.succeeds().out).unwrap();
    assert_eq!(result["last"]["epoch"], 4);
    for file in [
        "config.toml",
        "run.json",
        "metrics.jsonl",
        "checkpoints/last.safetensors",
        "checkpoints/best.safetensors",
    ] {
        assert!(toy.dir.join("run").join(file).exists(), "{file}");
    }
    assert!(!toy.dir.join("run/test_accesses.jsonl").exists(), "training must not look at the test split");

    let evaluated = toy.run(&["evaluate", "run", "--json"]);
    let result: serde_json::Value = serde_json::from_str(&evaluated.succeeds().out).unwrap();
    assert_eq!((result["split"].as_str(), result["looks"].as_u64()), (Some("test"), Some(1)));
    assert_eq!(result["last"]["scores"]["fused"]["accuracy"], 1.0, "the toy is easy");
    assert!(toy.run(&["evaluate", "run"]).succeeds().out.contains("access 2 to the test split"));
    assert_eq!(String::from_utf8(toy.bytes("run/test_accesses.jsonl")).unwrap().lines().count(), 2);

    let one = toy.run(&["predict", "run", "--audio", "7.wav", "--json"]);
    let result: serde_json::Value = serde_json::from_str(&one.succeeds().out).unwrap();
    let probabilities = result["probabilities"]["audio"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|v| v.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    let both = toy.run(&["predict", "run", "--audio", "7.wav", "--input", "image=7.png"]);
    assert!(both.succeeds().out.starts_with("fused: high"), "{}", both.out);
}

#[test]
fn a_finished_run_is_not_overwritten_and_resumes_to_itself() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let before = toy.bytes("run/checkpoints/last.safetensors");
    toy.train(&[]).fails(3, &["already holds a finished run", "another --out"]);
    toy.train(&["--resume"]).succeeds();
    assert_eq!(before, toy.bytes("run/checkpoints/last.safetensors"));
    toy.train(&["--resume", "--set", "strategy.alpha=3.0"]).fails(3, &["strategy.alpha = 3.0, was 2.0"]);
}

#[test]
fn explain_shows_the_matrix_of_dgl() {
    let toy = Toy::new();
    let out = toy.run(&["explain", "toy.toml"]).succeeds().out.clone();
    assert!(out.contains("encoder.audio learns from 2 x the unimodal loss of audio."), "{out}");
    assert!(out.contains("head learns from 1 x the fused loss."), "{out}");
    let each = toy.run(&["explain", "toy.toml", "--set", "strategy.alpha={ audio = 2, image = 0.5 }"]);
    let out = each.succeeds().out.clone();
    assert!(out.contains("encoder.audio learns from 2 x the unimodal loss of audio."), "{out}");
    assert!(out.contains("encoder.image learns from 0.5 x the unimodal loss of image."), "{out}");
    let joint = toy.run(&["explain", "toy.toml", "--set", "strategy.name=joint"]);
    assert!(joint.succeeds().out.contains("encoder.image learns from 1 x the fused loss."));
}

/// G-Blending's weights are fixed, so their means over an epoch are the weights.
#[test]
fn what_a_strategy_says_of_its_steps_is_recorded() {
    let toy = Toy::new();
    let blend = ["strategy.name=gblend", "strategy.alpha={ audio = 2, image = 4 }", "train.epochs=1"];
    let set: Vec<&str> = blend.iter().flat_map(|set| ["--set", set]).collect();
    toy.train(&set).succeeds();
    let log = String::from_utf8(toy.bytes("run/metrics.jsonl")).unwrap();
    let said = r#""strategy":{"audio":{"weight":2.0},"fused":{"weight":1.0},"image":{"weight":4.0}}"#;
    assert!(log.contains(said), "{log}");
}

#[test]
fn print_config_round_trips() {
    let toy = Toy::new();
    let first = toy.run(&["train", "toy.toml", "--print-config"]).succeeds().out.clone();
    toy.write("again.toml", &first);
    assert_eq!(first, toy.run(&["train", "again.toml", "--print-config"]).succeeds().out);
    assert!(first.contains("momentum = 0.9"), "defaults are written out: {first}");
    let alphas = ["train", "toy.toml", "--set", "strategy.alpha={ audio = 2, image = 4 }", "--print-config"];
    let each = toy.run(&alphas).succeeds().out.clone();
    toy.write("each.toml", &each);
    assert_eq!(each, toy.run(&["train", "each.toml", "--print-config"]).succeeds().out);
    assert!(each.contains("[strategy.alpha]\naudio = 2.0\nimage = 4.0"), "{each}");
}

#[test]
fn methods_compose() {
    let toy = Toy::new();
    let relearn = "strategy={ name = \"relearn\", every = 1, over = { name = \"dgl\", alpha = 2.0 } }";
    toy.run(&["train", "toy.toml", "--set", relearn]).succeeds();
    let log = String::from_utf8(toy.bytes("runs/toy-relearn-over-dgl-seed3/metrics.jsonl")).unwrap();
    assert!(log.contains("\"gap\""), "{log}");
    let printed = toy.run(&["train", "toy.toml", "--set", relearn, "--print-config"]).succeeds().out.clone();
    assert!(printed.contains("[strategy.over]\nname = \"dgl\"\nalpha = 2.0"), "{printed}");
    toy.write("again.toml", &printed);
    assert_eq!(printed, toy.run(&["train", "again.toml", "--print-config"]).succeeds().out);
    let noise = "strategy={ name = \"noise\", over = { name = \"dgl\", alpha = 0.5 } }";
    let out = toy.run(&["explain", "toy.toml", "--set", noise]).succeeds().out.clone();
    assert!(out.contains("encoder.image learns from 0.5 x the unimodal loss of image."), "{out}");
    toy.run(&["train", "toy.toml", "--set", noise, "--set", "train.epochs=1"]).succeeds();
}

#[test]
fn list_says_every_setting_of_a_part() {
    let toy = Toy::new();
    let out = toy.run(&["list", "strategy", "dgl"]).succeeds().out.clone();
    for part in
        ["alpha", "number or table of numbers", "at least 0", "default 4.0", "Weight of every unimodal loss"]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(out.contains("in every [strategy]\n  incomplete"), "{out}");
    assert!(toy.run(&["list", "train"]).succeeds().out.contains("default 10"));
    let relearn = toy.run(&["list", "strategy", "relearn"]).succeeds().out.clone();
    let over = "over                table with `name` and its settings; default { name = \"joint\" }";
    assert!(relearn.contains(over), "{relearn}");
    toy.run(&["list", "strategy", "dlg"]).fails(2, &["unknown strategy `dlg`, did you mean `dgl`?"]);
    toy.run(&["list", "stratgey"]).fails(2, &["unknown kind `stratgey`, did you mean `strategy`?"]);
    toy.run(&["list", "train", "x"]).fails(2, &["`train` is a section"]);
    let one: serde_json::Value =
        serde_json::from_str(&toy.run(&["list", "strategy", "ogm", "--json"]).succeeds().out).unwrap();
    let scores = one["settings"].as_array().unwrap().iter().find(|s| s["key"] == "scores").unwrap();
    assert_eq!(scores["values"], "\"half-bias\" or \"zero-fill\"");
}

#[test]
fn dry_run_builds_everything_and_writes_nothing() {
    let toy = Toy::new();
    let out = toy.train(&["--dry-run"]).succeeds().out.clone();
    assert!(out.contains("12 train, 6 val, 6 test samples"), "{out}");
    assert!(!toy.dir.join("run").exists());
}

#[test]
fn list_names_what_a_configuration_can_name() {
    let toy = Toy::new();
    let all: serde_json::Value = serde_json::from_str(&toy.run(&["list", "--json"]).succeeds().out).unwrap();
    for (kind, name) in
        [("strategies", "dgl"), ("encoders", "resnet18"), ("fusions", "sum"), ("data", "spoken-digits")]
    {
        assert!(all[kind].as_array().unwrap().iter().any(|e| e["name"] == name), "{kind} {name}");
    }
    assert!(toy.run(&["completions", "bash"]).succeeds().out.contains("counterpoint"));
}

#[test]
fn one_modality_alone_is_a_setting() {
    let toy = Toy::new();
    let args = ["--set", "strategy.name=unimodal", "--set", "strategy.modality=image"];
    toy.train(&args).succeeds();
    let out = toy.run(&["evaluate", "run", "--split", "val"]).succeeds().out.clone();
    assert!(out.contains("unimodal image") && !out.contains("audio"), "{out}");
}

#[test]
fn samples_may_lack_a_modality_and_scores_are_told_by_what_they_have() {
    let toy = Toy::new();
    let text = String::from_utf8(toy.bytes("clips.csv")).unwrap();
    let gaps = text.lines().enumerate().map(|(i, line)| match i % 5 {
        2 => line.rsplit_once(',').map(|(rest, _)| format!("{rest},")).unwrap(),
        _ => line.to_owned(),
    });
    toy.write("clips.csv", &(gaps.collect::<Vec<_>>().join("\n") + "\n"));
    for strategy in ["dgl", "joint", "agm", "mmpareto", "pmr"] {
        let (name, out) = (format!("strategy.name={strategy}"), format!("run-{strategy}"));
        toy.run(&["train", "toy.toml", "--out", &out, "--set", &name]).succeeds();
        let evaluated = toy.run(&["evaluate", &out, "--json"]);
        let result: serde_json::Value = serde_json::from_str(&evaluated.succeeds().out).unwrap();
        let by = result["last"]["by_presence"].as_object().unwrap();
        let count: f64 = by.values().map(|part| part["samples"].as_f64().unwrap()).sum();
        assert_eq!((by.len(), count), (2, 6.0), "{strategy}: {by:?}");
    }
}

#[test]
fn without_out_every_method_has_a_folder_of_its_own() {
    let toy = Toy::new();
    toy.run(&["train", "toy.toml"]).succeeds();
    toy.run(&["train", "toy.toml", "--set", "strategy.name=joint"]).succeeds();
    assert!(toy.dir.join("runs/toy-dgl-seed3/run.json").exists());
    assert!(toy.dir.join("runs/toy-joint-seed3/run.json").exists());
}
