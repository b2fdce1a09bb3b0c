//! What the command says of itself and of what went wrong.

mod support;

use counterpoint::catalog::Catalog;
use counterpoint_data::set::DataSet;
use support::Toy;

#[test]
fn a_divergence_names_the_setting_and_what_is_kept() {
    let toy = Toy::new();
    let said = toy.train(&["--set", "optimizer.lr=1e30"]);
    said.fails(5, &["far above usual values: optimizer.lr = 1e30"]);
    let kept = toy.dir.join("run/checkpoints/last.safetensors").exists();
    assert_eq!(said.err.contains("the checkpoint after epoch"), kept, "{}", said.err);
    assert_eq!(said.err.contains("none is kept"), !kept, "{}", said.err);
}

#[test]
fn another_optimizer_keeps_what_both_have_and_says_what_goes() {
    let toy = Toy::new();
    let said =
        toy.train(&["--set", "optimizer.momentum=0.5", "--set", "optimizer.name=adam", "--print-config"]);
    assert!(said.succeeds().out.contains("name = \"adam\"\nlr = 0.05\n"), "{}", said.out);
    assert!(
        said.err.contains("keeps optimizer.lr = 0.05") && said.err.contains("drops optimizer.momentum"),
        "{}",
        said.err
    );
}

#[test]
fn the_printed_configuration_names_every_key_and_reads_back() {
    let toy = Toy::new();
    let printed = toy.train(&["--print-config"]).succeeds().out.clone();
    for key in [
        "# data.modalities",
        "# data.folds",
        "# model.from",
        "check = \"quick\"",
        "root = \"clips.csv\"",
        "# model.encoders\n",
        "# strategy.incomplete\n",
        "# optimizer.encoder_weight_decay\n",
    ] {
        assert!(printed.contains(key), "{key} in {printed}");
    }
    toy.write("again.toml", &printed);
    assert_eq!(toy.run(&["train", "again.toml", "--print-config"]).succeeds().out, printed);
    // Also those of the parts that were chosen, and only as long as they have no value.
    let parts = ["--set", "strategy.name=agm", "--set", "model.encoder={ name = 'resnet18' }"];
    let printed = toy.train(&[&parts[..], &["--print-config"]].concat()).succeeds().out.clone();
    assert!(printed.contains("# strategy.until\n") && printed.contains("# model.encoder.pretrained\n"));
    let set = ["--set", "strategy.until=3", "--set", "optimizer.encoder_weight_decay=0.1", "--print-config"];
    let printed = toy.train(&[&parts[..], &set].concat()).succeeds().out.clone();
    assert!(!printed.contains("# strategy.until") && !printed.contains("# optimizer.encoder_weight_decay"));
}

#[test]
fn every_configuration_of_the_project_is_read() {
    let toy = Toy::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            toy.run(&["train", path.to_str().unwrap(), "--print-config"]).succeeds();
            read += 1;
        }
    }
    assert!(read >= 10);
}

#[test]
fn the_command_knows_its_name_its_parts_and_its_libraries() {
    let toy = Toy::new();
    assert_eq!(
        toy.run(&["--version"]).succeeds().out,
        format!("counterpoint {}\n", env!("CARGO_PKG_VERSION"))
    );
    let list = toy.run(&["list"]).succeeds().out.clone();
    let listed = list.strip_prefix("data\n").unwrap();
    let listed: Vec<(&str, &str)> = listed
        .lines()
        .take_while(|line| line.starts_with(' '))
        .map(|line| line.trim().split_once(' ').map_or((line, ""), |(n, s)| (n, s.trim())))
        .collect();
    let sets = Catalog::<dyn DataSet>::current();
    let known: Vec<(&str, &str)> = sets.entries().iter().map(|set| (set.name, set.summary)).collect();
    assert_eq!(listed, known);
    toy.train(&["--set", "train.epochs=1"]).succeeds();
    let info: serde_json::Value = serde_json::from_slice(&toy.bytes("run/run.json")).unwrap();
    let lock = include_str!("../../../Cargo.lock");
    let (_, after) = lock.split_once("name = \"burn-core\"\nversion = \"").unwrap();
    let burn = after.split('"').next().unwrap();
    assert_eq!(info["environment"]["burn"], format!("{burn} (flex)"));
    let mut three = toy.command(&["train", "toy.toml", "--out", "three", "--set", "train.epochs=1"]);
    assert!(three.env("RAYON_NUM_THREADS", "3").output().unwrap().status.success());
    let info: serde_json::Value = serde_json::from_slice(&toy.bytes("three/run.json")).unwrap();
    assert_eq!(info["environment"]["threads"], "3");
}

#[test]
fn progress_fits_a_narrow_screen() {
    let toy = Toy::new();
    let output = toy.command(&["train", "toy.toml", "--out", "run"]).env("COLUMNS", "40").output().unwrap();
    let said = support::said(output);
    let epochs: Vec<&str> =
        said.succeeds().err.lines().skip_while(|line| !line.starts_with("epoch 1/4")).collect();
    let lines = epochs.iter().take_while(|line| !line.starts_with("warning"));
    assert!(
        lines.clone().count() > 4 && lines.clone().all(|line| line.chars().count() <= 40),
        "{}",
        said.err
    );
}
