//! The example's command does with its own parts what `counterpoint` does.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the command in the example's folder; what it printed, on both streams.
fn run(arguments: &[&str]) -> (i32, String) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said =
        Command::new(env!("CARGO_BIN_EXE_own-parts")).args(arguments).current_dir(here).output().unwrap();
    let text = [said.stdout, said.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (said.status.code().unwrap(), text)
}

fn works(arguments: &[&str]) -> String {
    let (code, text) = run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {text}");
    text
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("counterpoint-own-parts-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn parts_of_another_crate_are_listed_explained_trained_compared_and_reported() {
    let list = works(&["list"]);
    for name in ["relay", "tanh", "columns", "dgl"] {
        assert!(list.split_whitespace().any(|word| word == name), "{name} in {list}");
    }
    assert!(works(&["list", "strategy", "relay"]).contains("Epochs in which encoders learn"));
    let explained = works(&["explain", "own-parts.toml"]);
    assert!(explained.contains("encoder.height learns from 1 x the unimodal loss of height"), "{explained}");

    let folder = Folder::new();
    let run_folder = folder.file("run");
    works(&["train", "own-parts.toml", "--out", &run_folder, "--set", "train.epochs=2"]);
    works(&["train", "--resume", "--out", &run_folder, "--set", "train.epochs=4"]);
    let scores = works(&["evaluate", &run_folder, "--split", "val"]);
    assert!(scores.contains("height") && scores.contains("weight"), "{scores}");
    works(&["report", &run_folder, "--out", &folder.file("report.html")]);

    let study = works(&["compare", "study.toml", "--out", &folder.file("study")]);
    assert!(study.contains("relay") && study.contains("dgl"), "{study}");
    let page = folder.file("study.html");
    works(&["report", &folder.file("study"), "--out", &page]);
    assert!(std::fs::read_to_string(page).unwrap().contains("relay"));

    let (code, refusal) =
        run(&["train", "own-parts.toml", "--set", "strategy.unimodel=2", "--out", &folder.file("no")]);
    assert!(code == 3 && refusal.contains("did you mean `unimodal`?"), "{code}: {refusal}");
}
