//! Diagnostics in the training loop: right numbers, no influence, exact resumption.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::diagnose::{Diagnosis, Diagnostics, DiagnosticsConfig, EncoderGradient, Level};
use counterpoint::grad::Cut;
use counterpoint::modality::Modality;
use counterpoint::model::Model;
use counterpoint::peers::Alone;
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Dgl, Joint, Strategy};
use counterpoint::task::Classification;
use counterpoint::train::{
    Checkpoint, EpochReport, Evaluation, Observer, Progress, ScheduleConfig, StepReport, TrainConfig,
    TrainState, Trainer,
};
use counterpoint_batch::{Array, Batch, BatchSource, Input, ModalitySpec, SourceError, Targets};
use counterpoint_testkit::conformance::{Subject, subjects};
use counterpoint_testkit::problem::Problem;

use crate::fixture::{A, B, Z1, Z2, dgl, f1, sgd};

/// What an evaluation keeps, by term.
type Reduced = BTreeMap<LossTerm, (Vec<usize>, Vec<f32>)>;

/// What an observer saw.
#[derive(Default)]
struct Recorded {
    /// By epochs done.
    diagnoses: BTreeMap<usize, Diagnosis>,
    steps: Vec<BTreeMap<Modality, EncoderGradient>>,
    validation: Vec<Reduced>,
    left: Option<usize>,
}

impl Observer for Recorded {
    fn untrained(&mut self, _: &Evaluation, diagnosis: &Diagnosis) -> Result<(), Error> {
        self.diagnoses.insert(0, diagnosis.clone());
        Ok(())
    }

    fn step(&mut self, report: &StepReport<'_>) {
        self.steps.push(report.gradients.clone());
    }

    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        self.diagnoses.insert(report.epoch + 1, report.diagnosis.clone());
        self.validation.push(report.validation.reduced.clone());
        Ok(())
    }
}

/// Stops another observer's run after this many steps.
struct Stopping<'a>(&'a mut Recorded, &'a AtomicBool);

impl Observer for Stopping<'_> {
    fn untrained(&mut self, validation: &Evaluation, diagnosis: &Diagnosis) -> Result<(), Error> {
        self.0.untrained(validation, diagnosis)
    }

    fn step(&mut self, report: &StepReport<'_>) {
        self.0.step(report);
        if let Some(left) = &mut self.0.left {
            *left = left.saturating_sub(1);
            self.1.store(*left == 0, Ordering::Relaxed);
        }
    }

    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        self.0.epoch(report)
    }
}

fn all(additive: bool) -> Diagnostics {
    Diagnostics { config: DiagnosticsConfig { noise_every: 2, ..DiagnosticsConfig::default() }, additive }
}

struct Plan<'a> {
    epochs: usize,
    clip: Option<f64>,
    folder: Option<&'a Path>,
    data: &'a dyn BatchSource,
    diagnostics: &'a Diagnostics,
}

fn go<M: Model>(
    plan: &Plan<'_>,
    state: &mut TrainState<M>,
    progress: Progress,
    stop_after: Option<usize>,
) -> Recorded {
    let mut recorded = Recorded { left: stop_after, ..Recorded::default() };
    let stop = AtomicBool::new(false);
    let trainer = Trainer {
        config: &TrainConfig {
            epochs: plan.epochs,
            seed: 11,
            clip: plan.clip,
            schedule: ScheduleConfig::default(),
            checkpoint_steps: 0,
        },
        evaluator: &Cut,
        task: &Classification::new(3),
        train: plan.data,
        validation: plan.data,
        folder: plan.folder,
        stop: &stop,
        device: &Device::flex(),
        diagnostics: plan.diagnostics,
        peers: &Alone,
    };
    trainer.run(state, progress, &mut Stopping(&mut recorded, &stop)).unwrap();
    recorded
}

/// Fixture F1 as a split of one sample.
struct One {
    spec: Vec<ModalitySpec>,
    repeat: usize,
}

impl BatchSource for One {
    fn modalities(&self) -> &[ModalitySpec] {
        &self.spec
    }

    fn samples(&self) -> usize {
        self.repeat
    }

    fn batches(&self) -> usize {
        1
    }

