//! Studies whose runs are made elsewhere: planned, made, collected; locks between their processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::interrupted::results;
use crate::support::{Said, Toy, has_parallel, said};
use crate::toy::*;

/// Four arms and three seeds; the average of the unimodal models is made without training.
const TWELVE: &str = r#"
config = "toy.toml"
seeds = [3, 5, 7]
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[references]
matched = false
lr_all = false
"#;

fn plan(toy: &Toy, out: &str) -> (String, Vec<String>) {
    let planned = toy.run(&["compare", "study.toml", "--out", out, "--plan", "jobs.txt"]);
    let words = planned.succeeds().out.clone();
    let text = String::from_utf8(toy.bytes("jobs.txt")).unwrap();
    (words, text.lines().map(str::to_owned).collect())
}

/// A line of a plan, run from a folder that has nothing to do with it, with the threads that a study gives its runs.
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir("/").env("RAYON_NUM_THREADS", "1").stdin(Stdio::null());
    command
}

fn make(line: &str) -> Said {
    said(shell(line).output().unwrap())
}

fn make_all(lines: &[String]) {
    for line in lines {
        make(line).succeeds();
    }
}

/// What a report's files say, but for those of what the runs cost.
fn report(toy: &Toy, study: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>, top: &Path) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, found, top);
            } else if !path.to_string_lossy().contains("cost") {
                found.insert(path.strip_prefix(top).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let assets = format!("{study}-assets");
    toy.run(&["report", study, "--assets", &assets]).succeeds();
    let mut found = BTreeMap::new();
    walk(&toy.dir.join(&assets), &mut found, &toy.dir.join(&assets));
    found
}

/// The tables that a study prints; below them it names its folder.
fn tables(said: &Said) -> String {
    let lines: Vec<&str> = said.out.lines().filter(|line| !line.starts_with("A report with")).collect();
    lines.join("\n")
}

#[test]
fn twelve_runs_by_gnu_parallel_are_the_study_that_one_command_makes() {
    if !has_parallel() {
        return;
    }
    let toy = toy(TWELVE);
    let alone = compare(&toy, "alone", &[]);
    alone.succeeds();

    compare(&toy, "many", &["--collect"]).fails(7, &["many contains no study", "--plan FILE"]);
    assert!(!toy.dir.join("many").exists());
    let (words, lines) = plan(&toy, "many");
    assert!(words.contains("round 1 of 1: 12 runs in jobs.txt, one command a line"), "{words}");
    assert_eq!(lines.len(), 12);
    assert!(!toy.dir.join("many/runs").exists(), "a plan trains nothing");
    let none = compare(&toy, "many", &["--collect"]);
    none.fails(9, &["12 runs are missing", "runs/joint/seed3: not begun", &lines[0]]);

    // One run is there, and one is half done.
    make(&lines[0]).succeeds();
    let half = toy.dir.join("many/runs/unimodal-image/seed3");
    make(&lines[1]).succeeds();
    let whole = fs::read_to_string(half.join("metrics.jsonl")).unwrap();
    let kept: Vec<&str> = whole.lines().filter(|line| !line.contains("\"test\"")).collect();
    fs::write(half.join("metrics.jsonl"), kept[..kept.len() - 1].join("\n") + "\n").unwrap();
    let some = compare(&toy, "many", &["--collect", "--json"]);
    some.fails(9, &["11 runs are", "runs/unimodal-image/seed3: stopped after 4 of 4 epochs"]);
    let json: Value = serde_json::from_str(&some.out).unwrap();
    let count = |modality: &str| -> Value {
        let name = format!("unimodal-{modality}");
        let of = json["methods"].as_array().unwrap().iter().find(|m| m["name"] == name).unwrap();
        of["last"][modality]["n"].clone()
    };
    assert_eq!((count("audio"), count("image")), (1.into(), Value::Null));
    let states = record(&toy, "many");
    let average = states["runs"].as_array().unwrap().iter().find(|r| r["method"] == "late-average").unwrap();
    assert_eq!(average["state"]["state"], "waiting", "it is made once its models are there");
    fs::write(half.join("metrics.jsonl"), whole).unwrap();

    // Processes that this one does not start.
    let run = Command::new("parallel")
        .args(["--will-cite", "--jobs", "2", "--arg-file"])
        .arg(toy.dir.join("jobs.txt"))
        .current_dir("/")
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .output();
    said(run.unwrap()).succeeds();

    let (words, lines) = plan(&toy, "many");
    assert!(words.contains("nothing is left to train (jobs.txt is empty): finish the study with --collect"));
    assert!(lines.is_empty());
    let collected = compare(&toy, "many", &["--collect"]);
    assert_eq!(tables(collected.succeeds()), tables(&alone));
    let (one, many) = (results(&toy, "alone"), results(&toy, "many"));
    assert_eq!(one.keys().collect::<Vec<_>>(), many.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(*bytes == many[name], "{name} differs");
    }
    let (one, many) = (report(&toy, "alone"), report(&toy, "many"));
    assert!(one.len() > 10, "{:?}", one.keys());
    let differ: Vec<_> = one.keys().filter(|name| one.get(*name) != many.get(*name)).collect();
    assert!(differ.is_empty() && one.len() == many.len(), "{differ:?}");
}

#[test]
fn settings_that_are_chosen_take_two_rounds() {
    let tuned = r#"
config = "toy.toml"
seeds = 2
references = false
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[tune]
settings = [{ optimizer.lr = 1e-9 }, { optimizer.lr = 0.05 }]
"#;
    let toy = toy(tuned);
    let alone = compare(&toy, "alone", &[]);
    alone.succeeds();
    let (words, tries) = plan(&toy, "many");
    assert!(
        words.contains("round 1 of 2: 4 runs") && words.contains("plan again for the next round"),
        "{words}"
    );
    make(&tries[0]).succeeds();
    compare(&toy, "many", &["--collect"]).fails(9, &["3 runs are"]);
    assert!(record(&toy, "many")["choices"].as_array().unwrap().is_empty(), "three tries are missing");
    make_all(&tries);
    assert_eq!(looks(&toy, "many/runs/dgl/setting1/seed0"), 0, "nothing is chosen yet");
    let (words, finals) = plan(&toy, "many");
    assert!(words.contains("round 2 of 2: 4 runs") && words.contains("--collect"), "{words}");
    make_all(&finals);
    // What has ended is left alone.
    finals.iter().for_each(|line| assert!(make(line).succeeds().err.contains("is finished")));
    let collected = compare(&toy, "many", &["--collect"]);
    assert_eq!(tables(collected.succeeds()), tables(&alone));
    assert!(results(&toy, "alone") == results(&toy, "many"));
    assert_eq!(looks(&toy, "many/runs/dgl/setting0/seed0"), 0);
    assert_eq!(looks(&toy, "many/runs/dgl/setting1/seed0"), 1);
}

#[test]
fn a_run_that_diverged_elsewhere_is_a_result() {
    let wild = TWELVE
        .replace("[3, 5, 7]", "[3]")
        .replace("alpha = 2.0", "alpha = 2.0, optimizer.lr = 1e30")
        .replace("[references]", "[references]\nunimodal = false\naverage = false");
    let toy = toy(&wild);
    let alone = compare(&toy, "alone", &[]);
    assert!(alone.succeeds().out.contains("runs/dgl/seed3 failed (5)"), "{}", alone.out);
    let (_, lines) = plan(&toy, "many");
    let codes: Vec<i32> = lines.iter().map(|line| make(line).code).collect();
    assert_eq!(codes, [0, 5]);
    make(&lines[1]).fails(5, &["lower optimizer.lr"]);
    let collected = compare(&toy, "many", &["--collect"]);
    assert_eq!(tables(collected.succeeds()), tables(&alone));
    assert_eq!(record(&toy, "alone"), record(&toy, "many"));
}

#[test]
fn a_plan_follows_its_study_to_another_folder() {
    let toy = toy(&TWELVE.replace("[3, 5, 7]", "[3]"));
    fs::create_dir(toy.dir.join("it's here")).unwrap();
    for name in fs::read_dir(&toy.dir).unwrap().map(|e| e.unwrap().file_name()) {
        if name != "it's here" {
            fs::rename(toy.dir.join(&name), toy.dir.join("it's here").join(&name)).unwrap();
        }
    }
    let at = |place: &str, args: &[&str]| {
        let mut command = toy.command(args);
        said(command.current_dir(toy.dir.join(place)).output().unwrap())
    };
    at("it's here", &["compare", "study.toml", "--out", "a study", "--plan", "jobs.txt"]).succeeds();
    let lines = fs::read_to_string(toy.dir.join("it's here/jobs.txt")).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    make(lines[0]).succeeds();
    fs::rename(toy.dir.join("it's here"), toy.dir.join("elsewhere")).unwrap();
    make(lines[1]).fails(2, &["cd"]);
    for line in &lines {
        let moved = shell(line).env("COUNTERPOINT_STUDY", toy.dir.join("elsewhere/a study")).output();
        said(moved.unwrap()).succeeds();
    }
    at("elsewhere", &["compare", "study.toml", "--out", "a study", "--collect"]).succeeds();
}

#[test]
fn launchers_start_every_run_and_one_that_cannot_is_named() {
    let toy = toy(&TWELVE.replace("[3, 5, 7]", "[3]"));
    toy.write("launch.sh", "echo \"$GREETING $1 $3\" >> launched.txt\nshift\nexec \"$@\"\n");
    let launcher = "env GREETING='two words' sh launch.sh 'one word'";
    compare(&toy, "study", &["--launcher", launcher, "--jobs", "2"]).succeeds();
    let launched = String::from_utf8(toy.bytes("launched.txt")).unwrap();
    assert_eq!(launched.lines().count(), 4, "{launched}");
    assert!(launched.lines().all(|line| line == "two words one word train"), "{launched}");
    compare(&toy, "alone", &[]).succeeds();
    assert!(results(&toy, "study") == results(&toy, "alone"));
    let wrong = ["--launcher", "no-such-launcher -n1"];
    let parts = ["--launcher: `no-such-launcher -n1 counterpoint train", "exit code 127", "not found"];
    compare(&toy, "other", &wrong).fails(2, &parts);
    compare(&toy, "other", &["--launcher", " "]).fails(2, &["--launcher is empty"]);
    compare(&toy, "other", &["--launcher", "x", "--plan", "jobs.txt"]).fails(2, &["cannot be used with"]);
    compare(&toy, "other", &["--plan", "study/study.json"]).fails(2, &["belongs to the records"]);
}

/// A long run that a line of a plan has begun, and the process that makes it.
#[cfg(unix)]
fn begun(toy: &Toy, line: &str) -> (Child, String) {
    let child = shell(line).stderr(Stdio::null()).spawn().unwrap();
    let run = toy.dir.join("many/runs/unimodal-audio/seed3");
    while !run.join("checkpoints/last.safetensors").exists() {
        sleep(Duration::from_millis(10));
    }
    let owner: Value = serde_json::from_slice(&fs::read(run.join("owner.json")).unwrap()).unwrap();
    (child, owner["process"].to_string())
}

#[cfg(unix)]
fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_run_in_another_process_is_refused_and_a_killed_one_goes_on() {
    let short = TWELVE.replace("[3, 5, 7]", "[3]") + "[train]\nepochs = 8\n";
    let toy = toy(&short);
    let (_, lines) = plan(&toy, "many");
    let (mut child, process) = begun(&toy, &lines[0]);
    // However long it takes to look, it does not end meanwhile.
    signal("-STOP", &process);
    make(&lines[0]).fails(8, &["is in use by", &format!("process {process} on ")]);
    let held = format!("runs/unimodal-audio/seed3: held by process {process} on ");
    compare(&toy, "many", &["--collect"]).fails(9, &[&held]);
    signal("-KILL", &process);
    child.wait().unwrap();
    make_all(&lines);
    assert!(!toy.dir.join("many/runs/unimodal-audio/seed3/owner.json").exists());
    compare(&toy, "many", &["--collect"]).succeeds();
    compare(&toy, "alone", &[]).succeeds();
    assert!(results(&toy, "alone") == results(&toy, "many"), "the same bits");
}

#[cfg(unix)]
#[test]
fn a_run_on_another_machine_is_refused_where_the_system_does_not_know_of_its_lock() {
    let toy = toy(&(TWELVE.replace("[3, 5, 7]", "[3]") + "[train]\nepochs = 100000\n"));
    let (_, lines) = plan(&toy, "many");
    let (mut child, process) = begun(&toy, &lines[0]);
    let run = toy.dir.join("many/runs/unimodal-audio/seed3");
    // As on a file system that keeps locks on one machine.
    fs::rename(run.join("lock"), run.join("lock-of-the-other")).unwrap();
    let second = said(shell(&lines[0]).env("COUNTERPOINT_MACHINE", "another").output().unwrap());
    second
        .fails(8, &["waiting up to 60 s for a sign of life", &format!("is in use by process {process} on ")]);
    assert!(child.try_wait().unwrap().is_none(), "the first goes on");
    signal("-KILL", &process);
    child.wait().unwrap();
}
