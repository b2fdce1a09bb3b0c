//! Readouts in the loop: rows are kept, fitted, saved and continued exactly.

use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::model::Model;
use counterpoint::readout::{Fit, Labels, ReadoutConfig, Rows};
use counterpoint::strategy::{Dgl, Gate, StrategyConfig};
use counterpoint::task::{Classification, Task};
use counterpoint::train::{
    Besides, Checkpoint, EpochReport, Observer, Outcome, Progress, Readout, ReadoutReport, TrainState,
    evaluate,
};
use counterpoint_batch::BatchSource;

use crate::run::{CLASSES, Points, Run, values};
use crate::training::scratch;

fn cone(rows: Rows) -> ReadoutConfig {
    ReadoutConfig::Cone { ridge: 1e-3, fit: Fit::Validation, rows, labels: Labels::Shared }
}

fn gated(run: &Run, rows: Rows) -> TrainState<impl Model + use<>> {
    let dgl = StrategyConfig::from(Dgl { gate: Some(Gate::Credit), ..Dgl::default() });
    let mut state = run.train_state(dgl.build(&run.names()).unwrap());
    state.readout = Some(Readout::new(cone(rows), None));
    state
}

fn run(modalities: usize, epochs: usize, gaps: bool) -> Run {
    Run { unimodal_heads: false, ..Run::new(modalities, epochs, gaps) }
}

/// Keeps the last report.
#[derive(Default)]
struct Last(Option<ReadoutReport>);

impl Observer for Last {
    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        self.0.clone_from(&report.readout);
        Ok(())
    }
}

#[test]
fn an_interrupted_readout_continues_to_the_same_bytes() {
    let run = run(3, 5, true);
    let whole = scratch("readout_whole");
    run.go(&mut gated(&run, Rows::Best), Progress::default(), 0, Some(&whole)).unwrap();
    for stop_after in [2, 6, 8, 15] {
        let folder = scratch(&format!("readout_{stop_after}"));
        let outcome = run.go(&mut gated(&run, Rows::Best), Progress::default(), stop_after, Some(&folder));
        assert_eq!(outcome.unwrap(), Outcome::Interrupted);
        let checkpoint = Checkpoint::read(&folder.join("last.safetensors")).unwrap();
        let (progress, mut second) = (checkpoint.progress.clone(), gated(&run, Rows::Best));
        checkpoint.restore(&mut second, &Device::flex(), true).unwrap();
        run.go(&mut second, progress, 0, Some(&folder)).unwrap();
        for name in ["last.safetensors", "best.safetensors"] {
            let bytes = [&whole, &folder].map(|folder| std::fs::read(folder.join(name)).unwrap());
            assert!(bytes[0] == bytes[1], "{name} after step {stop_after}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
    std::fs::remove_dir_all(whole).unwrap();
}

#[test]
fn what_is_read_from_a_file_predicts_what_was_kept() {
    let task = Classification::new(CLASSES);
    for (rows, gaps, modalities) in [(Rows::Best, true, 3), (Rows::Last, false, 2), (Rows::Best, false, 1)] {
        let run = run(modalities, 4, gaps);
        let folder = scratch(&format!("readout_read_{modalities}"));
        let (mut last, mut state) = (Last::default(), gated(&run, rows));
        run.watched(&mut state, Progress::default(), &mut last, &AtomicBool::new(false), Some(&folder))
            .unwrap();
        let report = last.0.unwrap();
        let mut read = gated(&run, rows);
        let checkpoint = Checkpoint::read(&folder.join("last.safetensors")).unwrap();
        let kept = checkpoint.readout();
        assert_eq!(kept.len(), if modalities == 1 { 1 } else { modalities + 1 }, "{kept:?}");
        if rows == Rows::Last {
            assert!(kept.values().all(|row| row.epoch == 4), "{kept:?}");
        }
        checkpoint.restore(&mut read, &Device::flex(), false).unwrap();
        let readout = read.readout.as_ref().unwrap();
        assert!(readout.rows().values().all(|row| row.counts()), "a row of weight 0 costs nothing");
        let besides = Besides { readout: Some(readout), ..Besides::default() };
        let judged =
            evaluate(&read.frozen(), &read.buffers, &task, &run.validation, &Device::flex(), besides)
                .unwrap();
        assert!(judged.plain.is_some());
        let fused = &judged.reduced[&counterpoint::step::LossTerm::Fused];
        let again = judged.metrics_of(fused, &task);
        for (name, value) in &report.validation {
            assert!((value - again[name]).abs() < 1e-6, "{name}: {value} and {}", again[name]);
        }
        // With the ridge, the sum is no worse than any single row at its temperature.
        let ridge = |weight: f64| 1e-3 / 2.0 * weight * weight;
        let ours = again["cross_entropy"] + report.rows.values().map(|row| ridge(row.weight())).sum::<f64>();
        let least =
            report.rows.values().map(|row| row.loss + ridge(row.temperature)).fold(f64::INFINITY, f64::min);
        assert!(gaps || ours <= least + 1e-6, "{ours} and {least}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_readout_changes_nothing_of_what_is_trained() {
    let run = run(2, 4, false);
    let mut with = gated(&run, Rows::Best);
    run.go(&mut with, Progress::default(), 0, None).unwrap();
    let mut without = gated(&run, Rows::Best);
    without.readout = None;
    run.go(&mut without, Progress::default(), 0, None).unwrap();
    assert_eq!(values(&with), values(&without));
}

#[test]
fn samples_held_out_of_training_can_be_fitted_to() {
    let run = run(2, 3, false);
    let mut state = gated(&run, Rows::Best);
    let held_out = Points::new(2, 12, false, "held out");
    let samples = held_out.samples();
    state.readout.as_mut().unwrap().fit_to(Box::new(held_out));
    let mut last = Last::default();
    run.watched(&mut state, Progress::default(), &mut last, &AtomicBool::new(false), None).unwrap();
    let report = last.0.unwrap();
    assert_eq!((report.fitted_on, samples), ("train", 12));
    let accuracy = report.validation[task_metric()];
    assert!((0.0..=1.0).contains(&accuracy));
}

fn task_metric() -> &'static str {
    Classification::new(CLASSES).metrics().primary().name
}
