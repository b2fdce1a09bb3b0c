//! `leaks`.

use std::fs;

use serde_json::Value;

use crate::support::Toy;

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