    fn epoch(
        &self,
        _: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let column = |z: [f32; 2]| Input {
            array: Array::new([self.repeat, 2], z.repeat(self.repeat)).unwrap(),
            present: vec![true; self.repeat],
            lengths: None,
        };
        let batch = Batch {
            ids: (0..self.repeat).map(|i| i.to_string()).collect(),
            inputs: vec![column(Z1), column(Z2)],
            targets: Targets::Classes(vec![0; self.repeat]),
        };
        Box::new(std::iter::once(Ok(batch)).skip(from))
    }
}

fn fixture(strategy: Box<dyn Strategy>, clip: Option<f64>, repeat: usize) -> Recorded {
    let spec = ["audio", "image"].map(|name| ModalitySpec::new(name, [2])).to_vec();
    let mut state = TrainState::new(f1().0, sgd(1e-9, 0.0, 0.0), strategy);
    let (data, diagnostics) = (One { spec, repeat }, all(true));
    let plan = Plan { epochs: 1, clip, folder: None, data: &data, diagnostics: &diagnostics };
    go(&plan, &mut state, Progress::default(), None)
}

#[track_caller]
fn close(diagnosis: &Diagnosis, whose: &str, name: &str, should: f64) {
    let is = diagnosis.get(whose, name).unwrap_or_else(|| panic!("no {name} of {whose}: {diagnosis:?}"));
    assert!((is - should).abs() < 1e-5, "{name} of {whose} is {is} instead of {should}");
}

#[test]
fn all_measures_on_f1_are_those_worked_out_by_hand() {
    // A mean loss over equal samples has the same gradients of single samples.
    for repeat in [1, 3] {
        let recorded = fixture(Box::new(dgl(4.0)), None, repeat);
        let (before, after) = (&recorded.diagnoses[&0], &recorded.diagnoses[&1]);
        // (iv): |dL_full/dz1|, |dL_1/dz1|, |dL_full/dz2|, |dL_2/dz2| of the worked example.
        for diagnosis in [before, after] {
            close(diagnosis, "audio", "gradient_fused", (0.829752_f64.powi(2) + 0.702332_f64.powi(2)).sqrt());
            close(
                diagnosis,
                "audio",
                "gradient_unimodal",
                (0.800656_f64.powi(2) + 0.651459_f64.powi(2)).sqrt(),
            );
            close(diagnosis, "image", "gradient_fused", (0.287456_f64.powi(2) + 0.244983_f64.powi(2)).sqrt());
            close(
                diagnosis,
                "image",
                "gradient_unimodal",
                (0.008122_f64.powi(2) + 0.150285_f64.powi(2)).sqrt(),
            );
            close(diagnosis, "audio", "suppression_effective", 1.170906);
            close(diagnosis, "audio", "suppression_mean", 1.142013);
            // s is 1.284025 and 1: the median of two is their mean.
            close(diagnosis, "audio", "suppression_median", 1.142013);
            // By audio's (1, 2, 0) without bias image has s = e and 1 / e.
            close(diagnosis, "image", "suppression_share", 0.5);
            close(diagnosis, "image", "suppression_median", f64::midpoint(1_f64.exp(), (-1_f64).exp()));
            // One direction, however many samples.
            close(diagnosis, "audio", "effective_rank", 1.0);
        }
        // cos((-0.829752, 0.702332), (-0.800656, 0.651459)).
        let cosine = (0.829752 * 0.800656 + 0.702332 * 0.651459)
            / ((0.829752_f64.powi(2) + 0.702332_f64.powi(2)) * (0.800656_f64.powi(2) + 0.651459_f64.powi(2)))
                .sqrt();
        close(after, "audio", "cosine", cosine);
        // DGL: 4 times the unimodal gradient arrives; (i) is the mean magnitude of its two numbers.
        close(after, "audio", "gradient_tensors", f64::midpoint(3.202625, 2.605836));
        close(after, "audio", "gradient_tensors_unweighted", f64::midpoint(3.202625, 2.605836) / 4.0);
        close(after, "audio", "gradient_tensors_unclipped", f64::midpoint(3.202625, 2.605836));
        close(after, "audio", "gradient_trained", 4.0 * (0.800656_f64.powi(2) + 0.651459_f64.powi(2)).sqrt());
        assert_eq!(before.get("audio", "gradient_tensors"), None, "no step was taken");
        assert_eq!(before.get("audio", "gradient_trained"), None);
        assert_eq!(
            recorded.steps[0][&A].applied.to_bits(),
            after.get("audio", "gradient_tensors").unwrap().to_bits()
        );
        // The only sample is of class 0; together and alone the model says 1, image alone says 0.
        close(after, "audio", "train_accuracy", 0.0);
        close(after, "image", "train_accuracy", 1.0);
        close(after, "audio", "without", 1.0);
        // A constant guess has 1. audio: (0 - 1 + 0 - 1) / 2; image: (1 - 1 + 0 - 0) / 2.
        close(after, "audio", "shapley", -1.0);
        close(after, "image", "shapley", 0.0);
    }
}

