//! Data in which samples lack modalities: trained, compared, counted and told.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::Toy;

const ROWS: usize = 48;

/// A `.npy` file of version 1.
fn npy(path: &Path, kind: &str, shape: &str, data: &[u8]) {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

fn wholes(values: impl Iterator<Item = usize>) -> Vec<u8> {
    values.flat_map(|v| (v as i64).to_le_bytes()).collect()
}

/// Features of two modalities: of every four samples two train, one validates,
/// one tests, and `has_b` says who has the second modality.
fn toy(has_b: impl Fn(usize) -> bool) -> Toy {
    let toy = Toy::new();
    let folder = toy.dir.join("f");
    fs::create_dir_all(&folder).unwrap();
    let class = |i: usize| i / 4 % 2;
    let value = |i: usize, j: usize| class(i) as f32 + ((i * 7 + j * 13) % 11) as f32 / 11.0 + i as f32 / 1e3;
    let columns = |width: usize| -> Vec<u8> {
        (0..ROWS).flat_map(|i| (0..width).map(move |j| value(i, j))).flat_map(f32::to_le_bytes).collect()
    };
    npy(&folder.join("a.npy"), "<f4", &format!("({ROWS}, 3)"), &columns(3));
    npy(&folder.join("b.npy"), "<f4", &format!("({ROWS}, 2)"), &columns(2));
    npy(
        &folder.join("b_present.npy"),
        "<i8",
        &format!("({ROWS},)"),
        &wholes((0..ROWS).map(|i| has_b(i).into())),
    );
    npy(&folder.join("label.npy"), "<i8", &format!("({ROWS},)"), &wholes((0..ROWS).map(class)));
    let parts = (0..ROWS).map(|i| [0, 0, 1, 2][i % 4]);
    npy(&folder.join("split.npy"), "<i8", &format!("({ROWS},)"), &wholes(parts));
    toy.write(
        "toy.toml",
        r#"
[data]
name = "features"
root = "f"
modalities = ["a", "b"]
batch_size = 4
[model]
encoder = { name = "mlp", widths = [4] }
[strategy]
name = "joint"
[optimizer]
name = "sgd"
lr = 0.05
[train]
epochs = 2
seed = 3
[diagnostics]
level = "off"
"#,
    );
    toy
}

/// One of three samples of every class and split has the second modality.
fn third(i: usize) -> bool {
    (i / 8).is_multiple_of(3)
}

fn events(toy: &Toy, run: &str, kind: &str) -> Vec<Value> {
    let text = String::from_utf8(toy.bytes(&format!("{run}/metrics.jsonl"))).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|event| event["event"] == kind).collect()
}

#[test]
fn the_record_says_how_many_samples_each_loss_used() {
    let toy = toy(third);
    let complete = (0..ROWS).filter(|i| i % 4 < 2 && third(*i)).count();
    assert_eq!(complete, 8);
    let counted = |name: &str, more: &[&str]| {
        toy.run(&[&["train", "toy.toml", "-q", "--out", name], more].concat()).succeeds();
        let epoch = events(&toy, name, "epoch").pop().unwrap();
        assert_eq!(epoch["samples"], 24);
        epoch["row_samples"].clone()
    };
    assert_eq!(counted("skip", &[]), serde_json::json!({"fused": 8}));
    let filled = ["--set", "strategy.incomplete=zero-fill"];
    assert_eq!(counted("filled", &filled), serde_json::json!({"fused": 24}));
    let dgl = ["--set", "strategy.name=dgl"];
    assert_eq!(counted("dgl", &dgl), serde_json::json!({"fused": 8, "a": 24, "b": 8}));
    assert_ne!(
        toy.bytes("skip/checkpoints/last.safetensors"),
        toy.bytes("filled/checkpoints/last.safetensors")
    );
    // The written configuration keeps the choice, and a resumed run holds to it.
    toy.run(&["train", "toy.toml", "--resume", "--out", "filled"]).fails(3, &["strategy.incomplete"]);
    toy.run(&["train", "toy.toml", "--set", "strategy.incomplete=fill"]).fails(3, &["[strategy]", "`fill`"]);
    let agm = ["train", "toy.toml", "--set", "strategy.name=agm", "--set", "strategy.incomplete=zero-fill"];
    toy.run(&agm).fails(3, &["strategy.incomplete", "`agm`"]);
}

