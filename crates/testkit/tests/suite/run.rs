//! Whole runs: resuming is exact, and everything can learn.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use counterpoint::modality::Modalities;
use counterpoint::model::{CubeMlpConfig, Model};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Dgl, Joint, StrategyConfig};
use counterpoint::task::{Classification, Regression, RegressionLoss};
use counterpoint::train::{Besides, Checkpoint, OptimizerConfig, Outcome, Progress, TrainState, evaluate};
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{Run, Subject, model, parts, run, sequence_subjects, subjects};
use counterpoint_testkit::parameters::values;
use counterpoint_testkit::problem::Problem;

use crate::fixture::{adam, sgd};

const TASK: fn() -> Classification = || Classification::new(3);

fn train_state(
    subject: &Subject,
    data: &Problem,
    optimizer: OptimizerConfig,
    seed: u64,
) -> TrainState<impl Model + use<>> {
    let model = subject.model(data.modalities(), seed).unwrap();
    TrainState::new(model, optimizer, subject.strategy().unwrap())
}

/// A folder that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterpoint-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a model bears: a cube's layer norm over modalities is too steep for large steps.
fn rate(subject: &Subject) -> f64 {
    if subject.model.is::<CubeMlpConfig>() { 0.002 } else { 0.05 }
}

const LAST: &str = "last.safetensors";

/// Three epochs of two batches; the checkpoint after the last.
fn through(subject: &Subject, data: &Problem, folder: &Path) -> Vec<u8> {
    let what = Run { epochs: 3, stop_after: None, folder: Some(folder), task: &TASK(), data };
    let mut state = train_state(subject, data, sgd(rate(subject), 0.9, 1e-3), 1);
    assert_eq!(run(&what, &mut state, Progress::default()).unwrap(), Outcome::Finished);
    fs::read(folder.join(LAST)).unwrap()
}

/// The same, stopped and continued by a state that starts from other weights.
fn resumed(subject: &Subject, data: &Problem, folder: &Path, state: bool) -> Vec<u8> {
    let mut what = Run { epochs: 3, stop_after: Some(3), folder: Some(folder), task: &TASK(), data };
    let mut first = train_state(subject, data, sgd(rate(subject), 0.9, 1e-3), 1);
    assert_eq!(run(&what, &mut first, Progress::default()).unwrap(), Outcome::Interrupted);
    drop(first);
    let mut second = train_state(subject, data, sgd(rate(subject), 0.9, 1e-3), 2);
    let checkpoint = Checkpoint::read(&folder.join(LAST)).unwrap();
    let progress = checkpoint.progress.clone();
    checkpoint.restore(&mut second, &Device::flex(), state).unwrap();
    what.stop_after = None;
    assert_eq!(run(&what, &mut second, progress).unwrap(), Outcome::Finished);
    fs::read(folder.join(LAST)).unwrap()
}

/// Data of both kinds, with what learns from them.
fn kinds(modalities: usize, count: usize, batch: usize) -> [(Problem, Vec<Subject>); 2] {
    let all = |subjects: Vec<Subject>| subjects.into_iter().filter(Subject::trains_all).collect();
    [
        (Problem::new(modalities, count, batch, 3), all(subjects(modalities))),
        (Problem::sequences(modalities, count, batch, 3), all(sequence_subjects(modalities))),
    ]
}

#[test]
fn stopping_and_continuing_changes_no_bit() {
    let scratch = Scratch::new("resume");
    for modalities in 1..=3 {
        for (data, subjects) in kinds(modalities, 12, 6) {
            let data = data.lacking(|i, m| i % 5 == 0 && m == 0);
            for subject in subjects {
                let whole = through(&subject, &data, &scratch.0);
                let parts = resumed(&subject, &data, &scratch.0, true);
                assert!(whole == parts, "{subject:?}");
            }
        }
    }
}

