//! A word says where to compute; what is not there is refused before anything is written.

mod support;

use support::Toy;

#[test]
fn a_device_that_is_not_there_is_refused_and_leaves_no_folder() {
    let toy = Toy::new();
    let known = ["device \"tpu\"", "cpu, cuda, metal, rocm, vulkan, wgpu"];
    toy.train(&["--device", "tpu"]).fails(3, &known);
    toy.train(&["--set", "train.device=tpu"]).fails(3, &known);
    // Either this build lacks the back end, or the machine this many of its processors.
    toy.train(&["--device", "cuda:4096"]).fails(3, &["device \"cuda:4096\"", "cpu"]);
    assert!(!toy.dir.join("run").exists());
    toy.train(&[]).succeeds();
    for command in [&["evaluate", "run"][..], &["predict", "run", "--audio", "0.wav"]] {
        toy.run(&[command, &["--device", "tpu"]].concat()).fails(3, &known);
    }
    assert!(!toy.dir.join("run/test_accesses.jsonl").exists());
}

#[test]
fn a_run_moves_to_the_device_that_a_resume_names() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let short = ["--set", "train.epochs=2", "--device", "cpu"];
    toy.run(&[&["train", "toy.toml", "--out", "moved"], &short[..]].concat()).succeeds();
    // The device is in the configuration, so that this is a change of it wherever there is no GPU.
    let on = ["train", "--resume", "--out", "moved", "--set", "train.epochs=4", "--device", "auto"];
    toy.run(&on).succeeds();
    let config = String::from_utf8(toy.bytes("moved/config.toml")).unwrap();
    assert!(config.contains("device = \"auto\""), "{config}");
    if cfg!(not(any(
        feature = "cuda",
        feature = "rocm",
        feature = "vulkan",
        feature = "metal",
        feature = "wgpu"
    ))) {
        let last = |run: &str| toy.bytes(&format!("{run}/checkpoints/last.safetensors"));
        assert_eq!(last("run"), last("moved"));
    }
}

#[test]
fn devices_lists_the_cpu_first_and_run_folders_name_it() {
    let toy = Toy::new();
    let listed: serde_json::Value =
        serde_json::from_str(&toy.run(&["devices", "--json"]).succeeds().out).unwrap();
    assert_eq!(listed["devices"][0]["name"], "cpu");
    toy.train(&[]).succeeds();
    let info: serde_json::Value = serde_json::from_slice(&toy.bytes("run/run.json")).unwrap();
    assert_eq!(info["environment"]["device"], "cpu");
    assert!(info["environment"]["burn"].as_str().unwrap().ends_with("(flex)"), "{info}");
}
