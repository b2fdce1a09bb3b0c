//! Whole training steps agree with PyTorch.

use counterpoint_testkit::training::check;

const FILES: [(&str, &str); 6] = [
    ("joint", include_str!("reference/training/concat_joint.json")),
    ("uniloss", include_str!("reference/training/concat_uniloss.json")),
    ("mt", include_str!("reference/training/concat_mt.json")),
    ("ut", include_str!("reference/training/concat_ut.json")),
    ("dgl_released", include_str!("reference/training/concat_dgl_released.json")),
    ("dgl_3frames", include_str!("reference/training/concat_dgl_3frames.json")),
];

#[test]
fn every_reference_file_holds() {
    for (name, text) in FILES {
        let report = check(text).unwrap();
        assert!(report.passed(), "{name}: {report}");
    }
}

#[test]
fn a_wrong_alpha_is_noticed() {
    let wrong = FILES[5].1.replacen("\"alpha\":2", "\"alpha\":2.2", 1);
    assert!(!check(&wrong).unwrap().passed());
}

#[test]
fn an_unknown_method_is_an_error() {
    let wrong = FILES[0].1.replacen("\"method\":\"joint\"", "\"method\":\"ogm\"", 1);
    assert!(check(&wrong).unwrap_err().contains("unknown method `ogm`"));
}
