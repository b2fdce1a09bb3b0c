//! What cannot fit is refused by name before it is taken.

mod support;

use std::time::{Duration, Instant};

use support::Toy;

#[test]
fn sizes_beyond_the_machine_are_refused_with_numbers() {
    let toy = Toy::new();
    let begun = Instant::now();
    let cases: [(String, &[&str]); 7] = [
        (
            "model.encoder.channels=[4, 1000000000]".into(),
            &["model.encoder.channels = 1000000000", "up to 1048576"],
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
