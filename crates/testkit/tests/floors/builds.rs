//! All documented commands build the dependencies they share with the same features. One that did not
//! would compile Burn once more, which takes minutes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::root;

/// Documents, scripts and sources, by their path below the root.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, found);
            } else if path
                .extension()
                .is_some_and(|e| ["md", "rs", "sh", "toml"].iter().any(|known| e == *known))
            {
                found.push(path);
            }
        }
    }
    let mut found = vec![root().join(".ci/run")];
    for top in ["crates", "data", "docs", "examples", "scripts", "tools"] {
        walk(&root().join(top), &mut found);
    }
    // The root itself without its other folders, which hold what was built and what ran.
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    found.extend(top.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    found
}

/// The arguments of every `cargo` that a text says builds something, up to those of the program it runs. Between
/// backticks a command may go on in the next line.
fn commands(text: &str) -> Vec<Vec<String>> {
    let builds = ["bench", "build", "check", "clippy", "doc", "install", "run", "rustc", "rustdoc", "test"];
    let starts = text.match_indices("cargo ").filter(|(at, _)| !text[..*at].ends_with(char::is_alphanumeric));
    let read = |(at, _): (usize, &str)| {
        let quoted = text[..at].ends_with('`');
        let command = text[at..].split(if quoted { '`' } else { '\n' }).next()?;
        let words =
            command.split_whitespace().skip(1).filter(|word| !["//!", "///", "//", "#"].contains(word));
        let ends = |word: &&str| ["--", "|", "||", "&&", "\\"].contains(word);
        let words: Vec<String> = words.take_while(|word| !ends(word)).map(str::to_owned).collect();
        words.first().is_some_and(|first| builds.contains(&first.as_str())).then_some(words)
    };
    starts.filter_map(read).collect()
}

/// What a command chooses to build: arguments of `cargo tree`. `None` if it builds another workspace, or back ends
/// of its own.
fn selection(command: &[String]) -> Option<Vec<String>> {
    let (mut chosen, mut words) = (Vec::new(), command.iter());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--manifest-path" => return None,
            "--features" => match words.next()?.as_str() {
                // What builds beside the workspace and not into what Burn is built of.
                "mpi" => chosen.extend(["--features", "counterpoint-cli/mpi"].map(str::to_owned)),
                _ => return None,
            },
            // Another processor's programs are built beside those of this one.
            "--target" => return None,
            "-p" | "--package" => chosen.extend(["-p".to_owned(), words.next()?.clone()]),
            "--path" => {
                let manifest = fs::read_to_string(root().join(words.next()?).join("Cargo.toml")).unwrap();
                let name = manifest.split("name = \"").nth(1).and_then(|rest| rest.split('"').next());
                chosen.extend(["-p".to_owned(), name?.to_owned()]);
            }
            _ => {}
        }
    }
    if !chosen.contains(&"-p".to_owned()) {
        chosen.push("--workspace".to_owned());
    }
    // What a feature brings to build with, it builds for itself.
    let build = if chosen.contains(&"--features".to_owned()) { "normal" } else { "normal,build" };
    let tests = ["bench", "clippy", "test"].contains(&command[0].as_str());
    chosen.extend(["--edges".to_owned(), if tests { format!("{build},dev") } else { build.to_owned() }]);
    Some(chosen)
}

/// Every package that is built for a selection, with its features.
fn packages(selection: &[String]) -> BTreeSet<(String, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let shape = ["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p}|{f}"];
    let output = Command::new(cargo).current_dir(root()).args(shape).args(selection).output().unwrap();
    assert!(output.status.success(), "{selection:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let split = |line: &str| {
        let (package, features) = line.trim_end_matches(" (*)").split_once('|')?;
        Some((package.to_owned(), features.to_owned()))
    };
    text.lines().filter_map(split).collect()
}

/// What is built for `selection` with other features than for the workspace.
fn built_again(selection: &[String], workspace: &BTreeSet<(String, String)>) -> Vec<String> {
    let shared: BTreeSet<&str> = workspace.iter().map(|(package, _)| package.as_str()).collect();
    // A feature of a member may change members, which Burn does not need.
    let member = |package: &str| package.contains(" (/") && selection.contains(&"--features".to_owned());
    let other = packages(selection)
        .into_iter()
        .filter(|built| shared.contains(&*built.0) && !workspace.contains(built) && !member(&built.0));
    other.map(|(package, features)| format!("{package} with {features}")).collect()
}

#[test]
fn no_documented_command_builds_a_dependency_again() {
    let workspace = packages(&["--workspace", "--edges", "normal,build"].map(str::to_owned));
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    for path in files().into_iter().filter(|path| !path.ends_with(file!())) {
        let text = fs::read_to_string(&path).unwrap();
        for command in commands(&text) {
            count += 1;
            let Some(selection) = selection(&command).filter(|selection| seen.insert(selection.clone()))
            else {
                continue;
            };
            let again = built_again(&selection, &workspace);
            assert_eq!(again, [""; 0], "`cargo {}` of {} builds again", command.join(" "), path.display());
        }
    }
    assert!(count >= 20, "only {count} commands were found");
    assert!(seen.len() >= 3, "with and without tests, and the installed package: {seen:?}");
}

#[test]
fn a_command_that_builds_a_dependency_again_is_found() {
    let text = "`cargo test --bench\n//! x` cargo tree, `cargo fmt`\n    cargo run -p counterpoint-testkit --bin y -- -p z\n\
                cargo build --manifest-path tools/z/Cargo.toml\n`cargo install --path crates/cli`, `cargo install --path crates/cli --features cuda`, `cargo build --features mpi --release`";
    let chosen: Vec<_> = commands(text).iter().map(|command| selection(command)).collect();
    let words = |line: &str| Some(line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let expected = [
        words("--workspace --edges normal,build,dev"),
        words("-p counterpoint-testkit --edges normal,build"),
        None,
        words("-p counterpoint-cli --edges normal,build"),
        None,
        words("--features counterpoint-cli/mpi --workspace --edges normal"),
    ];
    assert_eq!(chosen, expected);
    let workspace = packages(&["--workspace", "--edges", "normal,build"].map(str::to_owned));
    let again = built_again(&expected[1].clone().unwrap(), &workspace);
    assert!(again.iter().any(|package| package.starts_with("num-traits ")), "{again:?}");
}
