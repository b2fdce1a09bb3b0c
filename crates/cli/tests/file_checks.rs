//! Damaged and mended files: found before training, never a dead end.

mod support;

use std::fs;

use support::{Said, Toy};

/// The first sample of a split, as the toy's manifest lists them.
fn first(split: &str) -> usize {
    [("train", 0), ("val", 4), ("test", 6)].into_iter().find(|(name, _)| *name == split).unwrap().1
}

/// Runs with a cache folder of the toy's own.
fn run(toy: &Toy, args: &[&str]) -> Said {
    support::said(toy.command(args).env("XDG_CACHE_HOME", toy.dir.join("cache")).output().unwrap())
}

fn looks(toy: &Toy) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(toy.dir.join("run/test_accesses.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_file_that_is_cut_off_is_found_before_the_first_epoch_in_every_split() {
    for split in ["train", "val", "test"] {
        for ending in ["png", "wav"] {
            let toy = Toy::new();
            let file = format!("{}.{ending}", first(split));
            let whole = toy.bytes(&file);
            fs::write(toy.dir.join(&file), &whole[..whole.len() / 2]).unwrap();
            for more in [&[][..], &["--dry-run"]] {
                toy.train(more).fails(4, &[&format!("clip{}", first(split)), &file]);
                assert!(!toy.dir.join("run").exists(), "{split} {ending}: a refused start leaves no folder");
            }
            fs::write(toy.dir.join(&file), whole).unwrap();
            toy.train(&["--set", "train.epochs=1"]).succeeds();
        }
    }
}

#[test]
fn a_full_check_decodes_and_lists_what_cannot_be_used() {
    let toy = Toy::new();
    // Lengths and headers stay, the picture's data do not.
    for file in ["4.png", "7.png"] {
        let mut bytes = toy.bytes(file);
        let middle = bytes.len() - 24;
        bytes[middle] ^= 0xff;
        fs::write(toy.dir.join(file), bytes).unwrap();
    }
    let full = ["train", "toy.toml", "--out", "run", "--set", "data.check=full"];
    run(&toy, &full)
        .fails(4, &["clip4", "4.png", "the same holds for", "clip7", "(test split)", "nothing was trained"]);
    run(&toy, &["train", "toy.toml", "--out", "run", "--set", "data.check=thorough"])
        .fails(3, &["check", "full"]);
    for file in ["4.png", "7.png"] {
        fs::copy(toy.dir.join("6.png"), toy.dir.join(file)).unwrap();
    }
    run(&toy, &full).succeeds();
    // The check is about files, so a resumed run may be checked otherwise.
    run(&toy, &["train", "toy.toml", "--out", "run", "--resume"]).succeeds();
}

#[test]
fn a_look_that_saw_nothing_is_none_and_a_mended_file_can_be_accepted() {
    let toy = Toy::new();
    let whole = toy.bytes("6.png");
    fs::write(toy.dir.join("6.png"), &whole[..whole.len() / 2]).unwrap();
    toy.train(&["--set", "data.check=off"]).succeeds();
    for _ in 0..2 {
        toy.run(&["evaluate", "run"]).fails(4, &["6.png"]);
    }
    assert!(looks(&toy).is_empty());
    fs::write(toy.dir.join("6.png"), &whole).unwrap();
    toy.run(&["evaluate", "run"]).fails(
        4,
        &["the data changed", "`clip6` of the test split: image", "6.png", "--accept-changed-data"],
    );
    toy.run(&["export", "run", "--split", "val", "--out", "x.npz"]).fails(4, &["the data changed"]);
    toy.run(&["evaluate", "run", "--accept-changed-data", " "]).fails(2, &["expected a reason"]);
    assert!(looks(&toy).is_empty());
    let said = toy.run(&["evaluate", "run", "--accept-changed-data", "clip6 was copied again"]);
    assert!(said.succeeds().out.contains("clip6 was copied again"), "{}", said.out);
    let [look] = &looks(&toy)[..] else { panic!("{:?}", looks(&toy)) };
    assert_eq!(look["accepted_data"]["reason"], "clip6 was copied again");
    assert_eq!(look["accepted_data"]["changes"].as_array().unwrap().len(), 1);
    // What was accepted once needs no reason again; another change does.
    toy.run(&["evaluate", "run"]).succeeds();
    assert_eq!(looks(&toy).len(), 2);
    fs::copy(toy.dir.join("7.png"), toy.dir.join("6.png")).unwrap();
    toy.run(&["evaluate", "run"]).fails(4, &["clip6"]);
}

#[test]
fn accepted_data_meet_the_preparation_of_training() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    toy.run(&["evaluate", "run"]).succeeds();
    let before = toy.bytes("run/predictions.npz");
    // Another training picture: a new fit would move mean and deviation of all inputs,
    // and with them every score to the last digits.
    fs::copy(toy.dir.join("1.png"), toy.dir.join("0.png")).unwrap();
    toy.run(&["evaluate", "run", "--accept-changed-data", "a test"]).succeeds();
    assert_eq!(before, toy.bytes("run/predictions.npz"), "the test files are the same");
    toy.run(&["evaluate", "run"]).succeeds();
    assert_eq!(before, toy.bytes("run/predictions.npz"), "also at the next look");
}

#[test]
fn runs_of_older_versions_tell_that_they_do_not_know_the_files() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    fs::remove_file(toy.dir.join("run/samples.jsonl")).unwrap();
    toy.run(&["evaluate", "run"]).succeeds();
    fs::copy(toy.dir.join("7.png"), toy.dir.join("6.png")).unwrap();
    toy.run(&["evaluate", "run"]).fails(4, &["the data changed", "an older version"]);
}
