//! How often a step waits for numbers of the device.

use std::sync::atomic::AtomicBool;

use counterpoint::diagnose::{Diagnostics, DiagnosticsConfig};
use counterpoint::grad::Cut;
use counterpoint::host::reads;
use counterpoint::model::fusion::{ConcatConfig, FusionConfig, SumConfig};
use counterpoint::model::head::LinearHeadConfig;
use counterpoint::peers::Alone;
use counterpoint::strategy::{
    AgmConfig, Dgl, GBlendConfig, Joint, MlaConfig, MmParetoConfig, NoiseConfig, OgmConfig, PmrConfig,
    ReconBoostConfig, RelearnConfig, StrategyConfig,
};
use counterpoint::task::Classification;
use counterpoint::train::{
    Observer, OptimizerConfig, Progress, ScheduleConfig, StepReport, TrainConfig, TrainState, Trainer,
};
use counterpoint_batch::BatchSource as _;
use counterpoint_testkit::conformance::{Parts, model};
use counterpoint_testkit::device::device;
use counterpoint_testkit::problem::Problem;

/// Notes the count after every step.
#[derive(Default)]
struct Counts(Vec<(usize, u64)>);

impl Observer for Counts {
    fn step(&mut self, report: &StepReport<'_>) {
        self.0.push((report.at.epoch, reads()));
    }
}

/// The most reads from one step to the next of the same epoch.
fn of(strategy: &StrategyConfig, diagnostics: &Diagnostics) -> u64 {
    let problem = Problem::new(2, 24, 6, 3);
    // Ensembles are what MLA and ReconBoost take; the others take any fusion.
    let additive = matches!(strategy.name(), "mla" | "reconboost");
    let fusion: FusionConfig = if additive { SumConfig {}.into() } else { ConcatConfig {}.into() };
    let parts = Parts { fusion, head: LinearHeadConfig {}.into() };
    let model = model(problem.modalities(), &parts, strategy.wants_unimodal_heads(), 3, 1).unwrap();
    let strategy = strategy.build(counterpoint::model::Model::modalities(&model)).unwrap();
    let sgd = OptimizerConfig::Sgd {
        lr: 0.01,
        momentum: 0.9,
        weight_decay: 1e-4,
        nesterov: false,
        encoder_factor: 1.0.into(),
        encoder_weight_decay: None,
    };
    let config = TrainConfig {
        epochs: 4,
        seed: 1,
        clip: Some(0.05),
        schedule: ScheduleConfig::default(),
        checkpoint_steps: 0,
    };
    let trainer = Trainer {
        config: &config,
        evaluator: &Cut,
        task: &Classification::new(3),
        train: &problem,
        validation: &problem,
        folder: None,
        stop: &AtomicBool::new(false),
        device: &device(),
        diagnostics,
        peers: &Alone,
    };
    let mut counts = Counts::default();
    trainer.run(&mut TrainState::new(model, sgd, strategy), Progress::default(), &mut counts).unwrap();
    let steps = counts.0.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    steps.map(|pair| pair[1].1 - pair[0].1).max().expect("an epoch has several steps")
}

#[test]
fn a_step_reads_once_and_once_more_for_what_its_strategy_looks_at() {
    let dgl = Dgl { alpha: 2.0.into(), truncate_multimodal: true, truncate_unimodal: true, ..Dgl::default() };
    let ogm = |ge| StrategyConfig::from(OgmConfig { ge, ..OgmConfig::default() });
    // Every modality has its turn within the epochs.
    let boost = ReconBoostConfig { learner_epochs: 1, ensemble_epochs: 1, ..ReconBoostConfig::default() };
    // Noise is drawn on the host: one read for each of the encoders' two matrices. MMPareto compares the
    // gradients of two losses at each of their four tensors, and once more to know their lengths.
    let expected = [
        (StrategyConfig::from(Joint {}), 1),
        (dgl.into(), 1),
        (GBlendConfig::default().into(), 1),
        (RelearnConfig::default().into(), 1),
        (NoiseConfig::default().into(), 3),
        (ogm(false), 3),
        (ogm(true), 5),
        (AgmConfig::default().into(), 3),
        (PmrConfig::default().into(), 3),
        (MlaConfig::default().into(), 2),
        (MmParetoConfig::default().into(), 17),
        (boost.into(), 2),
    ];
    let mut wrong = Vec::new();
    for (strategy, count) in expected {
        let found = of(&strategy, &Diagnostics::off());
        // Diagnostics look at gradients after the clip, on a device with one read more.
        let config = DiagnosticsConfig::default();
        let watched = of(&strategy, &Diagnostics { config, additive: true });
        if found != count || watched > count + 1 {
            wrong
                .push(format!("{}: {found} instead of {count}, {watched} with diagnostics", strategy.name()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
