//! What happens between two epochs, and in which order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use burn::module::Module;
use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::Modality;
use counterpoint::model::Model;
use counterpoint::model::encoder::{ConvNetConfig, EncoderConfig};
use counterpoint::step::{Group, LossTerm};
use counterpoint::strategy::{Joint, RelearnConfig, StrategyConfig};
use counterpoint::task::Classification;
use counterpoint::train::{Checkpoint, EpochReport, Observer, Outcome, Progress, ScheduleConfig};
use counterpoint_batch::{BatchSource, Target};

use crate::epoch_tools::{AtEnd, Event};
use crate::run::{CLASSES, Points, Run, values};

/// Fused validation metrics of every epoch.
#[derive(Default)]
struct Scores(Vec<BTreeMap<&'static str, f64>>);

impl Observer for Scores {
    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        self.0.push(report.validation.metrics(&Classification::new(CLASSES))[&LossTerm::Fused].clone());
        Ok(())
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("counterpoint_{}_{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn checkpoint(&self, name: &str) -> Checkpoint {
        Checkpoint::read(&self.0.join(format!("{name}.safetensors"))).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Slow enough that accuracy rises over several epochs, and with labels in
/// validation that no cluster can agree with: there is a gap to pull by.
fn slow(epochs: usize) -> Run {
    let mut run = Run { unimodal_heads: false, ..Run::new(2, epochs, false) };
    run.config.schedule = ScheduleConfig::MultiStep { milestones: vec![0], gamma: 0.1 };
    run.validation.samples[0].target = Target::Class(1);
    run.validation.samples[4].target = Target::Class(2);
    run
}

/// Trains to the end; scores of every epoch, and parameters of the best.
fn train(run: &Run, config: &StrategyConfig, name: &str) -> (Scores, Progress, Vec<(String, Vec<f32>)>) {
    let folder = Folder::new(name);
    let mut scores = Scores::default();
    let build = || run.train_state(config.build(&run.names()).unwrap());
    let outcome =
        run.watched(&mut build(), Progress::default(), &mut scores, &AtomicBool::new(false), Some(&folder.0));
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    let (best, mut state) = (folder.checkpoint("best"), build());
    best.restore(&mut state, &Device::flex(), false).unwrap();
    let progress = folder.checkpoint("last").progress;
    (scores, progress, values(&state))
}

#[test]
fn relearning_validates_and_keeps_the_best_before_it_pulls() {
    let run = slow(8);
    let (joint, progress, best) = train(&run, &StrategyConfig::from(Joint {}), "order_joint");
    let (epoch, accuracy) = progress.best.unwrap();
    assert!((1..7).contains(&epoch), "a pull after epoch {epoch} of 8 is due and can be seen");
    // Pulled by all there is after just that epoch.
    let config = RelearnConfig { every: epoch, times: 1, lambda: 1000.0, ..RelearnConfig::default() };
    let (scores, progress, kept) = train(&run, &StrategyConfig::from(config), "order_relearn");
    assert_eq!(scores.0[..=epoch], joint.0[..=epoch], "up to the pull it is joint training");
    assert!(scores.0[epoch + 1]["cross_entropy"] > joint.0[epoch + 1]["cross_entropy"], "it was pulled");
    assert_eq!(progress.best, Some((epoch, accuracy)));
    assert_eq!(kept, best, "the best checkpoint is of the model before the pull");
}

/// Something that `terms` of this data set can be trained on in pictures.
fn pictures(run: &mut Run) {
    for points in [&mut run.train, &mut run.validation] {
        for spec in &mut points.spec {
            spec.shape = vec![1, 4, 4];
        }
        let Points { samples, .. } = points;
        for sample in samples {
            for input in sample.inputs.iter_mut().flatten() {
                let few = input.values().to_vec();
                let many = (0..16).map(|i| few[i % few.len()] * (1.0 + i as f32 / 8.0)).collect();
                *input = counterpoint_batch::Array::new([1, 4, 4], many).unwrap();
            }
        }
    }
    run.encoder = EncoderConfig::new(ConvNetConfig { channels: vec![3, 4] });
}

/// Running means and variances by layer, in one order.
fn statistics(buffers: &Buffers) -> Vec<Vec<f32>> {
    let both =
        |(_, _, r): (_, _, &counterpoint::layer::Running)| [host(r.mean.clone()), host(r.variance.clone())];
    buffers.iter().flat_map(both).collect()
}

#[test]
fn rebuilt_statistics_are_the_mean_over_the_batches_of_the_next_epoch() {
    let mut run = Run { unimodal_heads: false, ..Run::new(2, 1, false) };
    pictures(&mut run);
    let after = |event: Event| {
        let mut state = run.train_state(Box::new(AtEnd(event)));
        run.go(&mut state, Progress::default(), 0, None).unwrap();
        (statistics(&state.buffers), values(&state))
    };
    let both = [Group::Encoder(Modality(0)), Group::Encoder(Modality(1))];
    let (stale, pulled) =
        after(Box::new(move |tools| both.iter().try_for_each(|&g| tools.pull_to_init(g, 1.0))));
    let (rebuilt, same) = after(Box::new(move |tools| {
        both.iter().try_for_each(|&g| tools.pull_to_init(g, 1.0))?;
        tools.rebuild_statistics()
    }));
    assert_eq!(pulled, same, "no parameter moves");
    // By hand: a batch moves fresh statistics (0, 1) by a tenth; the initial encoders see epoch 1.
    let start = run.train_state(StrategyConfig::from(Joint {}).build(&run.names()).unwrap());
    let model = Module::valid(&start.model);
    let mut sums: Vec<Vec<f32>> = Vec::new();
    for batch in run.train.epoch(1, 0) {
        let inputs = Inputs::new(batch.unwrap(), &Device::flex());
        let mut fresh = Buffers::default();
        let all = (0..inputs.samples()).collect();
        let _ = model.forward(&[(LossTerm::Fused, all)], &inputs, &mut ForwardContext::train(&mut fresh));
        for (i, moved) in statistics(&fresh).into_iter().enumerate() {
            let start = if i % 2 == 0 { 0.0 } else { 0.9 };
            let of_batch = moved.iter().map(|value| (value - start) / 0.1);
            match sums.get_mut(i) {
                Some(sum) => sum.iter_mut().zip(of_batch).for_each(|(sum, value)| *sum += value),
                None => sums.push(of_batch.collect()),
            }
        }
    }
    let batches = run.train.batches() as f32;
    assert_eq!(rebuilt.len(), 2 * 2 * 2, "mean and variance of two layers of two encoders");
    let far = |a: &[Vec<f32>]| {
        let pairs = a.iter().flatten().zip(sums.iter().flatten());
        pairs.map(|(a, sum)| (a - sum / batches).abs()).fold(0.0, f32::max)
    };
    assert!(far(&rebuilt) < 1e-4, "{rebuilt:?} instead of {sums:?} / {batches}");
    assert!(far(&stale) > 1e-2, "those of the trained weights are others");
}

/// A trial on the fused loss from the end of the first epoch on is what joint
/// training does next.
#[test]
fn a_trial_has_the_order_and_the_learning_rates_of_the_epochs_it_stands_for() {
    for milestones in [vec![], vec![1], vec![2]] {
        let mut run = Run { unimodal_heads: false, ..Run::new(2, 3, false) };
        // A whole number of batches: both ways to go over a split see every sample.
        run.validation = Points::new(2, 12, false, "validation");
        run.config.schedule = ScheduleConfig::MultiStep { milestones: milestones.clone(), gamma: 0.1 };
        let curve = Arc::new(Mutex::new(None));
        let seen = curve.clone();
        let event: Event = Box::new(move |tools| {
            *seen.lock().unwrap() = Some(tools.trial(&[LossTerm::Fused], 2)?);
            Ok(())
        });
        let mut scores = Scores::default();
        let mut state = run.train_state(Box::new(AtEnd(event)));
        run.watched(&mut state, Progress::default(), &mut scores, &AtomicBool::new(false), None).unwrap();
        let curve = curve.lock().unwrap().unwrap();
        let real = |epoch: usize| scores.0[epoch]["cross_entropy"];
        for (tried, real) in [(curve.start.validation, real(0)), (curve.end.validation, real(2))] {
            assert!((tried - real).abs() < 1e-6, "{milestones:?}: {tried} in the trial, {real} in training");
        }
    }
}

#[test]
fn a_trial_that_is_interrupted_is_made_again() {
    let run = Run { unimodal_heads: false, ..Run::new(2, 2, false) };
    let (stop, folder) = (Arc::new(AtomicBool::new(false)), Folder::new("order_stop"));
    let state = |asks: bool| {
        let stop = stop.clone();
        let event: Event = Box::new(move |tools| {
            stop.store(asks, Ordering::Relaxed);
            tools.trial(&[LossTerm::Fused], 20)?;
            tools.pull_to_init(Group::Encoder(Modality(0)), 0.5)
        });
        run.train_state(Box::new(AtEnd(event)))
    };
    let go = |state: &mut _, progress, folder: Option<&Path>| {
        run.watched(state, progress, &mut Scores::default(), &stop, folder).unwrap()
    };
    let mut first = state(true);
    assert_eq!(go(&mut first, Progress::default(), Some(&folder.0)), Outcome::Interrupted);
    let last = folder.checkpoint("last");
    let progress = last.progress.clone();
    assert_eq!((progress.epoch, progress.batch), (0, run.train.batches()), "the epoch is not lost");
    stop.store(false, Ordering::Relaxed);
    let (mut second, mut whole) = (state(false), state(false));
    last.restore(&mut second, &Device::flex(), true).unwrap();
    assert_eq!(go(&mut second, progress, None), Outcome::Finished);
    assert_eq!(go(&mut whole, Progress::default(), None), Outcome::Finished);
    assert_eq!(values(&second), values(&whole));
}
