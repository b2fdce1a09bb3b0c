//! Labels, groups, and mistakes in naming arrays.

use std::fs;

use counterpoint_batch::{Target, TargetSpec};

use crate::arrays::*;
use crate::support::{Folder, write_npy};

#[test]
fn a_class_that_the_choice_of_modalities_empties_stays_and_is_told() {
    let folder = folder(&TEXT);
    write_npy(&folder.file("label.npy"), "<i8", "(6,)", &wholes(&[0, 1, 2, 1, 0, 1]));
    // Nobody of class 1 has sound: the class stays, so that the outputs of all models agree.
    write_npy(&folder.file("sound_present.npy"), "|b1", "(6,)", &[1, 0, 1, 0, 1, 1]);
    let one = open(&folder, "modalities = [\"sound\"]").unwrap();
    assert_eq!(one.classes, ["0", "1", "2"]);
    let notes = one.coverage().unwrap();
    assert!(notes.iter().any(|n| n.starts_with("the train split has no sample of class `1`")), "{notes:?}");
}

#[test]
fn groups_are_never_in_two_parts() {
    let folder = Folder::new("groups");
    let rows = 100;
    let data: Vec<f32> = (0..rows).map(|v| v as f32).collect();
    let label: Vec<i64> = (0..rows).map(|v| v % 2).collect();
    let who: Vec<i64> = (0..rows).map(|v| v / 5).collect();
    write_npy(&folder.file("x.npy"), "<f4", "(100, 1)", &floats(&data));
    write_npy(&folder.file("label.npy"), "<i8", "(100,)", &wholes(&label));
    write_npy(&folder.file("who.npy"), "<i8", "(100,)", &wholes(&who));
    let keys = |seed| {
        format!("modalities = [\"x\"]\nsplit_by = \"who\"\nsplit_seed = {seed}\nfractions = [0.6, 0.2, 0.2]")
    };
    let splits = open(&folder, &keys(1)).unwrap();
    let test = splits.test.open("check that groups do not overlap").unwrap();
    assert_eq!((splits.train.len(), splits.val.len(), test.len()), (60, 20, 20));
    let groups = |split: &counterpoint_data::Split| -> std::collections::BTreeSet<String> {
        split.groups().flatten().map(str::to_owned).collect()
    };
    assert!(groups(&splits.train).is_disjoint(&groups(&splits.val)));
    assert!(
        groups(&splits.train).is_disjoint(&groups(&test)) && groups(&splits.val).is_disjoint(&groups(&test))
    );
    assert_eq!(groups(&splits.val), groups(&open(&folder, &keys(1)).unwrap().val));
    assert_ne!(groups(&splits.val), groups(&open(&folder, &keys(2)).unwrap().val));
    // Three groups fill three parts whatever the shares.
    write_npy(
        &folder.file("who.npy"),
        "<i8",
        "(100,)",
        &wholes(&label.iter().zip(0..).map(|(_, i)| i % 3).collect::<Vec<_>>()),
    );
    for seed in 0..6 {
        assert!(open(&folder, &keys(seed).replace("0.6, 0.2, 0.2", "0.98, 0.01, 0.01")).is_ok());
        assert!(open(&folder, &keys(seed).replace("0.6, 0.2, 0.2", "0.01, 0.01, 0.98")).is_ok());
    }
    assert!(
        message(&folder, &keys(1).replace("0.6", "0.7"))
            .contains("`fractions` must be three numbers above 0 that sum to 1")
    );
    assert!(
        message(&folder, &keys(1).replace("who", "label"))
            .contains("names 2 groups, three splits need at least 3")
    );
}

#[test]
fn labels_are_classes_numbers_or_sets_by_their_looks_or_as_said() {
    let folder = folder(&TEXT);
    let open = |keys: &str| open(&folder, &format!("modalities = [\"sound\"]\n{keys}"));
    write_npy(&folder.file("mood.npy"), "<f4", "(6,)", &floats(&[0.5, -1.25, 3.0, 0.0, 1.0, -2.0]));
    let splits = open("label = \"mood\"").unwrap();
    assert_eq!(splits.targets().unwrap(), TargetSpec::Values);
    assert_eq!(splits.train.sample(1, None).unwrap().target, Target::Value(-1.25));
    assert!(splits.classes.is_empty());
    let said = open("label = \"label\"\ntarget = \"value\"").unwrap();
    assert_eq!(said.train.sample(0, None).unwrap().target, Target::Value(1.0));
    let sets: Vec<i64> = vec![1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 1];
    write_npy(&folder.file("tags.npy"), "<i8", "(6, 2)", &wholes(&sets));
    let splits = open("label = \"tags\"\nclasses = [\"loud\", \"fast\"]").unwrap();
    assert_eq!(splits.targets().unwrap(), TargetSpec::Labels { count: 2 });
    assert_eq!(splits.train.sample(2, None).unwrap().target, Target::Labels(vec![true, true]));
    for (keys, part) in [
        ("label = \"mood\"\ntarget = \"class\"", "target` = \"value\""),
        ("label = \"tags\"\nclasses = [\"loud\"]", "2 columns"),
        ("label = \"mood\"\ntarget = \"labels\"", "[n, k]"),
        ("label = \"tags\"\ntarget = \"value\"", "one axis of numbers"),
    ] {
        let text = open(keys).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn mistakes_name_the_array() {
    let folder = folder(&TEXT);
    assert!(message(&folder, "").contains("`modalities` is missing: name the arrays"));
    assert!(
        message(&folder, "modalities = [\"video*\"]")
            .contains("names `video*`, which adds no array; there are: label, sound")
    );
    assert!(
        message(&folder, "modalities = [\"label\"]")
            .contains("array `label`: has shape [6], expected [6, d]")
    );
    assert!(message(&folder, "modalities = [\"text\"]\nlabel = \"y\"").contains("has no array `y`"));
    assert!(
        message(&folder, "modalities = [\"text\"]\nsplit = \"who\"")
            .contains("array `who` holds `3`, expected 0, 1, 2")
    );
    assert!(
        message(&folder, "modalities = [\"text\"]\nlabel = \"text\"")
            .contains("array `text`: holds 7 in row 0, column 1, expected 0 or 1")
    );
    assert!(message(&folder, "modalities = [\"text\"]\nlimit = -1.0").contains("`limit` must be 0 or more"));
    assert!(
        message(&folder, "modalities = [\"text\"]\nclasses = [\"0\"]")
            .contains("label `1` of sample `0` is not one of the 1 classes")
    );
    write_npy(&folder.file("ids.npy"), "<i8", "(6,)", &wholes(&[1, 2, 2, 3, 4, 5]));
    assert!(
        message(&folder, "modalities = [\"text\"]\nids = \"ids\"").contains("two samples have the id `2`")
    );
    write_npy(&folder.file("ids.npy"), "<i8", "(2,)", &wholes(&[1, 2]));
    assert!(
        message(&folder, "modalities = [\"text\"]\nids = \"ids\"")
            .contains("has 2 entries, but there are 6 labels")
    );
    write_npy(&folder.file("label.npy"), "<f4", "(6,)", &floats(&[0.5; 6]));
    assert!(
        message(&folder, "modalities = [\"text\"]\ntarget = \"class\"")
            .contains("array `label`: holds fractions")
    );
    fs::write(folder.file("label.npy"), b"nonsense").unwrap();
    assert!(message(&folder, "modalities = [\"text\"]").contains("is not an npy file"));
}
