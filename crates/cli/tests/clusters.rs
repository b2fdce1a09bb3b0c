//! Every script of docs/clusters.md is run, with stand-ins for the programs of a cluster.

mod support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::document::{self, Block};
use support::{Said, Toy, said};

/// Four arms and two seeds.
const STUDY: &str = r#"
config = "toy.toml"
seeds = 2
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[references]
matched = false
lr_all = false
[tune]
settings = [{ optimizer.lr = 1e-9 }, { optimizer.lr = 0.05 }]
"#;

/// Programs of clusters, as far as the scripts use them: on this machine, and at once.
const STAND_INS: [(&str, &str); 5] = [
    // Another machine has another current folder, and what a shell there reads.
    ("ssh", "shift; cd /; exec sh -c \"$*\""),
    ("srun", "while case $1 in -*) true;; *) false;; esac; do shift; done; exec \"$@\""),
    ("salloc", "while case $1 in -*) true;; *) false;; esac; do shift; done; exec \"$@\""),
    // An array is its script once for each number. What depends on it comes after it.
    (
        "sbatch",
        r#"first=1 last=1
while :; do
  case $1 in
    --array=*) range=${1#--array=}; first=${range%-*} last=${range#*-}; array=yes;;
    --dependency=afterany:7 | --parsable) ;;
    -*) echo "sbatch: unknown option $1" >&2; exit 1;;
    *) break;;
  esac
  shift
done
echo "$first-$last $*" >> submitted.txt
for number in $(seq "$first" "$last"); do
  [ -z "$array" ] || export SLURM_ARRAY_TASK_ID="$number"
  sh "$@" >&2 || echo "$number failed" >> submitted.txt
done
echo 7"#,
    ),
    ("kubectl", "[ \"$1\" != create ] || cat > created.yaml"),
];

fn blocks() -> Vec<Block> {
    document::blocks("docs/clusters.md")
}

/// A toy study beside the files of a section, with the stand-ins on its path.
fn cluster(blocks: &[&Block]) -> Toy {
    let toy = Toy::new();
    toy.write("study.toml", STUDY);
    fs::create_dir(toy.dir.join("bin")).unwrap();
    let program = ("counterpoint", format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_counterpoint")));
    let others = STAND_INS.map(|(name, text)| (name, text.to_owned()));
    for (name, text) in others.into_iter().chain([program]) {
        toy.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{text}\n"));
        let path = toy.dir.join("bin").join(name);
        assert!(Command::new("chmod").arg("+x").arg(path).status().unwrap().success());
    }
    for block in blocks {
        if let Some(file) = &block.file {
            toy.write(file, &block.text);
        }
    }
    toy
}

fn shell(toy: &Toy, script: &str, variables: &[(String, String)]) -> Said {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script]).current_dir(&toy.dir).envs(variables.iter().cloned());
    said(command.env("PATH", format!("{}:{path}", toy.path("bin"))).output().unwrap())
}

/// The commands of a section, which a study's tries and finals both need: twice.
fn run(title: &str, between: impl Fn(&Toy)) -> Option<Toy> {
    let all = blocks();
    let section: Vec<&Block> = all.iter().filter(|block| block.section == title).collect();
    assert!(!section.is_empty(), "docs/clusters.md has no section {title}");
    let toy = cluster(&section);
    let commands: Vec<_> = section.iter().filter(|b| b.language == "sh" && b.file.is_none()).collect();
    for round in 1..=2 {
        for (number, block) in commands.iter().enumerate() {
            let last = number + 1 == commands.len();
            let ran = shell(&toy, &block.text, &[]);
            // The first round of two ends with finals that are missing.
            let code = if round == 1 && last && block.text.contains("--collect") { 9 } else { 0 };
            assert_eq!(ran.code, code, "{title}, round {round}: {}\n{}", block.text, ran.err);
            between(&toy);
        }
    }
    finished(&toy, title);
    Some(toy)
}