#[test]
fn the_clip_shortens_the_applied_gradient_and_not_the_one_before_it() {
    let (free, cut) = (fixture(Box::new(dgl(4.0)), None, 1), fixture(Box::new(dgl(4.0)), Some(1.0), 1));
    let (free, cut) = (free.steps[0][&B], cut.steps[0][&B]);
    assert!(cut.applied < 0.3 * free.applied);
    assert!((cut.before_clip / free.applied - 1.0).abs() < 1e-5);
    // Joint training has weight 1: nothing to divide by.
    let joint = fixture(Box::new(Joint {}), None, 1).steps[0][&A];
    assert_eq!(joint.applied.to_bits(), joint.per_factor.to_bits());
    assert!((joint.applied - f64::midpoint(0.829752, 0.702332)).abs() < 1e-5);
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterpoint-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn checkpoints(&self) -> [Vec<u8>; 2] {
        ["last", "best"].map(|name| fs::read(self.0.join(format!("{name}.safetensors"))).unwrap())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn train_state(subject: &Subject, data: &Problem) -> TrainState<impl Model + use<>> {
    let model = subject.model(data.modalities(), 1).unwrap();
    TrainState::new(model, sgd(0.05, 0.9, 1e-3), subject.strategy().unwrap())
}

/// Subjects of two and three modalities on data with gaps, thinned.
fn some() -> Vec<(Subject, Problem)> {
    let of = |modalities: usize| {
        let data = Problem::new(modalities, 12, 6, 3).lacking(|i, m| i % 5 == 0 && m == 0);
        subjects(modalities)
            .into_iter()
            .filter(Subject::trains_all)
            .step_by(7)
            .map(move |subject| (subject, data.clone()))
    };
    of(2).chain(of(3)).collect()
}

#[test]
fn watching_changes_no_bit_of_what_is_trained() {
    let scratch = Scratch::new("watch");
    let off = Diagnostics::off();
    let on =
        Diagnostics { config: DiagnosticsConfig { level: Level::Step, ..all(true).config }, additive: true };
    for (subject, data) in some() {
        let mut runs = [&off, &on].map(|diagnostics| {
            let plan =
                Plan { epochs: 3, clip: Some(1.0), folder: Some(&scratch.0), data: &data, diagnostics };
            let recorded = go(&plan, &mut train_state(&subject, &data), Progress::default(), None);
            (recorded, scratch.checkpoints())
        });
        assert!(runs[0].1 == runs[1].1, "{subject:?}: other checkpoints");
        let [(blind, _), (watched, _)] = &mut runs;
        assert_eq!(blind.validation, watched.validation, "{subject:?}");
        assert!(blind.diagnoses.values().all(Diagnosis::is_empty));
        assert!(blind.steps.iter().all(BTreeMap::is_empty));
        assert!(watched.diagnoses.values().all(|d| !d.is_empty()));
    }
}

#[test]
fn a_stopped_run_finds_the_same_as_one_that_was_not() {
    let scratch = Scratch::new("watch-resume");
    let diagnostics = all(true);
    for (subject, data) in some().into_iter().step_by(2) {
        let plan =
            Plan { epochs: 3, clip: None, folder: Some(&scratch.0), data: &data, diagnostics: &diagnostics };
        let whole = go(&plan, &mut train_state(&subject, &data), Progress::default(), None);
        let first = go(&plan, &mut train_state(&subject, &data), Progress::default(), Some(3));
        let checkpoint = Checkpoint::read(&scratch.0.join("last.safetensors")).unwrap();
        let progress = checkpoint.progress.clone();
        let mut second = train_state(&subject, &data);
        checkpoint.restore(&mut second, &Device::flex(), true).unwrap();
        let rest = go(&plan, &mut second, progress, None);
        let mut joined = first.diagnoses;
        joined.extend(rest.diagnoses);
        assert_eq!(joined, whole.diagnoses, "{subject:?}");
        assert_eq!(joined.len(), 4);
    }
}

#[test]
fn what_is_not_defined_is_absent_and_said() {
    let fusions = |additive: bool| {
        let data = Problem::new(2, 12, 6, 3);
        let subject = subjects(2).remove(0);
        let diagnostics = all(additive);
        let plan = Plan { epochs: 1, clip: None, folder: None, data: &data, diagnostics: &diagnostics };
        let found =
            go(&plan, &mut train_state(&subject, &data), Progress::default(), None).diagnoses[&1].clone();
        (found.get("audio", "suppression_effective").is_some(), found, diagnostics.absent(2, true))
    };
    let (there, _, said) = fusions(true);
    assert!(there && said.is_empty());
    let (there, found, said) = fusions(false);
    assert!(!there && said.len() == 1 && said[0].contains("suppression"));
    assert!(found.get("audio", "gradient_fused").is_some(), "the other measures do not need it");
    assert_eq!(all(true).absent(1, true).len(), 2);
    assert!(Diagnostics::off().absent(1, true).is_empty(), "nothing was asked for");
}

#[test]
fn noise_hurts_more_the_larger_it_is_and_shapley_values_add_up() {
    let data = Problem::new(3, 60, 12, 3);
    let subject = subjects(3).into_iter().find(|s| s.strategy.is::<Dgl>()).unwrap();
    let mut diagnostics = all(true);
    diagnostics.config.noise = vec![0.001, 30.0];
    let plan = Plan { epochs: 5, clip: None, folder: None, data: &data, diagnostics: &diagnostics };
    let recorded = go(&plan, &mut train_state(&subject, &data), Progress::default(), None);
    let last = &recorded.diagnoses[&5];
    let fused = |of: &Reduced| {
        let hits =
            of[&LossTerm::Fused].1.chunks_exact(3).zip(&of[&LossTerm::Fused].0).filter(|(row, sample)| {
                let best = (0..3).fold(0, |best, k| if row[k] > row[best] { k } else { best });
                // Validation is the train data in the order of epoch 0.
                best == sample_class(&data, **sample)
            });
        hits.count() as f64 / 60.0
    };
    let clean = fused(recorded.validation.last().unwrap());
    assert!(clean > 0.9, "{clean}");
    assert!(last.get("fused", "noise_30").unwrap() < clean - 0.2);
    for name in ["audio", "image", "text"] {
        let noisy = |size: &str| last.get(name, &format!("noise_{size}")).unwrap();
        assert!(noisy("30") < noisy("0.001") + 1e-12, "{name}");
        assert!(last.get(name, "noise_unimodal_30").unwrap() < 0.7);
    }
    assert!((last.get("fused", "noise_0.001").unwrap() - clean).abs() < 0.05);
    // A constant guess has a third.
    let shares: f64 = ["audio", "image", "text"].map(|m| last.get(m, "shapley").unwrap()).iter().sum();
    assert!((shares - (clean - 1.0 / 3.0)).abs() < 1e-9);
    // Noise is measured in every second epoch and in the last one.
    let measured: Vec<usize> = recorded
        .diagnoses
        .iter()
        .filter(|(_, d)| d.get("fused", "noise_30").is_some())
        .map(|(e, _)| *e)
        .collect();
    assert_eq!(measured, [0, 2, 4, 5]);
}

fn sample_class(data: &Problem, position: usize) -> usize {
    let ids: Vec<String> = data.epoch(0, 0).flat_map(|batch| batch.unwrap().ids).collect();
    ids[position].parse::<usize>().unwrap() % 3
}
