//! Whole steps of dense and trimodal models against float64 PyTorch, in double
//! precision: a process of its own, because one precision serves a process.

use std::path::{Path, PathBuf};

use counterpoint_testkit::dense_reference::check;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/dense");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("seg_loss.json"))
        .collect();
    files.sort();
    files
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_dense_reference_file_holds() {
    assert!(files().len() >= 14);
    for path in files() {
        let report = check(&text(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(report.passed(), "{}: {report}", path.display());
    }
}

/// Negative controls: a file with another setting fails.
#[test]
fn a_changed_file_fails() {
    let changes = [
        ("mmtm_dgl", "\"alpha\":4", "\"alpha\":4.01"),
        ("mmtm_dgl", "\"bn_policy\":\"per_subset\"", "\"bn_policy\":\"shared\""),
        ("mmtm_dgl_bn_shared", "\"bn_policy\":\"shared\"", "\"bn_policy\":\"full_only\""),
        ("mmtm_dgl_cut", "\"partition\":\"cut\"", "\"partition\":\"parameter\""),
        ("mmtm_dgl_clip", "\"clip\":1.0", "\"clip\":1.001"),
        ("mmtm_uniloss", "\"method\":\"uniloss\"", "\"method\":\"ut\""),
        ("cube_dgl", "\"salt\":\"o39.\"", "\"salt\":\"o38.\""),
        ("cube_dgl_l1", "\"wd\":0.0001", "\"wd\":0.001"),
        ("cube_dgl_adam", "\"optimizer\":\"adam\"", "\"optimizer\":\"sgd\""),
        ("esanet_dgl", "\"alpha\":2", "\"alpha\":2.01"),
        ("esanet_dgl", "\"bn_policy\":\"per_subset\"", "\"bn_policy\":\"shared\""),
        ("esanet_joint", "\"bins\":[1,5]", "\"bins\":[1,4]"),
    ];
    for (name, from, to) in changes {
        let path = files().into_iter().find(|p| p.file_stem().is_some_and(|stem| stem == name)).unwrap();
        let text = text(&path).replace("\": ", "\":");
        assert!(text.contains(from), "{name} has no {from}");
        let report = check(&text.replacen(from, to, 1)).unwrap();
        assert!(!report.passed(), "{name} with {to}: {report}");
    }
}

#[test]
fn an_unknown_policy_is_an_error() {
    let path = files().into_iter().find(|p| p.ends_with("mmtm_dgl.json")).unwrap();
    let wrong = text(&path).replace("per_subset", "per_row");
    assert!(check(&wrong).unwrap_err().contains("expected per_subset, shared or full_only"));
}
