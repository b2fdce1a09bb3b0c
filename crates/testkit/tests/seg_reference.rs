//! The segmentation loss agrees with PyTorch.

use counterpoint_testkit::seg_reference::check;

const FILE: &str = include_str!("reference/dense/seg_loss.json");

#[test]
fn the_reference_file_holds() {
    let report = check(FILE).unwrap();
    assert!(report.passed() && report.compared > 80, "{report}");
}

#[test]
fn other_weights_labels_or_gradients_are_noticed() {
    for (right, wrong) in [
        ("\"weights\":[1.00", "\"weights\":[1.01"),
        ("\"loss\":7.2372", "\"loss\":7.2382"),
        ("8.0503345629e-06", "8.0503345629e-05"),
        ("\"confusion\":[[132", "\"confusion\":[[131"),
        ("\"salt\":\"\"", "\"salt\":\"x\""),
    ] {
        let changed = FILE.replacen(right, wrong, 1);
        assert_ne!(changed, FILE);
        assert!(!check(&changed).unwrap().passed(), "{wrong}");
    }
}
