//! Studies that are refused before anything is trained.

use crate::toy::*;

#[test]
fn another_study_in_the_same_folder_is_refused() {
    let toy = toy(&SPEC.replace("[3, 5]", "[3]"));
    compare(&toy, "study", &[]).succeeds();
    toy.edit("study.toml", "alpha = 2.0", "alpha = 3.0");
    let difference = "methods.dgl.set.strategy.alpha = 3.0, was 2.0";
    compare(&toy, "study", &[]).fails(3, &["contains a different study", difference, "another --out"]);
    toy.edit("study.toml", "alpha = 3.0", "alpha = 2.0");
    // How batches are loaded does not make it another study.
    compare(&toy, "study", &["--set", "data.workers=2"]).succeeds();
    compare(&toy, "study", &["--set", "train.epochs=5"]).fails(3, &["config.train.epochs = 5, was 4"]);
    toy.edit("study.toml", "[3]", "[5, 3]");
    let hint = "add seeds at the end of the list only, or choose another --out";
    compare(&toy, "study", &[]).fails(3, &["seeds = [5, 3], was [3]", hint]);
}

#[test]
fn a_refused_study_leaves_nothing_that_a_mended_one_would_have_to_agree_with() {
    let toy = toy(&SPEC.replace("alpha = 2.0", "alfa = 2.0"));
    compare(&toy, "study", &[]).fails(3, &["`alfa`"]);
    toy.edit("study.toml", "alfa", "alpha");
    compare(&toy, "study", &["--memory-gb", "0"]).fails(2, &["--memory-gb"]);
    compare(&toy, "study", &["--set", "train.epochs=1"]).succeeds();
}
