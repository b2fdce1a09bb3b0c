//! Whole runs: resuming is exact, and everything can learn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, process};

use burn::tensor::Device;
use counterpoint::modality::Modalities;
use counterpoint::model::{CubeMlpConfig, Model};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Dgl, Joint, StrategyConfig};
use counterpoint::task::{Classification, Regression, RegressionLoss, Task};
use counterpoint::train::{Besides, Checkpoint, OptimizerConfig, Outcome, Progress, TrainState, evaluate};
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{Run, Subject, model, parts, run, sequence_subjects, subjects};
use counterpoint_testkit::optimizer::{adam, sgd};
use counterpoint_testkit::parameters::values;
use counterpoint_testkit::problem::Problem;

use libtest_mimic::Trial;

use crate::{named, trial};

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

/// A folder of its own that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("counterpoint-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
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

/// Every subject stopped and continued, every one trained, and the controls.
pub fn trials() -> Vec<Trial> {
    let mut trials = named![
        the_comparison_notices_what_was_not_restored,
        a_number_is_learned_through_the_same_loop,
        an_untrained_model_does_not_pass_for_a_fitted_one,
    ];
    for modalities in 1..=3 {
        for (data, subjects) in kinds(modalities, 12, 6) {
            let data = data.lacking(|i, m| i % 5 == 0 && m == 0);
            trials.extend(subjects.into_iter().map(|subject| {
                let data = data.clone();
                trial("continuing changes no bit", subject, move |subject| continues(subject, &data))
            }));
        }
        let [(data, subjects), (sequences, cubes)] = kinds(modalities, 30, 10);
        let fit = |data: &Problem, subject: Subject, epochs: usize, rate: f64| {
            let data = data.clone();
            trial("a small problem is fitted", subject, move |subject| fits(subject, &data, epochs, rate))
        };
        trials.extend(subjects.into_iter().map(|subject| fit(&data, subject, 16, 0.02)));
        // A cube of a few numbers takes longer; joint training shows that it gets there.
        let cubes = cubes.into_iter().filter(|subject| subject.strategy.is::<Joint>());
        trials.extend(cubes.map(|subject| fit(&sequences, subject, 80, 0.01)));
    }
    trials
}

fn continues(subject: &Subject, data: &Problem) -> Result<(), String> {
    let scratch = Scratch::new();
    let whole = through(subject, data, &scratch.0);
    let parts = resumed(subject, data, &scratch.0, true);
    if whole == parts { Ok(()) } else { Err("other checkpoints".into()) }
}

/// Trains from up to three starts: a cube of a few numbers follows the last bit of its
/// products, which processors round differently, and now and then one start ends below.
fn fits(subject: &Subject, data: &Problem, epochs: usize, rate: f64) -> Result<(), String> {
    let mut reached = Vec::new();
    for seed in 1..=3 {
        let mut state = train_state(subject, data, adam(rate, 1.0), seed);
        let what = Run { epochs, stop_after: None, folder: None, task: &TASK(), data };
        run(&what, &mut state, Progress::default()).map_err(|e| e.to_string())?;
        let values = values(&state.model, &state.groups);
        if values.values().flatten().any(|v| !v.is_finite()) {
            return Err("a parameter is not finite".into());
        }
        reached.push(accuracy(&state, data));
        if reached.last() > Some(&0.9) {
            return Ok(());
        }
    }
    Err(format!("accuracies {reached:.3?}"))
}

fn accuracy<M: Model>(state: &TrainState<M>, data: &Problem) -> f64 {
    scores(state, &TASK(), data)["accuracy"]
}

/// The metrics of the fused predictions.
fn scores<M: Model>(state: &TrainState<M>, task: &dyn Task, data: &Problem) -> BTreeMap<&'static str, f64> {
    let (model, besides) = (state.frozen(), Besides::default());
    let found = evaluate(&model, &state.buffers, task, data, &Device::flex(), besides).unwrap();
    found.metrics(task)[&LossTerm::Fused].clone()
}

fn the_comparison_notices_what_was_not_restored() {
    let scratch = Scratch::new();
    let data = Problem::new(2, 12, 6, 3);
    let subject = subjects(2).into_iter().find(Subject::trains_all).unwrap();
    let whole = through(&subject, &data, &scratch.0);
    assert!(whole == resumed(&subject, &data, &scratch.0, true));
    assert!(whole != resumed(&subject, &data, &scratch.0, false), "the momentum was left behind");
}

fn a_number_is_learned_through_the_same_loop() {
    let data = Problem::new(2, 30, 10, 3).regression();
    for loss in [RegressionLoss::Squared, RegressionLoss::Absolute] {
        let task = Regression::new(loss);
        let strategy = StrategyConfig::from(Dgl {
            alpha: 1.0.into(),
            truncate_multimodal: true,
            truncate_unimodal: true,
            ..Dgl::default()
        });
        let names = Modalities::new(data.modalities().iter().map(|m| m.name.as_str())).unwrap();
        let model = model(data.modalities(), &parts()[0], false, 1, 1).unwrap();
        let mut state = TrainState::new(model, adam(0.02, 1.0), strategy.build(&names).unwrap());
        let r2 = |state: &TrainState<_>| scores(state, &task, &data)["r2"];
        assert!(r2(&state) < 0.9);
        let what = Run { epochs: 16, stop_after: None, folder: None, task: &task, data: &data };
        run(&what, &mut state, Progress::default()).unwrap();
        assert!(r2(&state) > 0.9, "{loss:?}: {}", r2(&state));
    }
}

fn an_untrained_model_does_not_pass_for_a_fitted_one() {
    let data = Problem::new(2, 30, 10, 3);
    for subject in subjects(2).into_iter().filter(Subject::trains_all).take(5) {
        let state = train_state(&subject, &data, sgd(0.05, 0.9, 1e-3), 1);
        assert!(accuracy(&state, &data) < 0.9, "{subject}");
    }
}
