//! Which columns are taken, how they are scaled, and what is absent.

use std::fs;
use std::io::Write;

use counterpoint_batch::Target;
use counterpoint_data::{DataConfig, ErrorKind, Steps};

use crate::arrays::*;
use crate::support::{Folder, write_npy};

#[test]
fn columns_are_chosen_and_standardised_on_the_training_rows() {
    let splits = open(&folder(&TEXT), "modalities = [\"text*\", \"sound\"]\ngroup = \"who\"").unwrap();
    let shapes: Vec<_> = splits.modalities().iter().map(|m| m.shape.clone()).collect();
    assert_eq!(shapes, [vec![2], vec![2, 1]]);
    let first = splits.train.sample(0, None).unwrap();
    assert_eq!(first.inputs[0].as_ref().unwrap().values(), [-1.0, -1.0]);
    assert_eq!((first.id.as_str(), first.target), ("0", Target::Class(1)));
    let val = splits.val.sample(0, None).unwrap();
    assert_eq!(val.inputs[0].as_ref().unwrap().values(), [5.0, 0.0]); // limited
    assert!(splits.notes.contains(&"modality `text`: 1 constant columns left out".into()));
    assert_eq!(splits.train.groups().next(), Some(Some("3")));
    let plain = open(
        &folder(&TEXT),
        "modalities = [\"text\"]\nstandardise = false\ndrop_constant = false\nlimit = 0.0",
    );
    let plain = plain.unwrap().val.sample(0, None).unwrap();
    assert_eq!(plain.inputs[0].as_ref().unwrap().values(), [99.0, 7.0, 1.0]);
}

#[test]
fn npz_and_safetensors_hold_the_same() {
    let folder = folder(&TEXT);
    let names = ["text", "sound", "label", "split", "who"];
    let mut npz = zip::ZipWriter::new(fs::File::create(folder.file("all.npz")).unwrap());
    for name in names {
        npz.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        npz.write_all(&fs::read(folder.file(&format!("{name}.npy"))).unwrap()).unwrap();
    }
    npz.finish().unwrap();
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, kind, shape, bytes) in [
        ("text", "F32", vec![6, 3], floats(&TEXT)),
        ("sound", "F32", vec![6, 2, 1], floats(&(0..12).map(|v| v as f32).collect::<Vec<_>>())),
        ("label", "I64", vec![6], wholes(&[1, 0, 1, 0, 1, 0])),
        ("split", "U8", vec![6], vec![0, 0, 0, 0, 1, 2]),
        ("who", "I64", vec![6], wholes(&[3, 3, 5, 5, 8, 9])),
    ] {
        let offsets = [data.len(), data.len() + bytes.len()];
        header
            .insert(name.into(), serde_json::json!({"dtype": kind, "shape": shape, "data_offsets": offsets}));
        data.extend(bytes);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    fs::write(folder.file("all.safetensors"), &file).unwrap();

    let keys = "modalities = [\"text\", \"sound\"]";
    let one = open(&folder, keys).unwrap().fingerprint().unwrap();
    for root in ["all.npz", "all.safetensors"] {
        let text = format!("name = \"features\"\nroot = \"{root}\"\n{keys}");
        let splits = DataConfig::from_toml(&text).unwrap().open(&folder.0).unwrap();
        assert_eq!(splits.fingerprint().unwrap(), one, "{root}");
    }
    for (name, bytes) in [
        ("cut.safetensors", &file[..60]),
        ("long.safetensors", &file[..file.len() - 1]),
        ("bad.npz", &b"PK"[..]),
    ] {
        fs::write(folder.file(name), bytes).unwrap();
        let text = format!("name = \"features\"\nroot = \"{name}\"\n{keys}");
        let error = DataConfig::from_toml(&text).unwrap().open(&folder.0).unwrap_err();
        assert!(error.kind() == ErrorKind::Format && error.to_string().contains(name), "{error}");
    }
}

