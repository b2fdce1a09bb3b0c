//! `counterpoint preview`: a sheet of what the model sees.

mod support;

use support::{Said, Toy};

const CHANGES: [&str; 10] = [
    "--set",
    "data.augment=true",
    "--set",
    "data.modality.audio.time_masks=2",
    "--set",
    "data.modality.audio.time_mask_width=5",
    "--set",
    "data.modality.audio.gain_db=6",
    "--set",
    "data.modality.image.jitter.brightness=0.5",
];

fn preview(toy: &Toy, out: &str, more: &[&str]) -> Said {
    toy.run(&[&["preview", "toy.toml", "--n", "3", "--out", out][..], more].concat())
}

/// Width, height and pixels of a sheet.
fn sheet(toy: &Toy, name: &str) -> (usize, usize, Vec<u8>) {
    let picture = counterpoint_data::Bitmap::decode(&toy.bytes(name)).unwrap();
    assert_eq!(picture.channels, 3);
    (picture.width, picture.height, picture.pixels)
}

#[test]
fn a_sheet_depends_on_seed_and_epoch_alone() {
    let toy = Toy::new();
    let said = preview(&toy, "a.png", &CHANGES);
    assert_eq!(said.succeeds().out, "a.png: 3 samples of the train split, epoch 0, seed 3\n");
    for (out, more, same) in [
        ("b.png", &["--set", "data.workers=3", "--set", "data.cache_mb=0"][..], true),
        ("c.png", &["--epoch", "1"], false),
        ("d.png", &["--set", "train.seed=4"], false),
    ] {
        preview(&toy, out, &[&CHANGES[..], more].concat()).succeeds();
        assert_eq!(toy.bytes("a.png") == toy.bytes(out), same, "{out}");
    }
    // Fewer rows in the same columns.
    let (width, height, _) = sheet(&toy, "a.png");
    toy.run(&[&["preview", "toy.toml", "--n", "1", "--out", "e.png"][..], &CHANGES].concat()).succeeds();
    let (same, lower, _) = sheet(&toy, "e.png");
    assert!(width == same && lower < height, "{width} x {height}, {same} x {lower}");
}

#[test]
fn without_random_changes_every_input_is_shown_once() {
    let toy = Toy::new();
    let said = preview(&toy, "off.png", &[]);
    assert!(
        said.succeeds().out.contains("data.augment = false: nothing is changed at random"),
        "{}",
        said.out
    );
    let said = preview(&toy, "val.png", &[&CHANGES[..], &["--split", "val"]].concat());
    assert!(said.succeeds().out.ends_with("3 samples of the val split, nothing is changed at random\n"));
    preview(&toy, "on.png", &CHANGES).succeeds();
    let widths = ["off.png", "val.png", "on.png"].map(|name| sheet(&toy, name).0);
    assert!(widths[0] < widths[2] && widths[1] < widths[2], "{widths:?}");
    // Set, but not switched on: said.
    let said = preview(&toy, "idle.png", &CHANGES[2..]);
    assert!(
        said.succeeds().out.contains("note: random changes of `audio` and `image` are set"),
        "{}",
        said.out
    );
    let value = preview(&toy, "json.png", &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&value.succeeds().out).unwrap();
    assert_eq!((&value["samples"], &value["augment"]), (&3.into(), &false.into()));
}

#[test]
fn misuse_is_refused_before_anything_is_written() {
    let toy = Toy::new();
    for (more, code, part) in [
        (&["--n", "0"][..], 2, "expected a number of samples from 1 to 256"),
        (&["--n", "-1"], 2, "expected a number of samples from 1 to 256"),
        (
            &["--split", "test"],
            2,
            "the test split is sealed until `counterpoint evaluate`; choose train or val",
        ),
        (&["--split", "tain"], 2, "expected train or val"),
        (&["--epoch", "-1"], 2, "invalid value '-1' for '--epoch <N>'"),
        (
            &["--set", "data.modality.audio.time_mask_width=-2"],
            3,
            "`modality.audio.time_mask_width`: invalid value",
        ),
        (
            &["--set", "data.modality.audio.noise_snr_db=999"],
            3,
            "`noise_snr_db` must lie between -40 and 120 dB",
        ),
        (
            &["--set", "data.modality.audio.time_masks=1", "--set", "data.modality.audio.time_mask_width=17"],
            3,
            "1 to the 16 frames of this spectrogram, got 17",
        ),
    ] {
        toy.run(&[&["preview", "toy.toml", "--out", "no.png"][..], more].concat()).fails(code, &[part]);
        assert!(!toy.dir.join("no.png").exists());
    }
    preview(&toy, "kept.png", &[]).succeeds();
    preview(&toy, "kept.png", &[]).fails(2, &["kept.png", "--force replaces it"]);
    preview(&toy, "kept.png", &["--force"]).succeeds();
    preview(&toy, "nowhere/x.png", &[]).fails(7, &["nowhere"]);
}

#[test]
fn training_with_all_changes_resumes_to_the_same_bits() {
    let toy = Toy::new();
    let changes =
        [&CHANGES[..], &["--set", "train.epochs=2", "--set", "data.modality.audio.noise_snr_db=20"]].concat();
    toy.train(&changes).succeeds();
    let whole = toy.bytes("run/checkpoints/last.safetensors");
    for workers in ["0", "3"] {
        let key = format!("data.workers={workers}");
        toy.run(&[&["train", "toy.toml", "--out", workers, "--set", &key][..], &changes].concat()).succeeds();
        assert!(toy.bytes(&format!("{workers}/checkpoints/last.safetensors")) == whole, "{workers} workers");
    }
}
