//! Random splits: groups stay whole, classes keep their shares, folds cover all;
//! and what leaks when they do not.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_data::{DataConfig, DataError, Split, Splits};
use support::{Folder, write_npy};

/// 120 samples: 60 of class 0, 37 of class 1, 23 of class 2; 24 groups of 5
/// neighbours, so that groups are uneven in their classes; sample 7 twice.
fn folder() -> Folder {
    let folder = Folder::new("random-split");
    let wholes = |values: Vec<i64>| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let values: Vec<f32> = (0..120).map(|i| if i == 119 { 7.0 } else { i as f32 }).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    write_npy(&folder.file("x.npy"), "<f4", "(120, 1)", &bytes);
    let class = |i: i64| {
        if i < 60 {
            0
        } else if i < 97 {
            1
        } else {
            2
        }
    };
    write_npy(&folder.file("label.npy"), "<i8", "(120,)", &wholes((0..120).map(class).collect()));
    write_npy(&folder.file("who.npy"), "<i8", "(120,)", &wholes((0..120).map(|i| i / 5).collect()));
    folder
}

fn open(folder: &Folder, keys: &str) -> Result<Splits, DataError> {
    let text = format!("name = \"features\"\nroot = \".\"\nmodalities = [\"x\"]\n{keys}");
    DataConfig::from_toml(&text)?.open(&folder.0)
}

fn refusal(folder: &Folder, keys: &str) -> String {
    open(folder, keys).unwrap_err().to_string()
}

fn parts(splits: &Splits) -> [Split; 3] {
    [splits.train.clone(), splits.val.clone(), splits.test.open("check the assignment").unwrap()]
}

fn ids(split: &Split) -> BTreeSet<String> {
    split.ids().map(str::to_owned).collect()
}

/// Largest distance, in samples, of a class in a part from its exact share.
fn unevenness(splits: &Splits, shares: [f64; 3]) -> f64 {
    let totals = [60.0, 37.0, 23.0];
    let of_part = |(part, share): (Split, f64)| {
        let counts = part.class_counts();
        totals
            .into_iter()
            .zip(counts)
            .map(move |(total, n)| (n as f64 - share * total).abs())
            .fold(0.0, f64::max)
    };
    parts(splits).into_iter().zip(shares).map(of_part).fold(0.0, f64::max)
}

fn groups_in_two_parts(splits: &Splits) -> usize {
    let mut seen: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for part in parts(splits) {
        part.groups().flatten().for_each(|g| {
            seen.entry(g.to_owned()).or_default().insert(part.name());
        });
    }
    seen.values().filter(|parts| parts.len() > 1).count()
}

#[test]
fn stratified_parts_are_within_one_sample_of_their_shares() {
    let folder = folder();
    for seed in 0..8 {
        let shares = [0.63, 0.21, 0.16];
        let keys = format!("stratify = true\nsplit_seed = {seed}\nfractions = {shares:?}");
        let splits = open(&folder, &keys).unwrap();
        assert!(unevenness(&splits, shares) < 1.0, "seed {seed}");
        // The sizes of the parts are right as well, though every class is rounded.
        let sizes = parts(&splits).map(|p| p.len() as f64);
        assert!(sizes.iter().zip(shares).all(|(n, s)| (n - 120.0 * s).abs() < 2.0), "{sizes:?}");
    }
    // Control: a split by chance is not even, so the measure can tell.
    let worst = (0..8).map(|seed| {
        let keys = format!("folds = 3\nfold = 0\nsplit_seed = {seed}");
        unevenness(&open(&folder, &keys).unwrap(), [1.0 / 3.0; 3])
    });
    assert!(worst.fold(0.0, f64::max) > 3.0);
}

#[test]
fn folds_test_every_sample_once_and_the_next_fold_validates() {
    let folder = folder();
    for keys in ["", "stratify = true", "split_by = \"who\"", "split_by = \"who\"\nstratify = true"] {
        let folds: Vec<[BTreeSet<String>; 3]> = (0..4)
            .map(|fold| {
                let splits = open(&folder, &format!("{keys}\nfolds = 4\nfold = {fold}")).unwrap();
                parts(&splits).map(|p| ids(&p))
            })
            .collect();
        let tested: Vec<&String> = folds.iter().flat_map(|f| &f[2]).collect();
        assert_eq!(tested.len(), 120, "{keys}");
        assert_eq!(tested.into_iter().collect::<BTreeSet<_>>().len(), 120, "{keys}");
        for (i, [train, val, test]) in folds.iter().enumerate() {
            assert_eq!(val, &folds[(i + 1) % 4][2], "{keys}");
            assert!(train.is_disjoint(val) && train.is_disjoint(test) && val.is_disjoint(test));
            assert_eq!(train.len() + val.len() + test.len(), 120);
        }
    }
    let one = |seed| ids(&open(&folder, &format!("folds = 4\nfold = 0\nsplit_seed = {seed}")).unwrap().val);
    assert_eq!(one(1), one(1));
    assert_ne!(one(1), one(2));
}