#[test]
fn what_the_data_lack_is_said_kept_and_reported() {
    let toy = toy(third);
    let absent = "modality `b`: absent from 16 of 24 train, 8 of 12 val and 8 of 12 test samples";
    let fused = "the fused loss uses 8 of 24 training samples";
    let said = toy.run(&["train", "toy.toml", "--out", "run"]);
    said.succeeds();
    toy.run(&["report", "run"]).succeeds();
    let kept = String::from_utf8(toy.bytes("run/run.json")).unwrap();
    let report = String::from_utf8(toy.bytes("run/report.html")).unwrap();
    for note in [absent, fused] {
        assert!(said.err.contains(&format!("note: {note}")), "{}", said.err);
        let start = events(&toy, "run", "start").remove(0);
        assert!(start["notes"].as_array().unwrap().iter().any(|n| n.as_str().unwrap().starts_with(note)));
        assert!(report.contains(note), "the report says: {note}");
    }
    assert!(kept.contains(absent), "{kept}");
    assert!(report.contains("Samples that each loss used"), "the table of losses");

    // Equal contents in two splits, of which only a modality in use counts.
    let whole = self::toy(|_| true);
    let bytes = whole.bytes("f/b.npy");
    let start = bytes.len() - ROWS * 8;
    let copied = [&bytes[..start + 16], &bytes[start..start + 8], &bytes[start + 24..]].concat();
    fs::write(whole.dir.join("f/b.npy"), copied).unwrap();
    let said = whole.run(&["train", "toy.toml", "--out", "run"]);
    assert!(said.succeeds().err.contains("note: leak: modality b: samples of train and val"), "{}", said.err);
    let said = whole.run(&["train", "toy.toml", "--out", "a", "--set", "data.modalities=[\"a\"]"]);
    assert!(!said.succeeds().err.contains("note: "), "{}", said.err);
}

#[test]
fn a_model_of_one_modality_uses_the_samples_that_have_it() {
    let toy = toy(third);
    for (name, set) in
        [("one", "data.modalities=[\"b\"]"), ("only", "strategy={name=\"unimodal\", modality=\"b\"}")]
    {
        let said = toy.run(&["train", "toy.toml", "--out", name, "--test", "--set", set]);
        let left = "32 of 48 samples have none of the modalities in use (b) and are left out: 16 of 24 train, 8 of 12 val \
             and 8 of 12";
        assert!(said.succeeds().err.contains(left), "{}", said.err);
        assert!(said.out.contains("validation split, 4 samples"), "{}", said.out);
        assert_eq!(events(&toy, name, "test")[0]["samples"], 4);
    }
}

#[test]
fn a_comparison_with_references_finishes_on_data_with_gaps() {
    let toy = toy(third);
    toy.write(
        "study.toml",
        "config = \"toy.toml\"\nseeds = [3]\n[methods]\ndgl = { strategy = { name = \"dgl\", alpha = 2.0 } }\n",
    );
    let said = toy.run(&["compare", "study.toml", "--out", "study", "--quiet"]);
    let table = &said.succeeds().out;
    for line in ["unimodal-a ", "unimodal-b ", "late-average ", "joint ", "dgl "] {
        let row =
            table.lines().find(|l| l.starts_with(line)).unwrap_or_else(|| panic!("no {line} in {table}"));
        assert!(row.trim_end().ends_with("1/1"), "{row}");
    }
    assert!(!table.contains("failed"), "{table}");
    assert!(table.contains("unimodal-b was tested on 4 of 12 samples"), "{table}");
    // The average is of every sample, by whoever sees it.
    let tested = |run: &str| events(&toy, &format!("study/runs/{run}/seed3"), "test")[0].clone();
    assert_eq!(tested("late-average")["samples"], 12);
    assert_eq!(tested("late-average")["scores"]["b"], tested("unimodal-b")["scores"]["fused"]);
    toy.run(&["report", "study"]).succeeds();
}

#[test]
fn predictions_treat_values_that_are_no_numbers_as_training_did() {
    let toy = toy(|_| true);
    let mut bytes = toy.bytes("f/a.npy");
    let start = bytes.len() - ROWS * 12;
    bytes[start..start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(toy.dir.join("f/a.npy"), &bytes).unwrap();
    toy.train(&["-q", "--set", "data.nan=zero"]).succeeds();
    let row = |name: &str, values: &[u8]| npy(&toy.dir.join(name), "<f4", "(3,)", values);
    row("first.npy", &bytes[start..start + 12]);
    row("zeroed.npy", &[&[0; 4][..], &bytes[start + 4..start + 12]].concat());
    row("nothing.npy", &f32::NAN.to_le_bytes().repeat(3));
    let answer = |a: &str| toy.run(&["predict", "run", "--json", "--input", a]);
    assert_eq!(answer("a=first.npy").succeeds().out, answer("a=zeroed.npy").succeeds().out);
    answer("a=nothing.npy").fails(4, &["note: modality `a`", "absent", "nothing to predict from"]);
    // The other modality is there.
    npy(&toy.dir.join("b.npy"), "<f4", "(2,)", &[0; 8]);
    let both = ["predict", "run", "--json", "--input", "a=nothing.npy", "--input", "b=b.npy"];
    let alone = answer("b=b.npy").succeeds().out.clone();
    assert_eq!(toy.run(&both).succeeds().out, alone);
    toy.run(&["predict", "run", "--input", "a=b.npy"]).fails(4, &["[2]", "[3]"]);
}
