//! Runs that were never trained, with scores like those of real ones.

use std::collections::BTreeMap;

use counterpoint_report::predictions::Predictions;
use counterpoint_report::record::{End, Epoch, Scores, Test, Warning};
use counterpoint_report::report::{RunSummary, measure};

/// Reproducible scatter around zero.
pub fn noise(a: u64, b: u64) -> f64 {
    ((a * 7919 + b * 104_729 + a * b * 31) % 1000) as f64 / 1000.0 - 0.5
}

pub fn scores(rows: &[(&str, f64)]) -> Scores {
    let values = |accuracy: f64| {
        BTreeMap::from([
            ("accuracy".to_owned(), accuracy),
            ("cross_entropy".to_owned(), 1.5 * (1.0 - accuracy)),
        ])
    };
    rows.iter().map(|(row, accuracy)| ((*row).to_owned(), values(*accuracy))).collect()
}

/// A run with scores like those of docs/results/spoken-digits.md.
pub fn digits(method: &str, seed: u64) -> RunSummary {
    let [fused, audio, image] = match method {
        "dgl" => [0.987, 0.691, 0.966],
        "uniloss" => [0.981, 0.664, 0.964],
        "joint, matched" => [0.962, 0.405, 0.93],
        _ => [0.958, 0.378, 0.923],
    };
    let salt = method.len() as u64;
    let at = |end: f64, speed: f64, epoch: usize| (end * (1.0 - (-(epoch as f64) / speed).exp())).max(0.1);
    let all = |epoch: usize| {
        let n = noise(seed + 3, epoch as u64 + salt) * 0.012;
        scores(&[
            ("fused", at(fused, 1.2, epoch) + n),
            ("audio", at(audio, 4.0, epoch) + 2.0 * n),
            ("image", at(image, 1.4, epoch) - n),
        ])
    };
    let epochs = (0..=20)
        .map(|epoch| {
            let e = epoch as f64;
            let decay = if method == "dgl" { 0.75_f64 } else { 0.6 };
            let inside = |scale: f64| {
                BTreeMap::from([
                    (measure::GRADIENT_FUSED.to_owned(), scale * 0.9 * 0.6_f64.powf(e)),
                    (
                        measure::GRADIENT_UNIMODAL.to_owned(),
                        scale * 0.9 * decay.powf(e / 2.0) * (1.0 + noise(seed, epoch as u64) / 5.0),
                    ),
                    (
                        measure::SUPPRESSION_EFFECTIVE.to_owned(),
                        1.0 - scale * 0.6 * (-(e - 2.0).abs() / 4.0).exp(),
                    ),
                ])
            };
            Epoch {
                epoch,
                seconds: 0.9 + 0.1 * noise(seed, epoch as u64),
                learning_rate: 0.05,
                samples: 2000,
                val: all(epoch),
                losses: BTreeMap::from([("fused".to_owned(), 2.3 * 0.7_f64.powf(e))]),
                diagnostics: BTreeMap::from([
                    ("audio".to_owned(), inside(1.0)),
                    ("image".to_owned(), inside(0.4)),
                ]),
                ..Epoch::default()
            }
        })
        .collect();
    let right = |end: f64, i: u64| noise(i * 3 + 1, seed * 17 + salt) + 0.5 < end;
    let ids: Vec<String> = (0..1000).map(|i| format!("clip-{i}")).collect();
    let correct: Vec<bool> = (0..1000).map(|i| right(fused, i)).collect();
    let accuracy = correct.iter().filter(|c| **c).count() as f64 / 1000.0;
    let mut confusion = vec![vec![0_u64; 10]; 10];
    for (i, right) in correct.iter().enumerate() {
        confusion[i % 10][if *right { i % 10 } else { (i * 7 + 3) % 10 }] += 1;
    }
    let test = |checkpoint: &str, gain: f64| Test {
        split: "test".into(),
        checkpoint: checkpoint.into(),
        epoch: 20,
        samples: 1000,
        scores: scores(&[
            ("fused", accuracy + gain),
            ("audio", audio + 0.03 * noise(seed, salt)),
            ("image", image + 0.01 * noise(seed, 2)),
        ]),
        confusion: BTreeMap::from([("fused".to_owned(), confusion.clone().into())]),
        ..Test::default()
    };
    RunSummary {
        name: format!("{method}-{seed}"),
        method: method.into(),
        seed: Some(seed),
        fold: None,
        task: BTreeMap::new(),
        config: {
            let strategy = method.split(',').next().unwrap();
            let alpha = if strategy == "dgl" { "\nalpha = 4.0" } else { "" };
            let encoders = if method.contains("matched") {
                "encoder_factor = 4.0\nencoder_weight_decay = 0.000025"
            } else {
                "encoder_factor = 1.0"
            };
            format!(
                "[strategy]\nname = \"{strategy}\"{alpha}\n[train]\nseed = {seed}\n[optimizer]\nname = \"sgd\"\nlr = \
                 0.05\nweight_decay = 0.0001\n{encoders}\n"
            )
        },
        environment: BTreeMap::from([("threads".into(), "1".into()), ("version".into(), "0.1.0".into())]),
        data: BTreeMap::from([
            ("set".into(), "spoken digits, test speaker theo".into()),
            ("hash".into(), "ab12".into()),
        ]),
        modalities: vec!["audio".into(), "image".into()],
        unimodal: Default::default(),
        classes: (0..10).map(|d| format!("digit {d}")).collect(),
        metric: "accuracy".into(),
        epochs,
        tests: vec![test("last", 0.0), test("best", -0.002)],
        warnings: Vec::new(),
        end: Some(End { reason: "finished".into(), seconds: Some(20.0), peak_bytes: Some(300 << 20) }),
        parameters: Some(123_456),
        predictions: vec![Predictions {
            checkpoint: "last".into(),
            ids,
            correct: BTreeMap::from([("fused".into(), correct)]),
        }],
        kind: None,
        looks: 1,
        notes: Vec::new(),
        ..RunSummary::default()
    }
}

pub fn field() -> Vec<RunSummary> {
    let mut runs: Vec<RunSummary> = ["joint", "joint, matched", "uniloss", "dgl"]
        .iter()
        .flat_map(|m| (0..5).map(|s| digits(m, s)))
        .collect();
    runs[0].warnings.push(Warning {
        kind: "modality_at_chance".into(),
        message: "audio alone stays near chance on validation for 5 epochs".into(),
        remedy: "Give it a loss of its own: strategy.name = \"dgl\".".into(),
        epoch: Some(5),
    });
    runs
}
