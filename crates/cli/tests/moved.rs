//! A run folder and its data can move, together or apart.

mod support;

use std::fs;

use support::Toy;

/// Trains a toy, and moves all of it into a folder below.
fn moved() -> Toy {
    let toy = Toy::new();
    toy.train(&["--set", "train.epochs=2", "-q"]).succeeds();
    let entries: Vec<_> = fs::read_dir(&toy.dir).unwrap().map(|e| e.unwrap().path()).collect();
    let there = toy.dir.join("there");
    fs::create_dir(&there).unwrap();
    for entry in entries {
        fs::rename(&entry, there.join(entry.file_name().unwrap())).unwrap();
    }
    toy
}

#[test]
fn a_run_that_moved_with_its_data_needs_no_option() {
    let toy = moved();
    toy.run(&["evaluate", "there/run", "--split", "val"]).succeeds();
    toy.run(&["export", "there/run", "--split", "val", "--out", "x.npz"]).succeeds();
    toy.run(&["train", "--resume", "--out", "there/run", "-q"]).succeeds();
    toy.run(&["evaluate", "there/run"]).succeeds();
}

#[test]
fn a_run_without_its_data_says_where_they_were_and_takes_their_new_place() {
    let toy = moved();
    fs::rename(toy.dir.join("there/run"), toy.dir.join("run")).unwrap();
    let lost = ["are not at", "clips.csv", "--set data.root="];
    for args in [&["evaluate", "run"][..], &["train", "--resume", "--out", "run"]] {
        toy.run(args).fails(4, &lost);
    }
    toy.run(&["export", "run", "--split", "val", "--out", "x.npz"]).fails(4, &lost);
    let now = ["--set", "data.root=there/clips.csv"];
    toy.run(&[&["evaluate", "run", "--split", "val"][..], &now].concat()).succeeds();
    toy.run(&[&["export", "run", "--split", "val", "--out", "x.npz"][..], &now].concat()).succeeds();
    toy.run(&[&["predict", "run", "--audio", "there/1.wav"][..], &now].concat()).succeeds();
    toy.run(&["evaluate", "run", "--set", "data.root=nowhere"]).fails(4, &["nowhere", "cannot be found"]);
    for (set, key, code) in [
        ("train.seed=4", "train.seed", 3),
        ("data.batch_size=2", "batch_size", 3),
        ("data.root", "data.root", 2),
    ] {
        toy.run(&["evaluate", "run", "--set", set]).fails(2, &[set]);
        toy.run(&["train", "--resume", "--out", "run", "--set", set]).fails(code, &[key]);
    }
    // A resumed run remembers the place.
    toy.run(&[&["train", "--resume", "--out", "run", "-q"][..], &now].concat()).succeeds();
    toy.run(&["evaluate", "run"]).succeeds();
}

#[test]
fn a_run_of_an_older_version_is_read() {
    let toy = Toy::new();
    toy.train(&["--set", "train.epochs=1", "-q"]).succeeds();
    let facts = String::from_utf8(toy.bytes("run/run.json")).unwrap();
    let mut facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
    assert_eq!(facts["base_from_run"], "..");
    facts.as_object_mut().unwrap().remove("base_from_run");
    toy.write("run/run.json", &facts.to_string());
    toy.run(&["evaluate", "run", "--split", "val"]).succeeds();
}

#[test]
fn two_files_for_one_modality_are_refused() {
    let toy = Toy::new();
    toy.train(&["--set", "train.epochs=1", "-q"]).succeeds();
    let twice = ["predict", "run", "--audio", "0.wav", "--input", "audio=1.wav"];
    toy.run(&twice).fails(2, &["`audio` is given twice", "0.wav", "1.wav"]);
    toy.run(&["predict", "run", "--audio", "0.wav", "--input", "image=1.png"]).succeeds();
}
