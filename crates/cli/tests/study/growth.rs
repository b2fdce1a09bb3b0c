//! Studies that get more seeds.

use crate::interrupted::results;
use crate::toy::*;

#[test]
fn a_study_with_more_seeds_keeps_its_runs_and_says_when_they_were_added() {
    let grown = toy(&SPEC.replace("[3, 5]", "[3]"));
    // As another machine leaves it: the record of the study does not know that its runs have ended.
    compare(&grown, "study", &[]).succeeds();
    let known = String::from_utf8(grown.bytes("study/study.json")).unwrap();
    grown.write("study/study.json", &known.replace("finished", "waiting"));
    let first = results(&grown, "study");
    grown.edit("study.toml", "[3]", "[3, 5]");
    grown.run(&["compare", "study.toml", "--out", "study", "--dry-run"]).succeeds();
    assert_eq!(first, results(&grown, "study"), "a dry run writes nothing");
    compare(&grown, "study", &[]).succeeds();
    compare(&grown, "study", &[]).succeeds();

    let whole = toy(SPEC);
    compare(&whole, "study", &[]).succeeds();
    let (mut a, mut b) = (results(&grown, "study"), results(&whole, "study"));
    let differs = |name: &str| a.get(name) != b.get(name);
    assert!(differs("study.json"), "it was not planned so");
    for (results, name) in [(&mut a, "grown"), (&mut b, "whole")] {
        assert!(results.remove("study.json").is_some(), "{name}");
    }
    assert!(a == b, "the runs are those of a study that was planned with all seeds");
    assert!(first.iter().filter(|(name, _)| *name != "study.json").all(|(name, bytes)| a[name] == *bytes));
    assert_eq!(looks(&grown, "study/runs/dgl/seed3"), 1);

    let leaks = record(&grown, "study")["leaks"].as_array().unwrap().clone();
    let notes: Vec<&str> = leaks.iter().filter_map(|l| l.as_str()).filter(|l| l.contains("added")).collect();
    let [note] = notes[..] else { panic!("{leaks:?}") };
    assert!(note.starts_with("note: seed 5 added on 2"), "{note}");
    assert!(note.ends_with("after a first look: 8 runs had been evaluated on the test split"), "{note}");
    grown.run(&["report", "study"]).succeeds();
    let page = String::from_utf8(grown.bytes("study/report.html")).unwrap();
    assert!(page.contains("seed 5 added on 2") && page.contains("after a first look"));

    for fewer in ["[3]", "[5]", "[5, 3]", "[3, 4]"] {
        grown.write("fewer.toml", &SPEC.replace("[3, 5]", fewer));
        let hint = "add seeds at the end of the list only";
        grown.run(&["compare", "fewer.toml", "--out", "study"]).fails(3, &["was [3, 5]", hint]);
    }
}
