//! Encoders that start from files of torch, and weights for other programs.

mod support;

use std::fs;
use std::path::Path;

use counterpoint::weights::{self, Weights};
use support::Toy;

/// The toy with two ResNet-18 of width 2, which start from torch's file.
fn toy() -> Toy {
    let toy = Toy::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/tests/weights/narrow.pth");
    fs::copy(file, toy.dir.join("narrow.pth")).unwrap();
    toy.edit(
        "toy.toml",
        r#"encoder = { name = "conv-net", channels = [4, 8] }"#,
        r#"encoder = { name = "resnet18", width = 2, pretrained = "narrow.pth" }"#,
    );
    toy
}

fn read(toy: &Toy, name: &str) -> Weights {
    weights::read(&toy.dir.join(name)).unwrap()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_run_starts_from_torchs_weights_and_gives_them_back_under_torchs_names() {
    let toy = toy();
    // So slow that what comes out is what went in.
    toy.train(&["--set", "optimizer.lr=1e-12", "--set", "train.epochs=1"]).succeeds();
    let args = ["export-weights", "run", "--out", "audio.safetensors", "--part", "encoder.audio"];
    let said = toy.run(&[&args[..], &["--checkpoint", "last"]].concat());
    assert!(said.succeeds().out.contains("audio.safetensors: 100 tensors"), "{}", said.out);
    let (torch, ours) = (read(&toy, "narrow.pth"), read(&toy, "audio.safetensors"));
    let beside = |name: &&String| !name.starts_with("fc.") && !name.ends_with("num_batches_tracked");
    assert!(ours.keys().eq(torch.keys().filter(beside)));
    let name = "layer4.1.conv2.weight";
    assert_eq!(ours[name].shape, torch[name].shape);
    assert!(furthest(&ours[name].values, &torch[name].values) < 1e-6);
    assert_eq!(ours["conv1.weight"].shape, [2, 1, 7, 7], "summed over colours");
    let moved = furthest(&ours["bn1.running_mean"].values, &torch["bn1.running_mean"].values);
    assert!(moved > 1e-3, "statistics follow the run's own data");

    toy.edit("toy.toml", r#", pretrained = "narrow.pth""#, "");
    toy.run(&["train", "toy.toml", "-q", "--out", "random", "--set", "train.epochs=1"]).succeeds();
    toy.run(&["export-weights", "random", "--out", "random.safetensors", "--part", "encoder.audio"])
        .succeeds();
    let random = read(&toy, "random.safetensors");
    assert!(
        furthest(&random[name].values, &torch[name].values) > 0.1,
        "without the file it starts elsewhere"
    );
}

#[test]
fn the_whole_model_is_exported_too() {
    let toy = toy();
    toy.train(&["--set", "train.epochs=1"]).succeeds();
    toy.run(&["export-weights", "run", "--out", "all.safetensors"]).succeeds();
    let all = read(&toy, "all.safetensors");
    for name in ["encoder.audio.conv1.weight", "encoder.image.layer4.1.bn2.running_var", "head.bias"] {
        assert!(all.contains_key(name), "{name}");
    }
    assert!(all.keys().all(|name| !name.contains('/')), "no optimizer, no strategy");
    let wrong = ["export-weights", "run", "--out", "x.safetensors", "--part", "encoder.adio"];
    toy.run(&wrong).fails(2, &["encoder.adio", "did you mean `encoder.audio`"]);
}

#[test]
fn files_that_are_missing_or_of_another_network_are_refused_by_name() {
    let toy = toy();
    toy.edit("toy.toml", "width = 2", "width = 4");
    toy.train(&[]).fails(
        3,
        &["encoder of `audio`", "narrow.pth", "`conv1.weight` has shape [2, 3, 7, 7]", "needs [4, 1, 7, 7]"],
    );
    toy.edit("toy.toml", "narrow.pth", "nowhere.pth");
    toy.train(&[]).fails(7, &["nowhere.pth"]);
    toy.write("nowhere.pth", "hello");
    toy.train(&[]).fails(3, &["nowhere.pth", "neither a file of torch.save nor of safetensors"]);
}