#[test]
fn values_that_are_no_numbers_follow_the_policy() {
    let mut text = TEXT;
    text[4] = NAN;
    text[5] = f32::INFINITY;
    let folder = folder(&text);
    let keys = "modalities = [\"text\"]\n";
    assert!(
        message(&folder, keys)
            .contains("array `text`: has 2 values that are NaN or infinite; set `nan` to zero, mean or drop")
    );
    let zero = open(&folder, &format!("{keys}nan = \"zero\"")).unwrap();
    assert_eq!(zero.train.len(), 4);
    assert!(zero.notes.contains(&"modality `text`: 2 values NaN or infinite set to 0".into()));
    let mean = open(&folder, &format!("{keys}nan = \"mean\"")).unwrap();
    assert!(
        mean.notes
            .contains(&"modality `text`: 2 values NaN or infinite set to the mean of their column".into())
    );
    let Steps::Vector(steps) = &mean.preparations[0].steps else { panic!("features") };
    let filled = mean.train.sample(1, None).unwrap().inputs.remove(0).unwrap();
    for (column, value) in steps.columns.iter().zip(filled.values()).filter(|(column, _)| **column > 0) {
        assert_eq!(*value, 0.0, "column {column}");
    }
    let dropped = open(&folder, &format!("{keys}nan = \"drop\"")).unwrap();
    assert_eq!(dropped.train.ids().collect::<Vec<_>>(), ["0", "2", "3"]);
    assert!(dropped.notes[0].contains("1 samples with 2 values NaN or infinite left out"));
    assert!(message(&folder, &format!("{keys}nan = \"skip\"")).contains("`nan`: unknown variant `skip`"));
}

#[test]
fn absent_modalities_are_none() {
    let mut text = TEXT;
    text[3..6].fill(NAN);
    let folder = folder(&text);
    write_npy(&folder.file("sound_present.npy"), "|b1", "(6,)", &[1, 1, 0, 1, 1, 1]);
    let splits = open(&folder, "modalities = [\"text\", \"sound*\"]").unwrap();
    assert_eq!(splits.modalities().len(), 2, "the flags are not a modality");
    assert_eq!(splits.train.present_counts(), [3, 3]);
    assert!(splits.train.sample(1, None).unwrap().inputs[0].is_none());
    assert!(splits.notes.contains(&"modality `sound`: absent from 1 of 4 train samples".into()));
    // Statistics come from the rows that are there: 1, 1, 3.
    let Steps::Vector(steps) = &splits.preparations[0].steps else { panic!("features") };
    assert!((steps.mean[0] - 5.0 / 3.0).abs() < 1e-6);
}

