//! Output that goes away takes no work with it.

#![cfg(unix)]

mod support;

use std::fs::File;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use support::{Toy, said};

/// The writing end of a pipe that nobody reads.
fn nobody() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let toy = Toy::new();
    let commands: [&[&str]; 6] = [
        &["list"],
        &["list", "--json"],
        &["completions", "bash"],
        &["--help"],
        &["train", "toy.toml", "--print-config"],
        &["train", "toy.toml", "--dry-run", "-q"],
    ];
    for args in commands {
        let output = toy.command(args).stdout(nobody()).stderr(Stdio::piped()).output().unwrap();
        let said = said(output);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_has_an_exit_code_of_its_own() {
    let toy = Toy::new();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for args in [&["list"][..], &["--help"], &["completions", "bash"]] {
        let output = toy.command(args).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        said(output).fails(7, &["cannot write the result to standard output", "No space left"]);
    }
    // The work is done all the same.
    let output = toy.command(&["train", "toy.toml", "--out", "run", "-q"]).stdout(full()).output().unwrap();
    said(output).fails(7, &["standard output", "everything else is complete"]);
    toy.train(&["--resume"]).succeeds();
    let output = toy.command(&["list"]).stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn training_goes_on_whoever_stops_listening() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let whole = toy.bytes("run/checkpoints/last.safetensors");
    let same = |name: &str, code: Option<i32>| {
        assert_eq!(code, Some(0), "{name}");
        assert_eq!(toy.bytes(&format!("{name}/checkpoints/last.safetensors")), whole, "{name}");
    };
    let train = |out| toy.command(&["train", "toy.toml", "--out", out]);
    same("both", train("both").stdout(nobody()).stderr(nobody()).status().unwrap().code());
    same("errors", train("errors").stdout(Stdio::null()).stderr(nobody()).status().unwrap().code());
    let program = env!("CARGO_BIN_EXE_counterpoint");
    for (out, redirection) in [
        ("closed", ">&- 2>&-"),
        ("no-errors", "2>&-"),
        ("no-input", "<&- >&- 2>&-"),
        ("full", "2> /dev/full"),
    ] {
        if redirection.contains("/dev/full") && !cfg!(target_os = "linux") {
            continue;
        }
        let script = format!("exec {program} train toy.toml --out {out} {redirection}");
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", &script]).current_dir(&toy.dir).stdout(Stdio::null()).status();
        same(out, status.unwrap().code());
    }
    // As people do it: the reader leaves after two lines, in the middle of training.
    let script = format!("set -o pipefail; {program} train toy.toml --out head 2>&1 | head -2");
    let output = Command::new("bash").args(["-c", &script]).current_dir(&toy.dir).output().unwrap();
    same("head", output.status.code());
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
}

#[test]
fn a_closed_terminal_stops_training_with_a_checkpoint_unless_told_to_ignore_it() {
    let toy = Toy::new();
    let long = ["--set", "train.epochs=400", "--set", "train.checkpoint_steps=2", "--quiet"];
    let started = |command: &mut Command, out: &str| {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(nobody()).spawn().unwrap();
        while !toy.dir.join(out).join("checkpoints/last.safetensors").exists() {
            sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
        child
    };
    let mut plain = toy.command(&[&["train", "toy.toml", "--out", "hung-up"], &long[..]].concat());
    let code = started(&mut plain, "hung-up").wait().unwrap().code();
    assert_eq!(code, Some(6));
    let epochs = |name| String::from_utf8(toy.bytes(name)).unwrap().matches("\"event\":\"epoch\"").count();
    assert!(epochs("hung-up/metrics.jsonl") < 400);
    // What `nohup` does before it starts a command.
    let mut deaf = Command::new("sh");
    let script = format!(
        "trap '' HUP; exec {} train toy.toml --out deaf {}",
        env!("CARGO_BIN_EXE_counterpoint"),
        long.join(" ")
    );
    deaf.args(["-c", &script]).current_dir(&toy.dir);
    let mut child = started(&mut deaf, "deaf");
    sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().unwrap().map(|s| s.code()), None, "it trains on");
    child.kill().unwrap();
    child.wait().unwrap();
}
