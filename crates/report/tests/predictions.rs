//! `predictions.npz`: what is written is read back, and damage is told.

use std::collections::BTreeMap;

use counterpoint_report::predictions::{CheckpointPredictions, Numbers, PredictionFile, Truth};

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("counterpoint-predictions-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Three samples of two classes; the second has no audio.
fn file() -> PredictionFile {
    let best = CheckpointPredictions {
        epoch: 4,
        scores: BTreeMap::from([
            ("fused".to_owned(), Numbers { width: 2, values: vec![2.0, 1.0, 0.5, 0.5, -3.0, -1.0] }),
            ("audio".to_owned(), Numbers::spread(3, &[0, 2], &[0.0, 1.0, 0.0, 1.0])),
        ]),
        features: BTreeMap::from([("audio".to_owned(), Numbers::spread(3, &[0, 2], &[7.0, 8.0]))]),
    };
    PredictionFile {
        split: "test".into(),
        ids: vec!["a".into(), "ü/b".into(), "c".into()],
        targets: Truth::Classes(vec![0, 0, 1]),
        classes: vec!["cat".into(), "dog".into()],
        columns: Vec::new(),
        checkpoints: BTreeMap::from([("best".to_owned(), best)]),
    }
}

#[test]
fn a_file_is_read_back_as_it_was() {
    let folder = folder("round");
    let path = folder.join(PredictionFile::NAME);
    let (written, mut read) = (file(), {
        file().write(&path).unwrap();
        PredictionFile::read(&path).unwrap()
    });
    // NaN is unequal to itself: compare it by place.
    let holes = |file: &PredictionFile| -> Vec<bool> {
        file.checkpoints["best"].scores["audio"].values.iter().map(|v| v.is_nan()).collect()
    };
    assert_eq!(holes(&read), [false, false, true, true, false, false]);
    let mut plain = written.clone();
    for all in [&mut read, &mut plain] {
        for checkpoint in all.checkpoints.values_mut() {
            for numbers in checkpoint.scores.values_mut().chain(checkpoint.features.values_mut()) {
                numbers.values.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = -99.0);
            }
        }
    }
    assert_eq!(read, plain);
    // Two writes of the same are the same bytes: no time of day is inside.
    let first = std::fs::read(&path).unwrap();
    written.write(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn correctness_follows_from_scores_and_the_first_of_equals_wins() {
    let correct = file().correct("best").unwrap();
    assert_eq!(correct.correct["fused"], [true, true, true]);
    assert_eq!(correct.correct["audio"], [false, false, true]);
    assert_eq!(correct.ids.len(), 3);
    assert!(file().correct("last").is_none());
    let numbers = PredictionFile { targets: Truth::Values(vec![0.0; 3]), ..file() };
    assert!(numbers.correct("best").is_none());
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() {
    let folder = folder("damage");
    let path = folder.join("predictions.npz");
    file().write(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = PredictionFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("predictions.npz"), "{error}");
    }
    let short = PredictionFile { targets: Truth::Classes(vec![0]), ..file() };
    short.write(&path).unwrap();
    let error = std::error::Error::source(&PredictionFile::read(&path).unwrap_err()).unwrap().to_string();
    assert!(error.contains("1 targets for 3 samples"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_summary_of_scores_says_what_was_predicted_and_stands_under_its_own_name() {
    let folder = folder("summary");
    let path = folder.join(PredictionFile::NAME);
    let mut of_many = PredictionFile { columns: vec!["predicted".into(), "log_p_truth".into()], ..file() };
    let rows = &mut of_many.checkpoints.get_mut("best").unwrap().scores;
    // The largest number of a row is not the class: predicted 0, 1 and 1 of 0, 0 and 1.
    rows.insert("fused".into(), Numbers { width: 2, values: vec![0.0, -0.1, 1.0, -3.0, 1.0, -0.2] });
    of_many.write(&path).unwrap();
    let read = PredictionFile::read(&path).unwrap();
    assert_eq!(read.columns, of_many.columns);
    assert_eq!(read.checkpoints["best"].scores["fused"], of_many.checkpoints["best"].scores["fused"]);
    let correct = read.correct("best").unwrap();
    assert_eq!(correct.correct["fused"], [true, false, true]);
    // Predicted 0 and 0 of 0 and 1; the second sample has no audio.
    assert_eq!(correct.correct["audio"], [true, false, false]);
    let narrow = Numbers { width: 1, values: vec![0.0; 3] };
    of_many.checkpoints.get_mut("best").unwrap().scores.insert("fused".into(), narrow);
    of_many.write(&path).unwrap();
    let error = std::error::Error::source(&PredictionFile::read(&path).unwrap_err()).unwrap().to_string();
    assert!(error.contains("best/summary") && error.contains("2 named columns"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
