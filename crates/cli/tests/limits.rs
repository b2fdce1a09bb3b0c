//! What cannot fit is refused by name before it is taken.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::Toy;

#[test]
fn sizes_beyond_the_machine_are_refused_with_numbers() {
    let toy = Toy::new();
    let begun = Instant::now();
    let cases: [(String, &[&str]); 7] = [
        (
            "model.encoder.channels=[4, 1000000000]".into(),
            &["model.encoder.channels = 1000000000", "at most 1048576"],
        ),
        (
            "model.encoder.channels=[1000000, 1000000]".into(),
            &["this model needs about", "GB, ", "are free", "weight` of shape"],
        ),
        (
            "model.fusion={ name = 'low-rank', rank = 1000000000000 }".into(),
            &["model.fusion.rank = 1000000000000"],
        ),
        ("model.head={ name = 'mlp', hidden = 99999999999 }".into(), &["model.head.hidden = 99999999999"]),
        (
            "data.modality.image.size=200000".into(),
            &["modality `image`: `size` must be from 1 to 4096", "got 200000"],
        ),
        ("train.epochs=1000000000000".into(), &["train.epochs = 1000000000000", "1000000"]),
        (
            "model.encoder={ name = 'mlp', widths = [16, 1000000, 1000000] }".into(),
            &["1000000, 1000000]", "are free"],
        ),
    ];
    for (set, parts) in cases {
        for more in [&["--dry-run"][..], &[]] {
            let said = toy.train(&[&["--set", &set], more].concat());
            said.fails(3, parts);
        }
        assert!(!toy.dir.join("run").exists(), "{set}");
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "nothing large was computed");
}

#[test]
fn keys_of_any_depth_are_read_or_refused() {
    let toy = Toy::new();
    let deep = format!("{}b=1", "a.".repeat(40_000));
    let said = toy.train(&["--set", &deep]);
    said.fails(2, &["more than 16 levels"]);
    assert!(said.err.len() < 400, "the key is not repeated whole");
    toy.train(&["--set", "train..epochs=1"]).fails(2, &["a part of the key is empty"]);
    let nested = format!("train.epochs={}1{}", "[".repeat(40_000), "]".repeat(40_000));
    let said = toy.train(&["--set", &nested]);
    assert!([2, 3].contains(&said.code), "{} {}", said.code, &said.err[..said.err.len().min(200)]);
}

#[test]
fn a_dry_run_measures_one_step() {
    let toy = Toy::new();
    let said = toy.train(&["--dry-run"]);
    assert!(said.succeeds().out.contains("a step of 4 samples took"), "{}", said.out);
    assert!(said.out.contains("4 epochs about"), "{}", said.out);
    let json: serde_json::Value =
        serde_json::from_str(&toy.train(&["--dry-run", "--json"]).succeeds().out).unwrap();
    let (step, epoch) = (json["step_seconds"].as_f64().unwrap(), json["epoch_seconds"].as_f64().unwrap());
    assert!(step > 0.0 && (epoch - 3.0 * step).abs() < 1e-9, "12 samples are 3 batches of 4");
    if cfg!(target_os = "linux") {
        assert!(json["peak_bytes"].as_u64().unwrap() > 1 << 20);
    }
}

/// A zip archive of stored parts of one byte, whose table of contents states that each
/// unpacks to `size` bytes (as zip64 does: in an extra field).
fn boastful(names: &[&str], size: u64) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for name in names {
        let start = bytes.len() as u32;
        let length = (name.len() as u16).to_le_bytes();
        // Version, flags, deflated, time and date; the check sum, and one byte of content.
        let facts = [&[45, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &[0; 4], &1_u32.to_le_bytes()].concat();
        bytes.extend([&b"PK\x03\x04"[..], &facts, &1_u32.to_le_bytes(), &length, &[0, 0]].concat());
        bytes.extend([name.as_bytes(), &[0]].concat());
        let extra = [&[1, 0, 8, 0][..], &size.to_le_bytes()].concat();
        table.extend([&b"PK\x01\x02\x2d\x00"[..], &facts, &[0xff; 4], &length].concat());
        table.extend([&(extra.len() as u16).to_le_bytes()[..], &[0; 10], &start.to_le_bytes()].concat());
        table.extend([name.as_bytes(), &extra].concat());
    }
    let count = (names.len() as u16).to_le_bytes();
    let (at, length) = ((bytes.len() as u32).to_le_bytes(), (table.len() as u32).to_le_bytes());
    bytes.extend(table);
    bytes.extend([&b"PK\x05\x06"[..], &[0; 4], &count, &count, &length, &at, &[0; 2]].concat());
    bytes
}

#[test]
fn archives_that_unpack_beyond_the_machine_are_refused_before_they_are_unpacked() {
    let toy = Toy::new();
    let begun = Instant::now();
    fs::write(toy.dir.join("set.npz"), boastful(&["voice.npy", "label.npy", "split.npy"], 1 << 45)).unwrap();
    let config = "[data]\nname = \"features\"\nroot = \"set.npz\"\nmodalities = [\"voice\"]\n\
        [model]\nencoder = { name = \"mlp\", widths = [8] }\n[strategy]\nname = \"joint\"\n\
        [optimizer]\nname = \"sgd\"\nlr = 0.1\n[train]\nepochs = 1\n";
    toy.write("set.toml", config);
    toy.run(&["train", "set.toml", "--out", "run"]).fails(4, &["set.npz", "needs 35184 GB", "are free"]);
    fs::write(toy.dir.join("net.pth"), boastful(&["net/data.pkl", "net/data/0"], 1 << 45)).unwrap();
    let said = toy.train(&["--set", "model.encoder={ name = 'resnet18', pretrained = 'net.pth' }"]);
    said.fails(3, &["net.pth", "unpacks to 70369 GB", "are free"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "nothing was unpacked");
}
