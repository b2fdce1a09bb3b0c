//! What a run folder keeps besides checkpoints: diagnostics, steps, warnings,
//! TensorBoard, predictions.

mod support;

use counterpoint_report::predictions::{PredictionFile, Truth};
use counterpoint_report::record::{Event, Log};
use support::Toy;
use support::tensorboard::events;

fn log(toy: &Toy, file: &str) -> Log {
    let log = Log::read(toy.dir.join(file)).unwrap();
    assert!(log.damaged.is_empty() && log.unknown.is_empty() && !log.torn, "{file}");
    log
}

#[test]
fn diagnostics_are_in_the_record_and_change_no_bit_of_training() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let off = ["--set", "diagnostics.level=off", "--set", "train.tensorboard=false"];
    toy.run(&[&["train", "toy.toml", "--out", "blind"], &off[..]].concat()).succeeds();
    for name in ["last", "best"] {
        let of = |run: &str| toy.bytes(&format!("{run}/checkpoints/{name}.safetensors"));
        assert_eq!(of("run"), of("blind"), "{name}");
    }
    assert!(!toy.dir.join("blind/tensorboard").exists());
    let (watched, blind) =
        (log(&toy, "run/metrics.jsonl").epochs(), log(&toy, "blind/metrics.jsonl").epochs());
    assert_eq!(watched.iter().map(|e| e.epoch).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(blind.iter().map(|e| e.epoch).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for (a, b) in watched[1..].iter().zip(&blind) {
        assert_eq!((&a.val, &a.losses, &a.train), (&b.val, &b.losses, &b.train));
        assert!(b.diagnostics.is_empty());
        for name in [
            "gradient_fused",
            "gradient_tensors",
            "suppression_effective",
            "effective_rank",
            "shapley",
            "cosine",
        ] {
            assert!(a.diagnostics["audio"].contains_key(name), "{name} after epoch {}", a.epoch);
        }
    }
    // Before training nothing is solved: both losses ask for as much.
    let at_start = &watched[0].diagnostics["audio"];
    assert!((at_start["gradient_fused"] / at_start["gradient_unimodal"] - 1.0).abs() < 0.5);
    assert!(watched[4].diagnostics["fused"].contains_key("noise_2"), "the last epoch has noise");
}

#[test]
fn steps_are_recorded_once_each_however_often_a_run_is_stopped() {
    let toy = Toy::new();
    let step = ["--set", "diagnostics.level=step", "--set", "train.checkpoint_steps=2"];
    toy.train(&step).succeeds();
    let steps = |run: &str| -> Vec<(usize, usize, String)> {
        let events = log(&toy, &format!("{run}/steps.jsonl")).events;
        let steps = events.into_iter().filter_map(|e| if let Event::Step(s) = e { Some(s) } else { None });
        steps.map(|s| (s.epoch, s.batch, format!("{:?} {:?}", s.losses, s.diagnostics))).collect()
    };
    let whole = steps("run");
    // Twelve samples in batches of four, four epochs.
    assert_eq!(whole.iter().map(|s| s.1).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert!(whole[0].2.contains("boundary_audio") && whole[0].2.contains("gradient_tensors_unweighted"));
    // A step that a crash left behind the checkpoint is written again.
    let path = toy.dir.join("run/steps.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let torn = text.replace("\"batch\":12", "\"batch\":13") + "{\"event\":\"st";
    std::fs::write(&path, torn).unwrap();
    let again = counterpoint_report::record::Appender::resume_steps(&path, 11).unwrap();
    drop(again);
    assert_eq!(steps("run"), whole[..11]);
}

#[test]
fn every_run_has_a_tensorboard_file_with_numbers_and_confusions() {
    let toy = Toy::new();
    toy.train(&["--set", "strategy.alpha=1.0"]).succeeds();
    let (scalars, pictures) = events(&toy.dir.join("run/tensorboard"));
    for tag in ["val/accuracy/fused", "loss/audio", "inside/suppression_effective/image", "learning_rate"] {
        assert!(scalars.iter().filter(|(t, _)| t == tag).count() >= 4, "{tag} in {scalars:?}");
    }
    for tag in ["confusion/fused", "confusion/audio"] {
        assert!(pictures.iter().any(|t| t == tag), "{tag} in {pictures:?}");
    }
}

#[test]
fn a_look_at_the_test_split_leaves_predictions_that_add_up_to_the_scores() {
    let toy = Toy::new();
    toy.train(&["--test"]).succeeds();
    let file = PredictionFile::read(toy.dir.join("run/predictions.npz")).unwrap();
    assert_eq!((file.split.as_str(), file.ids.len()), ("test", 6));
    assert_eq!(file.classes, ["high", "low"]);
    let Truth::Classes(truth) = &file.targets else { panic!("{:?}", file.targets) };
    let record = log(&toy, "run/metrics.jsonl");
    for test in record.tests() {
        let right = file.correct(&test.checkpoint).unwrap();
        for (row, hits) in &right.correct {
            let share = hits.iter().filter(|hit| **hit).count() as f64 / 6.0;
            assert_eq!(share, test.scores[row]["accuracy"], "{} {row}", test.checkpoint);
            let counts = &test.confusion[row];
            let diagonal: u64 = (0..2).map(|k| counts.get(k, k)).sum();
            assert_eq!(diagonal as f64 / 6.0, share);
            assert_eq!(
                counts.row(0).map(|(_, n)| n).sum::<u64>() as usize,
                truth.iter().filter(|c| **c == 0).count()
            );
        }
    }
    assert_eq!(file.checkpoints["best"].features["audio"].width, 8);
    // The validation split can be exported as often as one likes.
    let out = toy.run(&["export", "run", "--split", "val", "--out", "val.npz"]).succeeds().out.clone();
    assert!(out.contains("6 samples of the val split"), "{out}");
    assert_eq!(PredictionFile::read(toy.dir.join("val.npz")).unwrap().split, "val");
    assert_eq!(String::from_utf8(toy.bytes("run/test_accesses.jsonl")).unwrap().lines().count(), 1);
    toy.run(&["export", "run", "--split", "val", "--out", "nowhere/val.npz"]).fails(7, &["nowhere/val.npz"]);
}

#[test]
fn warnings_stand_in_progress_and_record_with_their_remedy() {
    let toy = Toy::new();
    // So slow that the last epoch is still the best.
    let said = toy.train(&["--set", "optimizer.lr=0.0005", "--set", "train.epochs=3"]);
    let warnings: Vec<_> = log(&toy, "run/metrics.jsonl").warnings().cloned().collect();
    for warning in &warnings {
        assert!(said.succeeds().err.contains(&warning.message), "{}", said.err);
        assert!(said.err.contains(&warning.remedy) && warning.epoch.is_some());
    }
    let kinds: Vec<&str> = warnings.iter().map(|w| w.kind.as_str()).collect();
    assert!(!kinds.is_empty(), "{}", said.err);
}

#[test]
fn the_dashboard_without_a_terminal_is_plain_lines() {
    let toy = Toy::new();
    let said = toy.train(&["--tui"]);
    assert!(said.succeeds().err.contains("epoch 4/4  loss"), "{}", said.err);
    assert!(!said.err.contains('\x1b'));
    toy.run(&["train", "toy.toml", "--out", "other", "--tui", "--quiet"]).fails(2, &["--quiet"]);
}

#[test]
fn settings_of_diagnostics_are_checked_and_may_change_on_resume() {
    let toy = Toy::new();
    toy.train(&["--set", "diagnostics.noise=[-1.0]"]).fails(3, &["diagnostics.noise = -1"]);
    toy.train(&["--set", "diagnostics.levle=off"])
        .fails(3, &["unknown field `levle`", "did you mean `level`"]);
    toy.train(&["--set", "diagnostics.level=always"]).fails(3, &["[diagnostics]", "`off`, `epoch`, `step`"]);
    toy.train(&[]).succeeds();
    toy.train(&["--resume", "--set", "diagnostics.level=off", "--set", "train.tensorboard=false"]).succeeds();
}
