//! Gradient maps of every method against float64 PyTorch.

use std::path::Path;

use counterpoint_testkit::toy_reference;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/gradients")
}

#[test]
fn every_gradient_map_agrees() {
    let mut files = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let report = toy_reference::check(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(report.passed(), "{}: {report}", path.display());
        files += 1;
    }
    assert_eq!(files, 32);
}

/// Negative controls: a file with another setting or another number fails.
#[test]
fn a_changed_file_fails() {
    let changes = [
        ("toy_m2_dgl", "\"alpha\": 4", "\"alpha\": 3"),
        ("toy_m3_agm", "\"iteration\": 4", "\"iteration\": 5"),
        ("toy_m2_mmpareto", "\"gamma\": 1.5", "\"gamma\": 1.4"),
        ("toy_m2_mla", "\"batches_per_epoch\": 10", "\"batches_per_epoch\": 11"),
        ("toy_m2_reconboost", "\"w2\": 1.0", "\"w2\": 1.1"),
        ("toy_m2_ogm", "\"alpha\": 0.8", "\"alpha\": 0.81"),
        ("toy_m3_pmr", "\"salt\": \"p1.\"", "\"salt\": \"p2.\""),
    ];
    for (name, from, to) in changes {
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        // The files may be written with or without spaces.
        let (from, to) = match text.contains(from) {
            true => (from.to_owned(), to.to_owned()),
            false => (from.replace(": ", ":"), to.replace(": ", ":")),
        };
        assert!(text.contains(&from), "{name} has no {from}");
        let report = toy_reference::check(&text.replace(&from, &to)).unwrap();
        assert!(!report.passed(), "{name} with {to}: {report}");
    }
}