#[test]
fn groups_stay_whole_and_classes_as_even_as_they_allow() {
    let folder = folder();
    let shares = [0.5, 0.25, 0.25];
    let with = |keys: &str, seed: u64| {
        open(&folder, &format!("{keys}\ngroup = \"who\"\nsplit_seed = {seed}\nfractions = {shares:?}"))
    };
    // A split that leaves a class out of training is refused: nothing is less even.
    let of_seed = |keys: &str, seed| with(keys, seed).map_or(f64::INFINITY, |s| unevenness(&s, shares));
    let worst = |keys: &str| (0..8).map(|seed| of_seed(keys, seed)).fold(0.0, f64::max);
    for seed in 0..8 {
        let splits = with("split_by = \"who\"\nstratify = true", seed).unwrap();
        assert_eq!(groups_in_two_parts(&splits), 0);
        assert!(splits.leaks().unwrap().groups.is_empty());
    }
    // Groups of five cannot be even to one sample, but to one group.
    assert!(worst("split_by = \"who\"\nstratify = true") <= 5.0);
    // Controls: without one of the keys, its promise is broken.
    assert!(worst("split_by = \"who\"") > 5.0);
    assert!(groups_in_two_parts(&with("stratify = true", 0).unwrap()) > 0);
}

#[test]
fn leaks_are_groups_and_contents_in_two_parts() {
    let folder = folder();
    let random = open(&folder, "stratify = true\ngroup = \"who\"").unwrap().leaks().unwrap();
    assert!(random.grouped && random.cross() && random.groups.len() > 10);
    let shared = &random.groups[0];
    assert_eq!(shared.samples.values().sum::<usize>(), 5, "{shared:?}");
    let [twice] = &random.duplicates[..] else { panic!("sample 7 is sample 119: {:?}", random.duplicates) };
    let names: Vec<&str> = twice.samples.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!((twice.modality.as_str(), names), ("x", vec!["7", "119"]));
    // With whole groups only the equal contents remain, and where they are decides.
    let mut crossing = 0;
    for seed in 0..8 {
        let splits = open(&folder, &format!("split_by = \"who\"\nsplit_seed = {seed}")).unwrap();
        let leaks = splits.leaks().unwrap();
        let part = |id: &str| parts(&splits).into_iter().find(|p| ids(p).contains(id)).unwrap().name();
        assert_eq!(leaks.cross(), part("7") != part("119"));
        crossing += usize::from(leaks.cross());
        assert!(leaks.groups.is_empty() && leaks.duplicates.len() == 1);
    }
    assert!((1..8).contains(&crossing), "both cases were seen");
    let plain = open(&folder, "stratify = true").unwrap().leaks().unwrap();
    assert!(!plain.grouped && plain.groups.is_empty());
}

#[test]
fn refusals_say_what_is_wrong() {
    let folder = folder();
    for (keys, parts) in [
        ("folds = 2\nfold = 0", "`folds` must be at least 3"),
        ("folds = 4\nfold = 4", "`fold` must be from 0 to 3, got 4"),
        ("folds = 4", "`folds` needs `fold`"),
        ("fold = 1", "`fold` needs `folds`"),
        ("split_seed = 3", "have no effect by themselves"),
        ("folds = 4\nfold = 0\nfractions = [0.5, 0.2, 0.3]", "exclude each other"),
        ("folds = 200\nfold = 0", "there are 120 samples, 200 folds need at least 200"),
        ("split_by = \"who\"\nfolds = 30\nfold = 0", "`who` names 24 groups, 30 folds need at least 30"),
        ("stratfy = true", "did you mean `stratify`?"),
    ] {
        let said = refusal(&folder, keys);
        assert!(said.contains(parts), "{keys}: {said}");
    }
    let speakers = DataConfig::from_toml("name = \"spoken-digits\"\nstratify = true").unwrap();
    let said = speakers.open(".".as_ref()).unwrap_err().to_string();
    assert!(said.contains("choose `test_speaker` and `val_speaker`"), "{said}");
}