fn finished(toy: &Toy, title: &str) {
    let study: Value = serde_json::from_slice(&toy.bytes("studies/study/study.json")).unwrap();
    let runs = study["runs"].as_array().unwrap();
    let finals = runs.iter().filter(|run| run["chosen"] == true);
    let (done, all) = finals
        .fold((0, 0), |(done, all), run| (done + usize::from(run["state"]["state"] == "finished"), all + 1));
    assert_eq!((done, all), (5 * 2, 5 * 2), "{title}: {study}");
}

#[test]
fn every_section_with_scripts_has_its_test() {
    let mut titles: Vec<String> = blocks().into_iter().map(|block| block.section).collect();
    titles.dedup();
    let tested = ["Studies on many machines", "GNU parallel", "A loop over ssh", "SLURM", "Kubernetes"];
    assert_eq!(titles, tested);
}

#[test]
fn one_line_after_the_other() {
    run("Studies on many machines", |_| ());
}

#[test]
fn by_gnu_parallel() {
    if support::has_parallel() {
        let toy = run("GNU parallel", |_| ()).unwrap();
        let log = String::from_utf8(toy.bytes("jobs.log")).unwrap();
        assert_eq!(log.lines().count(), 1 + 8, "a title and the finals: {log}");
    }
}

#[test]
fn by_ssh() {
    run("A loop over ssh", |_| ());
}

#[test]
fn by_slurm() {
    let all = blocks();
    let section: Vec<&Block> = all.iter().filter(|block| block.section == "SLURM").collect();
    let commands: Vec<_> = section.iter().filter(|b| b.language == "sh" && b.file.is_none()).collect();
    let [rounds, launcher] = commands[..] else { panic!("{} blocks of commands", commands.len()) };
    let toy = cluster(&section);
    let ran = shell(&toy, &rounds.text, &[]);
    ran.succeeds();
    let submitted = String::from_utf8(toy.bytes("submitted.txt")).unwrap();
    let expected = "1-1 round.sh 3\n1-8 array.sh\n1-1 round.sh 2\n1-8 array.sh\n1-1 round.sh 1\n";
    assert_eq!(submitted, expected, "two rounds, then nothing is left: {}", ran.err);
    finished(&toy, "SLURM");
    // Once more by one allocation.
    fs::rename(toy.dir.join("studies"), toy.dir.join("by-arrays")).unwrap();
    shell(&toy, &launcher.text, &[]).succeeds();
    finished(&toy, "SLURM, one allocation");
    assert!(toy.bytes("studies/study/study.json") == toy.bytes("by-arrays/study/study.json"));
}

#[test]
fn by_kubernetes() {
    run("Kubernetes", |toy| {
        let Ok(job) = fs::read_to_string(toy.dir.join("created.yaml")) else { return };
        fs::remove_file(toy.dir.join("created.yaml")).unwrap();
        let value = |key: &str| {
            let line = job.lines().find_map(|line| line.trim().strip_prefix(key));
            line.unwrap_or_else(|| panic!("no {key} in {job}")).trim().to_owned()
        };
        // A list of YAML in brackets is one of JSON.
        let command: Vec<String> = serde_json::from_str(&value("command:")).unwrap();
        assert_eq!(command[..2], ["sh", "-c"]);
        assert_eq!(value("completionMode:"), "Indexed");
        let shared = |text: &str| text.replace(&value("workingDir:"), &toy.dir.display().to_string());
        let mut variables: Vec<(String, String)> = Vec::new();
        for line in job.lines().filter_map(|line| line.trim().strip_prefix("- { name: COUNTERPOINT")) {
            let (name, rest) = line.split_once(", value: \"").unwrap();
            let value = rest.strip_suffix("\" }").unwrap();
            variables.push((format!("COUNTERPOINT{name}"), shared(value)));
        }
        assert_eq!(variables.len(), 2);
        for index in 0..value("completions:").parse().unwrap() {
            let number = ("JOB_COMPLETION_INDEX".to_owned(), format!("{index}"));
            let all: Vec<_> = variables.iter().cloned().chain([number]).collect();
            shell(toy, &command[2], &all).succeeds();
        }
    });
}
