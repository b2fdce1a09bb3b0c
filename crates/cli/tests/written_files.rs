//! What commands write for the user never costs what a run recorded.

mod support;

use std::fs;
use std::path::Path;

use support::Toy;

/// Every file below a folder with its bytes, but for the report.
fn state(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push((path.display().to_string(), Vec::new()));
            all.extend(state(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn no_command_overwrites_a_record_or_writes_between_records() {
    let toy = Toy::new();
    toy.train(&["--test"]).succeeds();
    let before = state(&toy.dir.join("run"));
    let mut places: Vec<String> =
        ["config.toml", "run.json", "metrics.jsonl", "steps.jsonl", "samples.jsonl", "test_accesses.jsonl"]
            .map(|name| format!("run/{name}"))
            .into();
    places.extend(["run/predictions.npz", "run/lock", "run/checkpoints/last.safetensors"].map(String::from));
    places.extend(
        ["run/checkpoints/new", "run/checkpoints/../config.toml", "run/tensorboard/x"].map(String::from),
    );
    places.push(toy.path("run/checkpoints/best.safetensors"));
    std::os::unix::fs::symlink(toy.dir.join("run/config.toml"), toy.dir.join("link")).unwrap();
    std::os::unix::fs::symlink(toy.dir.join("run/checkpoints"), toy.dir.join("folder")).unwrap();
    places.extend(["link", "folder/mine"].map(String::from));
    for place in &places {
        for force in [&[][..], &["--force"]] {
            let refused = |args: &[&str]| {
                toy.run(&[args, &["--out", place], force].concat())
                    .fails(2, &["records of", "choose another --out"]);
            };
            refused(&["export-weights", "run"]);
            refused(&["export", "run", "--split", "test"]);
            refused(&["report", "run"]);
        }
    }
    toy.run(&["report", "run", "--out", "r.html", "--assets", "run/checkpoints"]).fails(2, &["records of"]);
    assert_eq!(before, state(&toy.dir.join("run")));
    assert!(!toy.dir.join("r.html").exists(), "all or nothing");
}

#[test]
fn other_files_are_replaced_only_with_force() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    toy.write("mine", "mine");
    for args in [
        &["export-weights", "run"][..],
        &["export", "run", "--split", "val"],
        &["report", "run"],
        &["predict", "run", "--image", "0.png"],
    ] {
        toy.run(&[args, &["--out", "mine"]].concat()).fails(2, &["mine", "--force"]);
        assert_eq!(toy.bytes("mine"), b"mine");
    }
    toy.run(&["export-weights", "run", "--out", "mine", "--force"]).succeeds();
    assert_ne!(toy.bytes("mine"), b"mine");
    toy.run(&["report", "run", "--out", "toy.toml/x", "--force"]).fails(7, &["toy.toml/x"]);
    toy.run(&["report", "run", "--out", "/dev/null", "--force"]).fails(2, &["not a regular file"]);
    // A folder's own report is made anew.
    toy.run(&["report", "run"]).succeeds();
    toy.run(&["report", "run"]).succeeds();
    toy.run(&["report", "run", "--assets", "paper"]).succeeds();
    toy.run(&["report", "run", "--assets", "paper"]).fails(2, &["paper", "--force"]);
    toy.run(&["report", "run", "--assets", "paper", "--force"]).succeeds();
}

#[test]
fn a_refused_start_leaves_nothing_behind() {
    let toy = Toy::new();
    let before = state(&toy.dir);
    let refused: [(i32, &[&str]); 4] = [
        (3, &["--set", "model.unimodal_heads=true"]),
        (3, &["--set", "model.encoder.channels=[]"]),
        (4, &["--set", "data.root=nowhere.csv"]),
        (3, &["--set", "data.batch_size=0"]),
    ];
    for (code, more) in refused {
        for out in ["run", "deep/er/run"] {
            let said = toy.run(&[&["train", "toy.toml", "--out", out], more].concat());
            assert_eq!(said.code, code, "{more:?}: {}", said.err);
        }
    }
    toy.write("study.toml", "config = \"toy.toml\"\nseeds = 1\n[methods]\ndgl = { strategy.name = \"dgl\", model.encoder.channels = [] }\n");
    toy.run(&["compare", "study.toml", "--out", "studies/x"]).fails(3, &["method `dgl`"]);
    fs::remove_file(toy.dir.join("study.toml")).unwrap();
    assert_eq!(before, state(&toy.dir));
    // What somebody else has in the folder stays.
    fs::create_dir(toy.dir.join("run")).unwrap();
    toy.write("run/notes", "mine");
    toy.train(&["--set", "model.unimodal_heads=true"]).fails(3, &["would never learn"]);
    assert_eq!(toy.bytes("run/notes"), b"mine");
    assert!(!toy.dir.join("run/config.toml").exists());
    toy.train(&["--set", "train.epochs=1"]).succeeds();
}

#[test]
fn names_that_stand_for_something_else_are_refused() {
    for (name, why) in [("full", "all modalities together"), ("a/b", "`/`"), ("a+b", "`+`"), ("a.b", "`.`")] {
        let toy = Toy::new();
        toy.edit("clips.csv", "audio,image", &format!("{name},image"));
        toy.edit("toy.toml", "[data.modality.audio]", &format!("[data.modality.\"{name}\"]"));
        toy.train(&[]).fails(3, &[&format!("modality `{name}`"), why]);
        assert!(!toy.dir.join("run").exists());
    }
    let toy = Toy::new();
    let clips = String::from_utf8(toy.bytes("clips.csv")).unwrap();
    toy.write("clips.csv", &clips.replace(",low,", ",l\u{1b}[2Jow,"));
    let said = toy.train(&[]);
    said.fails(3, &["class `", r"\u{1b}[2J"]);
    assert!(!said.err.contains('\u{1b}'), "{:?}", said.err);
    // Classes share no record with modalities.
    for class in ["full", "1.0", "N/A", "C++", "2:1"] {
        toy.write("clips.csv", &clips.replace(",low,", &format!(",{class},")));
        toy.run(&["train", "toy.toml", "--dry-run"]).succeeds();
    }
    toy.train(&["--set", "data.modalities=['full']"]).fails(3, &["`modalities` names `full`"]);
    // A sample may be called anything; the terminal does not obey it.
    toy.write("clips.csv", &clips.replace("clip3,", "\u{1b}[2Jclip3,"));
    fs::write(toy.dir.join("3.wav"), b"").unwrap();
    let said = toy.train(&[]);
    said.fails(4, &["\u{fffd}[2Jclip3"]);
    assert!(!said.err.contains('\u{1b}'));
}

#[test]
fn a_run_that_is_not_there_is_told_before_the_place_of_the_file() {
    let toy = Toy::new();
    for args in [&["export", "none", "--split", "val"][..], &["export-weights", "none"]] {
        toy.run(&[args, &["--out", "none/x.out"]].concat()).fails(7, &["none is not a run folder"]);
    }
}
