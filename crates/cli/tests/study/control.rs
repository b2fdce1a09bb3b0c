//! The controls that a study trains beside DGL.

use std::collections::BTreeMap;

use counterpoint_report::predictions::PredictionFile;

use crate::support::Toy;
use crate::toy::*;

/// The configurations that a study of one seed and one epoch writes, by method, and its notes.
fn planned(toy: &Toy, out: &str, spec: &str) -> (BTreeMap<String, toml::Table>, String) {
    toy.write("study.toml", spec);
    compare(toy, out, &["--set", "train.epochs=1"]).succeeds();
    let study = record(toy, out);
    let places = study["runs"].as_array().unwrap().iter().map(|run| run["place"].as_str().unwrap());
    // What is made of other runs has no configuration.
    let places = places.filter(|place| toy.dir.join(out).join(place).join("config.toml").exists());
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
    assert_eq!(methods, ["dgl", "joint", "unimodal-audio", "unimodal-image"]);
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
    assert_eq!(get("unimodal-image-lr-matched", "encoder_factor").as_float(), Some(8.0));
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
fn a_readout_brings_its_own_controls() {
    let toy = Toy::new();
    let spec = SMALL.replace("average = false", "matched = false\nlr_all = false");
    let methods = "dgl = { strategy.alpha = 2.0 }\ncone = { readout.name = \"cone\" }\n";
    let (runs, _) = planned(&toy, "study", &format!("{spec}{methods}"));
    let names: Vec<&str> = runs.keys().map(String::as_str).collect();
    let trained = ["cone", "dgl", "joint", "joint-readout", "joint-with-val", "unimodal-audio-with-val"];
    assert!(trained.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(names.contains(&"unimodal-audio") && names.contains(&"unimodal-image"), "{names:?}");
    let has = |method: &str| runs[method].contains_key("readout");
    assert_eq!(["dgl", "joint", "joint-readout", "cone"].map(has), [false, false, true, true]);
    assert!(has("unimodal-audio") && !has("unimodal-audio-with-val"));
    assert_eq!(runs["joint-with-val"]["train"]["with_val"].as_bool(), Some(true));
    let study = record(&toy, "study");
    let late =
        |name: &str| study["runs"].as_array().unwrap().iter().find(|r| r["method"] == name).unwrap().clone();
    for name in ["late-readout", "late-average", "late-average-with-val"] {
        assert_eq!(late(name)["state"]["state"], "finished", "{name}");
    }
    // The two averages are of different models.
    let scores = |name: &str| {
        let file = toy.dir.join("study").join(late(name)["place"].as_str().unwrap()).join("predictions.npz");
        PredictionFile::read(file).unwrap().checkpoints["last"].scores["fused"].values.clone()
    };
    assert_ne!(scores("late-average"), scores("late-average-with-val"));
    let report = toy.run(&["report", "study"]);
    report.succeeds();
    let page = String::from_utf8(toy.bytes("study/report.html")).unwrap();
    assert!(page.contains("Readouts") && page.contains("fused, without the readout"));
    assert!(page.contains("gaps of cone to what could have brought them"));
    let said = report.out.lines().find(|line| line.starts_with("cone is ")).unwrap();
    assert!(said.contains("joint-readout (") && said.contains("unimodal-audio-with-val ("), "{said}");
    // Switched off, there are none.
    let off = spec.replace("matched", "readout = false\nmatched");
    let (runs, _) = planned(&toy, "off", &format!("{off}{methods}"));
    assert!(!runs.contains_key("joint-readout") && !runs["unimodal-audio"].contains_key("readout"));
}
