//! Every configuration and study that the documents show is read by the command.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::Toy;
use toml::{Table, Value};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every `toml` block with the place where it begins, and once more with what its comments
/// offer instead. A block that is neither configuration nor study is marked `toml ignore`.
fn blocks() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in [".", "docs", "docs/results", "crates/data"] {
        for entry in fs::read_dir(project().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let mut lines = text.lines().zip(1..);
                while let Some((line, number)) = lines.next() {
                    if line.trim() == "```toml" {
                        let block: Vec<&str> =
                            lines.by_ref().map(|(line, _)| line.trim()).take_while(|l| *l != "```").collect();
                        found.push((format!("{name}:{number}"), block.join("\n")));
                        let offered = offered(&block);
                        if offered != block {
                            found.push((format!("{name}:{number}, as offered"), offered.join("\n")));
                        }
                    }
                }
            }
        }
    }
    found
}

/// A block with every `# key = value` in place of the line of that key.
fn offered<'a>(block: &[&'a str]) -> Vec<&'a str> {
    let key = |line: &'a str| line.split_once(" = ").map(|(key, _)| key).filter(|key| !key.contains(' '));
    let mut lines: Vec<&str> = Vec::new();
    for line in block {
        match line.strip_prefix("# ").filter(|rest| key(rest).is_some()) {
            Some(rest) => {
                lines.retain(|line| key(line) != key(rest));
                lines.push(rest);
            }
            None => lines.push(line),
        }
    }
    lines
}

/// Puts a fragment over a configuration: a table of another name takes the place of one.
fn over(base: &mut Table, part: Table) {
    for (key, value) in part {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(part))
                if part.get("name").is_none_or(|name| below.get("name") == Some(name)) =>
            {
                over(below, part);
            }
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// Asserts that all of a part is in a whole.
fn holds(whole: &Value, part: &Value, place: &str) {
    match (whole, part) {
        (Value::Table(whole), Value::Table(part)) => {
            for (key, value) in part {
                let found = whole.get(key).unwrap_or_else(|| panic!("{place}: {key} is lost"));
                holds(found, value, place);
            }
        }
        // A text that stands for a table with one value is written out as that table.
        (Value::Table(whole), Value::String(_)) => {
            assert!(whole.values().any(|value| value == part), "{place}: {part} is lost");
        }
        _ => assert_eq!(whole, part, "{place}"),
    }
}

#[test]
fn every_configuration_in_the_documents_is_read() {
    let toy = Toy::new();
    let base: Table = String::from_utf8(toy.bytes("toy.toml")).unwrap().parse().unwrap();
    let (mut configurations, mut studies) = (0, 0);
    for (place, text) in blocks() {
        let block: Table = text.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut whole = block.clone();
        let args: &[&str] = if block.contains_key("methods") {
            studies += 1;
            // Written for a file in configs/studies.
            let config = block["config"].as_str().unwrap();
            let config = project().join("configs/studies").join(config).display().to_string();
            whole.insert("config".into(), Value::String(config));
            let root = Value::String(project().join("data/spoken-digits").display().to_string());
            whole.insert("data".into(), Table::from_iter([("root".to_owned(), root)]).into());
            &["compare", "shown.toml", "--dry-run"]
        } else {
            configurations += 1;
            whole = base.clone();
            over(&mut whole, block.clone());
            &["train", "shown.toml", "--print-config"]
        };
        toy.write("shown.toml", &toml::to_string(&whole).unwrap());
        let said = toy.run(args);
        assert_eq!(said.code, 0, "{place}: {}", said.err);
        if !block.contains_key("methods") {
            holds(&said.out.parse::<Table>().unwrap().into(), &block.into(), &place);
        }
    }
    assert!(configurations >= 9 && studies >= 1, "{configurations} configurations, {studies} studies");
}

#[test]
fn a_wrong_fragment_would_be_found() {
    let toy = Toy::new();
    let mut whole: Table = String::from_utf8(toy.bytes("toy.toml")).unwrap().parse().unwrap();
    over(&mut whole, "[diagnostics]\nnoise_evry = 10\n".parse().unwrap());
    toy.write("shown.toml", &toml::to_string(&whole).unwrap());
    toy.run(&["train", "shown.toml", "--print-config"]).fails(3, &["noise_evry"]);
}
