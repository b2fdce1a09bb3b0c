//! The tables of recorded results.

use std::fs;
use std::process::Command;

#[test]
fn tables_read_trained_heads_and_name_the_convention() {
    let root = std::env::temp_dir().join(format!("counterpoint-{}-tabulate", std::process::id()));
    let row = |accuracy: f64| format!(r#"{{"accuracy":{accuracy}}}"#);
    for (method, alone, native) in [
        ("joint", "", String::new()),
        (
            "gblend",
            r#","alone":{"plain":"zero-fill","native":"own head","native_trained":true}"#,
            format!(r#","native:audio":{}"#, row(0.75)),
        ),
    ] {
        let folder = root.join(method).join("fold").join("seed0");
        fs::create_dir_all(&folder).unwrap();
        let look = |checkpoint: &str| {
            let scores = format!(r#"{{"full":{},"audio":{}{native}}}"#, row(0.9), row(0.25));
            format!(
                r#"{{"event":"test","split":"test","checkpoint":"{checkpoint}","scores":{scores}{alone}}}"#
            )
        };
        fs::write(folder.join("metrics.jsonl"), format!("{}\n{}\n", look("best"), look("last"))).unwrap();
    }
    let said =
        Command::new(env!("CARGO_BIN_EXE_tabulate")).arg(&root).args(["joint", "gblend"]).output().unwrap();
    fs::remove_dir_all(&root).unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let table = said.split("over all folds").nth(1).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let heads = cells(table.lines().find(|line| line.starts_with("| method")).unwrap());
    let line = cells(table.lines().find(|line| line.starts_with("| gblend")).unwrap());
    let of = |head: &str| line[heads.iter().position(|h| h == head).unwrap()].as_str();
    assert!(of("audio alone, last").starts_with("75.0"), "{said}");
    assert!(of("audio alone, zero-fill, last").starts_with("25.0"), "{said}");
    assert!(said.contains("Each modality alone: own head for gblend; zero-fill for the others"), "{said}");
}