#[test]
fn the_comparison_notices_what_was_not_restored() {
    let scratch = Scratch::new("forget");
    let data = Problem::new(2, 12, 6, 3);
    let subject = subjects(2).into_iter().find(Subject::trains_all).unwrap();
    let whole = through(&subject, &data, &scratch.0);
    assert!(whole == resumed(&subject, &data, &scratch.0, true));
    assert!(whole != resumed(&subject, &data, &scratch.0, false), "the momentum was left behind");
}

#[test]
fn every_strategy_fits_a_small_problem_on_every_model_and_stays_finite() {
    let mut failed = Vec::new();
    for modalities in 1..=3 {
        let [(data, subjects), (sequences, cubes)] = kinds(modalities, 30, 10);
        let on_each = |data: &Problem, subjects: Vec<Subject>, epochs: usize, rate: f64| {
            subjects.into_iter().map(|s| (data.clone(), s, epochs, rate)).collect::<Vec<_>>()
        };
        // A cube of a few numbers takes longer; joint training shows that it gets there.
        let cubes = cubes.into_iter().filter(|s| s.strategy.is::<Joint>()).collect();
        let all = [on_each(&data, subjects, 16, 0.02), on_each(&sequences, cubes, 80, 0.01)].concat();
        for (data, subject, epochs, rate) in all {
            let mut state = train_state(&subject, &data, adam(rate, 1.0), 1);
            let what = Run { epochs, stop_after: None, folder: None, task: &TASK(), data: &data };
            run(&what, &mut state, Progress::default()).unwrap_or_else(|e| panic!("{e}: {subject:?}"));
            let values = values(&state.model, &state.groups);
            assert!(values.values().flatten().all(|v| v.is_finite()), "{subject:?}");
            let scores = evaluate(
                &state.frozen(),
                &state.buffers,
                &TASK(),
                &data,
                &Device::flex(),
                Besides::default(),
            )
            .unwrap();
            let accuracy = scores.metrics(&TASK())[&LossTerm::Fused]["accuracy"];
            if accuracy <= 0.9 {
                failed.push(format!("{accuracy}: {subject:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_number_is_learned_through_the_same_loop() {
    let data = Problem::new(2, 30, 10, 3).regression();
    for loss in [RegressionLoss::Squared, RegressionLoss::Absolute] {
        let task = Regression::new(loss);
        let strategy = StrategyConfig::from(Dgl {
            alpha: 1.0.into(),
            truncate_multimodal: true,
            truncate_unimodal: true,
        });
        let names = Modalities::new(data.modalities().iter().map(|m| m.name.as_str())).unwrap();
        let model = model(data.modalities(), &parts()[0], false, 1, 1).unwrap();
        let mut state = TrainState::new(model, adam(0.02, 1.0), strategy.build(&names).unwrap());
        let r2 = |state: &TrainState<_>| {
            let scores =
                evaluate(&state.frozen(), &state.buffers, &task, &data, &Device::flex(), Besides::default())
                    .unwrap();
            scores.metrics(&task)[&LossTerm::Fused]["r2"]
        };
        assert!(r2(&state) < 0.9);
        let what = Run { epochs: 16, stop_after: None, folder: None, task: &task, data: &data };
        run(&what, &mut state, Progress::default()).unwrap();
        assert!(r2(&state) > 0.9, "{loss:?}: {}", r2(&state));
    }
}

#[test]
fn an_untrained_model_does_not_pass_for_a_fitted_one() {
    let data = Problem::new(2, 30, 10, 3);
    for subject in subjects(2).into_iter().filter(Subject::trains_all).take(5) {
        let state = train_state(&subject, &data, sgd(0.05, 0.9, 1e-3), 1);
        let scores =
            evaluate(&state.frozen(), &state.buffers, &TASK(), &data, &Device::flex(), Besides::default())
                .unwrap();
        assert!(scores.metrics(&TASK())[&LossTerm::Fused]["accuracy"] < 0.9, "{subject:?}");
    }
}
