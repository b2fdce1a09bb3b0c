//! Training on after the end, and from the weights of another run.

mod support;

use support::{Toy, said};

fn epochs(toy: &Toy, run: &str) -> Vec<u64> {
    let text = String::from_utf8(toy.bytes(&format!("{run}/metrics.jsonl"))).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.filter(|e| e["event"] == "epoch").map(|e| e["epoch"].as_u64().unwrap()).collect()
}

#[test]
fn a_finished_run_trains_on_to_the_bits_of_a_longer_one() {
    let toy = Toy::new();
    for (schedule, same) in [
        ("{ name = \"constant\" }", true),
        ("{ name = \"step\", every = 3 }", true),
        ("{ name = \"multi-step\", milestones = [2, 5] }", true),
        // The rate of the first epochs depended on the total.
        ("{ name = \"cosine\" }", false),
    ] {
        let name = schedule.split('"').nth(1).unwrap();
        let set = format!("schedule={schedule}");
        let (long, short) = (format!("long-{name}"), format!("short-{name}"));
        toy.run(&["train", "toy.toml", "--out", &long, "--set", &set, "--set", "train.epochs=7"]).succeeds();
        toy.run(&["train", "toy.toml", "--out", &short, "--set", &set]).succeeds();
        let more = toy.run(&["train", "--resume", "--out", &short, "--set", "train.epochs=7"]);
        assert!(more.succeeds().err.contains("7 epochs instead of 4, 4 of them done"), "{}", more.err);
        assert_eq!(
            more.err.contains("cosine schedule is now stretched over 7 epochs"),
            !same,
            "{}",
            more.err
        );
        for file in ["last", "best"] {
            let bytes = |run: &str| toy.bytes(&format!("{run}/checkpoints/{file}.safetensors"));
            if same || file == "last" {
                assert_eq!(bytes(&long) == bytes(&short), same, "{name} {file}");
            }
        }
        assert_eq!(epochs(&toy, &short), [0, 1, 2, 3, 4, 5, 6, 7]);
        let config = String::from_utf8(toy.bytes(&format!("{short}/config.toml"))).unwrap();
        assert!(config.contains("epochs = 7"), "{config}");
        toy.run(&["train", &short, "--resume"]).succeeds();
    }
}

#[test]
fn only_the_length_may_change_and_not_below_what_is_done() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let resume = |set: &str| toy.run(&["train", "--resume", "--out", "run", "--set", set]);
    resume("train.epochs=3").fails(3, &["train.epochs = 3", "4 epochs are done"]);
    resume("optimizer.lr=0.1").fails(3, &["optimizer.lr = 0.1, was 0.05"]);
    resume("schedule.name=cosine").fails(3, &["schedule"]);
    // Once the test split was accessed, the decision to train on depends on it.
    toy.run(&["evaluate", "run"]).succeeds();
    let more = toy.run(&["train", "--resume", "--out", "run", "--set", "train.epochs=6", "--test"]);
    assert!(more.succeeds().err.contains("was accessed before"), "{}", more.err);
    let looks = || String::from_utf8(toy.bytes("run/test_accesses.jsonl")).unwrap().lines().count();
    assert_eq!(looks(), 2, "the longer run has a look of its own");
    toy.run(&["train", "--resume", "--out", "run", "--test"]).succeeds();
    assert_eq!(looks(), 2);
    toy.run(&["train", "run"]).fails(2, &["is a folder", "counterpoint train --resume --out run"]);
    for (option, key) in [("--lr", "optimizer.lr"), ("--epochs", "train.epochs"), ("--seed", "train.seed")] {
        toy.run(&["train", "toy.toml", option, "3"]).fails(2, &[&format!("--set {key}=VALUE")]);
    }
}

#[test]
fn a_run_starts_from_the_weights_of_another() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let start = |out: &str, more: &[&str]| {
        let common =
            ["train", "toy.toml", "--out", out, "--set", "train.epochs=1", "--set", "optimizer.lr=1e-30"];
        said(toy.command(&[&common[..], more].concat()).output().unwrap())
    };
    // A rate of next to nothing: what is there after an epoch is what was there before.
    start("on", &["--set", "model.from={ run = 'run', checkpoint = 'last' }"]).succeeds();
    let tensors = |run: &str| {
        toy.run(&["export-weights", run, "--checkpoint", "last", "--out", &format!("{run}.st")]).succeeds();
        counterpoint::weights::read(&toy.dir.join(format!("{run}.st"))).unwrap()
    };
    let (from, on) = (tensors("run"), tensors("on"));
    let weights = |w: &counterpoint::weights::Weights| -> Vec<_> {
        w.iter().filter(|(n, _)| !n.contains("running")).map(|(n, a)| (n.clone(), a.clone())).collect()
    };
    assert_eq!(weights(&from), weights(&on));
    start("fresh", &[]).succeeds();
    assert_ne!(weights(&from), weights(&tensors("fresh")), "the comparison can fail");

    let wider =
        ["--set", "model.from=run", "--set", "model.encoders.audio={ name = 'conv-net', channels = [4, 6] }"];
    start("wide", &wider)
        .fails(3, &["model.from = run", "encoder.audio (", "head", "parts = [\"encoder.image\"]"]);
    let some = [&wider[2..], &["--set", "model.from={ run = 'run', parts = ['encoder.image'] }"]].concat();
    start("some", &some).succeeds();
    start("none", &["--set", "model.from={ run = 'run', parts = ['encoder.adio'] }"])
        .fails(3, &["no part `encoder.adio`", "encoder.audio"]);
    start("gone", &["--set", "model.from=nowhere"]).fails(3, &["model.from", "does not exist"]);
    start("typo", &["--set", "model.from={ rnu = 'run' }"])
        .fails(3, &["[model.from]", "did you mean `run`?"]);
    // The written configuration says where the weights came from, and trains again.
    toy.run(&["train", "on/config.toml", "--out", "again"]).succeeds();
    assert_eq!(toy.bytes("on/config.toml"), toy.bytes("again/config.toml"));
    assert_eq!(toy.bytes("on/checkpoints/last.safetensors"), toy.bytes("again/checkpoints/last.safetensors"));
}