#[test]
fn samples_without_a_chosen_modality_are_left_out_and_counted() {
    let mut text = TEXT;
    text[3..6].fill(NAN);
    let folder = folder(&text);
    write_npy(&folder.file("sound_present.npy"), "|b1", "(6,)", &[1, 1, 0, 1, 1, 1]);
    let one = open(&folder, "modalities = [\"sound\"]").unwrap();
    assert_eq!(one.train.ids().collect::<Vec<_>>(), ["0", "1", "3"]);
    let left = "1 of 6 samples have none of the modalities in use (sound) and are left out: 1 of 4 train";
    assert!(one.notes.contains(&left.into()), "{:?}", one.notes);
    // A part that the choice empties, and a modality that training lacks.
    for (present, message) in [
        ([1, 1, 1, 1, 0, 1], "no sample of the val split has one of the modalities in use (sound)"),
        ([0, 0, 0, 0, 1, 1], "no sample of the train split has modality `sound`; leave it out"),
    ] {
        write_npy(&folder.file("sound_present.npy"), "|b1", "(6,)", &present);
        let found = self::message(&folder, "modalities = [\"sound\"]");
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn a_file_is_prepared_as_the_rows_of_training_are() {
    let mut text = TEXT;
    text[5] = NAN;
    let folder = folder(&text);
    let row = |values: &[f32]| {
        let path = folder.file("row.npy");
        write_npy(&path, "<f4", &format!("({},)", values.len()), &floats(values));
        path
    };
    let keys = |nan: &str| format!("modalities = [\"text\"]\nnan = \"{nan}\"");
    let zero = open(&folder, &keys("zero")).unwrap();
    let trained = zero.train.sample(1, None).unwrap().inputs.remove(0);
    let preparation = &zero.preparations[0];
    assert_eq!(preparation.prepare_present(&row(&text[3..6])).unwrap(), trained);
    // A row of NaN only is absent, there and here.
    assert_eq!(preparation.prepare_present(&row(&[NAN; 3])).unwrap(), None);
    let nothing = preparation.prepare_file(&row(&[NAN; 3])).unwrap_err().to_string();
    assert!(nothing.contains("row.npy") && nothing.contains("absent modality"), "{nothing}");
    let dropped = open(&folder, &keys("drop")).unwrap();
    let refused = dropped.preparations[0].prepare_file(&row(&text[3..6])).unwrap_err().to_string();
    assert!(refused.contains("1 values are NaN or infinite; such samples were left out"), "{refused}");

    // An archive: the array with the modality's name, or the only one.
    let npy = |values: &[f32]| fs::read(row(values)).unwrap();
    let archive = |members: &[(&str, &[f32])]| {
        let path = folder.file("row.npz");
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for (name, values) in members {
            let bytes = npy(values);
            zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    };
    for members in [&[("x", &text[3..6]), ("text", &text[3..6])][..], &[("arr_0", &text[3..6])]] {
        assert_eq!(preparation.prepare_present(&archive(members)).unwrap(), trained);
    }
    let unnamed = archive(&[("x", &text[3..6]), ("y", &text[3..6])]);
    let unnamed = preparation.prepare_file(&unnamed).unwrap_err().to_string();
    assert!(unnamed.contains("has no array `text`, it has: x, y"), "{unnamed}");
}

#[test]
fn small_differences_of_large_numbers_reach_the_model() {
    let folder = Folder::new("offsets");
    // Seconds since 1970 and metres north, 64 bits, beside a constant.
    let time: Vec<f64> = (0..6).map(|i| 1.7e9 + 10.0 * f64::from(i)).collect();
    let rows: Vec<u8> =
        time.iter().flat_map(|t| [*t, 5.6e6 + (t - 1.7e9) * 1e-3, 7.0]).flat_map(f64::to_le_bytes).collect();
    write_npy(&folder.file("place.npy"), "<f8", "(6, 3)", &rows);
    write_npy(&folder.file("label.npy"), "|u1", "(6,)", &[0, 1, 0, 1, 0, 1]);
    write_npy(&folder.file("split.npy"), "|u1", "(6,)", &[0, 0, 0, 0, 1, 2]);
    let config =
        DataConfig::from_toml("name = \"features\"\nroot = \".\"\nmodalities = [\"place\"]\nlimit = 0.0");
    let splits = config.unwrap().open(&folder.0).unwrap();
    // Mean and deviation of 0, 10, 20, 30.
    let (mean, deviation) = (15.0, 125f64.sqrt());
    for row in 0..4 {
        let seen = splits.train.sample(row, None).unwrap().inputs.remove(0).unwrap();
        let expected = (10.0 * row as f64 - mean) / deviation;
        assert!(seen.values().iter().all(|&v| (f64::from(v) - expected).abs() < 1e-5), "{seen:?} {expected}");
        // A saved preparation sees the same in a file of one row.
        write_npy(&folder.file("row.npy"), "<f8", "(3,)", &rows[row * 24..(row + 1) * 24]);
        let saved = serde_json::to_string(&splits.preparations[0]).unwrap();
        let saved: counterpoint_data::Preparation = serde_json::from_str(&saved).unwrap();
        let again = saved.prepare_file(&folder.file("row.npy")).unwrap();
        assert!(again.values().iter().zip(seen.values()).all(|(a, b)| (a - b).abs() < 1e-5));
    }
    // One second more is other data.
    let before = splits.fingerprint().unwrap();
    let mut changed = rows;
    changed[..8].copy_from_slice(&(1.7e9 + 1.0f64).to_le_bytes());
    write_npy(&folder.file("place.npy"), "<f8", "(6, 3)", &changed);
    let config =
        DataConfig::from_toml("name = \"features\"\nroot = \".\"\nmodalities = [\"place\"]\nlimit = 0.0");
    assert_ne!(config.unwrap().open(&folder.0).unwrap().fingerprint().unwrap(), before);
}
