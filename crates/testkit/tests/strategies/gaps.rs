//! Data in which samples lack modalities: nothing depends on which batch they
//! fall into, and every loss says how many samples it used.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::diagnose::Diagnostics;
use counterpoint::grad::{Cut, PerRow};
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::math::random::Random;
use counterpoint::modality::{Modality, PerModality, Present};
use counterpoint::model::Model;
use counterpoint::peers::Alone;
use counterpoint::step::Incomplete;
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Dgl, Joint, StrategyConfig};
use counterpoint::task::{Classification, Task};
use counterpoint::train::{EpochReport, Observer, Outcome, Progress, TrainState, Trainer};

use counterpoint_batch::{Batch, BatchSource, ModalitySpec, SourceError, presence};
use counterpoint_testkit::conformance::{Subject, agree, evaluate, late_fusion, parts, staged};
use counterpoint_testkit::problem::Problem;

use super::run::{CLASSES, Points, Run, configs};

const BATCH: usize = 5;

/// Samples of which one in ten has the second modality, in an order of the seed.
struct Rare {
    points: Points,
    seed: u64,
}

impl Rare {
    fn new(count: usize, seed: u64) -> Self {
        let mut points = Points::new(2, count, false, "rare");
        let order = Random::new(seed, &["rare"]).permutation(count);
        order.iter().skip(count / 10).for_each(|&i| points.samples[i].inputs[1] = None);
        Self { points, seed }
    }
}

impl BatchSource for Rare {
    fn modalities(&self) -> &[ModalitySpec] {
        self.points.modalities()
    }

    fn samples(&self) -> usize {
        self.points.samples.len()
    }

    fn batches(&self) -> usize {
        self.samples().div_ceil(BATCH)
    }

    fn presence(&self) -> Vec<Vec<bool>> {
        presence(&self.points.samples)
    }

    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let key = [self.seed.to_string(), epoch.to_string()];
        let order = Random::new(self.seed, &[&key[0], &key[1]]).permutation(self.samples());
        let batches: Vec<Vec<usize>> = order.chunks(BATCH).skip(from).map(<[usize]>::to_vec).collect();
        Box::new(batches.into_iter().map(|chosen| {
            let samples = chosen.iter().map(|&i| self.points.samples[i].clone()).collect();
            Ok(Batch::collate(samples, &self.points.spec)?)
        }))
    }
}

/// Keeps what every epoch says of its losses.
#[derive(Default)]
struct Counter(Vec<(usize, BTreeMap<LossTerm, usize>)>);

impl Observer for Counter {
    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        self.0.push((report.samples, report.term_samples.clone()));
        Ok(())
    }
}

fn train<M: Model>(state: &mut TrainState<M>, data: &Rare, epochs: usize) -> Result<Counter, Error> {
    let run = Run::new(2, epochs, true);
    let stop = AtomicBool::new(false);
    let trainer = Trainer {
        config: &run.config,
        evaluator: &Cut,
        task: &Classification::new(CLASSES),
        train: data,
        validation: &run.validation,
        folder: None,
        stop: &stop,
        device: &Device::flex(),
        diagnostics: &Diagnostics::off(),
        peers: &Alone,
    };
    let mut counter = Counter::default();
    assert_eq!(trainer.run(state, Progress::default(), &mut counter)?, Outcome::Finished);
    Ok(counter)
}

fn train_state(config: &StrategyConfig, unimodal_heads: bool) -> TrainState<impl Model + use<>> {
    let mut run = Run::new(2, 2, true);
    run.unimodal_heads = unimodal_heads;
    run.train_state(config.build(&run.names()).unwrap())
}

#[test]
fn every_strategy_trains_whatever_the_first_batch_lacks() {
    for (config, unimodal_heads) in configs() {
        for seed in 0..40 {
            let data = Rare::new(30, seed);
            let mut state = train_state(&config, unimodal_heads);
            if let Err(e) = train(&mut state, &data, 3) {
                panic!("{config:?}, seed {seed}: {e}");
            }
        }
    }
}

#[test]
fn every_loss_says_how_many_samples_it_used() {
    let data = Rare::new(30, 4);
    let has = |m: usize| data.points.samples.iter().filter(|s| s.inputs[m].is_some()).count();
    let (all, rare) = (has(0), has(1));
    assert_eq!((all, rare), (30, 3));
    let [a, b] = [LossTerm::Unimodal(Modality(0)), LossTerm::Unimodal(Modality(1))];
    let dgl = StrategyConfig::from(Dgl {
        alpha: PerModality::Same(2.0),
        truncate_multimodal: true,
        truncate_unimodal: true,
        ..Dgl::default()
    });
    let counted = |config: &StrategyConfig, incomplete| {
        let mut state = train_state(config, false);
        state.incomplete = incomplete;
        train(&mut state, &data, 2).unwrap().0
    };
    for (samples, terms) in counted(&StrategyConfig::from(Joint {}), Incomplete::Skip) {
        assert_eq!((samples, terms), (30, [(LossTerm::Fused, rare)].into()));
    }
    for (_, terms) in counted(&StrategyConfig::from(Joint {}), Incomplete::ZeroFill) {
        assert_eq!(terms, [(LossTerm::Fused, 30)].into());
    }
    for (_, terms) in counted(&dgl, Incomplete::Skip) {
        assert_eq!(terms, [(LossTerm::Fused, rare), (a, all), (b, rare)].into());
    }
    for (_, terms) in counted(&dgl, Incomplete::ZeroFill) {
        assert_eq!(terms, [(LossTerm::Fused, 30), (a, all), (b, rare)].into());
    }
}

#[test]
fn a_loss_without_any_sample_is_refused_before_training() {
    let mut data = Rare::new(30, 1);
    for sample in &mut data.points.samples {
        if sample.inputs[1].is_some() {
            sample.inputs[0] = None;
        }
    }
    let refusal = |config: &StrategyConfig, incomplete| {
        let mut state = train_state(config, false);
        state.incomplete = incomplete;
        train(&mut state, &data, 1).map(drop).map_err(|e| e.to_string())
    };
    let joint = StrategyConfig::from(Joint {});
    let message = refusal(&joint, Incomplete::Skip).unwrap_err();
    assert!(message.contains("no training sample has them all"), "{message}");
    refusal(&joint, Incomplete::ZeroFill).unwrap();
    data.points.samples.iter_mut().for_each(|sample| sample.inputs[1] = None);
    let message = {
        let mut state = train_state(&joint, false);
        train(&mut state, &data, 1).map(drop).unwrap_err().to_string()
    };
    assert_eq!(message, "no training sample has modality `m1`; leave it out");
}

/// Batches in which nobody, somebody and most have all modalities.
fn batches() -> Vec<Problem> {
    let all = Problem::new(3, 9, 9, 3);
    vec![
        all.clone(),
        all.clone().lacking(|i, m| i % (m + 2) == 0),
        all.clone().lacking(|i, m| i % 3 == 0 && m == 0 || i % 3 != 0 && m == 1),
        all.lacking(|_, m| m == 1),
    ]
}

#[test]
fn both_evaluators_agree_on_zero_filled_samples() {
    let dgl = StrategyConfig::from(Dgl {
        alpha: PerModality::Same(2.0),
        truncate_multimodal: false,
        truncate_unimodal: true,
        ..Dgl::default()
    });
    let models = parts().into_iter().map(|parts| late_fusion(&parts)).chain(staged().into_iter().take(2));
    for model in models {
        for strategy in [StrategyConfig::from(Joint {}), dgl.clone()] {
            let subject = Subject { strategy, model: model.clone(), modalities: 3 };
            for problem in batches() {
                let model = subject.model(problem.modalities(), 1).unwrap();
                let inputs =
                    Inputs::new(problem.whole(), &Device::flex()).with_incomplete(Incomplete::ZeroFill);
                let task = Classification::new(3);
                let by = |fast: bool| {
                    let (mut buffers, mut strategy) = (Buffers::default(), subject.strategy().unwrap());
                    let (strategy, buffers_) = (strategy.as_mut(), &mut buffers);
                    let seen = match fast {
                        true => evaluate(&Cut, &model, &inputs, &task, strategy, buffers_),
                        false => evaluate(&PerRow, &model, &inputs, &task, strategy, buffers_),
                    };
                    (seen.unwrap(), buffers)
                };
                let (fast, slow) = (by(true), by(false));
                assert_eq!(fast.0[0].record.outputs[&LossTerm::Fused].samples, (0..9).collect::<Vec<_>>());
                if let Err(e) = agree((&fast.0, &fast.1), (&slow.0, &slow.1), 1e-6) {
                    panic!("{subject:?}: {e}");
                }
            }
        }
    }
}

#[test]
fn a_zero_filled_sample_costs_what_evaluation_makes_of_it() {
    // Without batch norm a model in training is the model in evaluation.
    let run = Run::new(2, 1, true);
    let state = train_state(&StrategyConfig::from(Joint {}), false);
    let batch = Batch::collate(run.train.samples.clone(), &run.train.spec).unwrap();
    let inputs = Inputs::new(batch, &Device::flex()).with_incomplete(Incomplete::ZeroFill);
    let task = Classification::new(CLASSES);
    let mut strategy = StrategyConfig::from(Joint {}).build(&run.names()).unwrap();
    let seen =
        evaluate(&Cut, &state.model, &inputs, &task, strategy.as_mut(), &mut Buffers::default()).unwrap();
    let position = task.metrics().names().position(|name| name == "cross_entropy").unwrap();
    let frozen = state.frozen();
    let (mut sum, mut count) = (0.0, 0);
    for (present, samples) in inputs.patterns() {
        let term = if present == Present::all(2) { LossTerm::Fused } else { LossTerm::Subset(present) };
        let scored =
            frozen.forward(&[(term, samples.clone())], &inputs, &mut ForwardContext::eval(&state.buffers));
        let targets = inputs.targets_of(&samples);
        let reduced = task.reduce(scored.into_iter().next().unwrap().scores, &targets);
        sum += task.evaluate(&reduced, &targets)[position] * samples.len() as f64;
        count += samples.len();
    }
    assert_eq!(count, 24);
    let loss = seen[0].losses[&LossTerm::Fused];
    assert!((loss - sum / 24.0).abs() < 1e-5, "{loss} {}", sum / 24.0);
}

#[test]
fn strategies_that_compare_complete_samples_refuse_others() {
    for (config, _) in configs() {
        config.check_incomplete(Incomplete::Skip).unwrap();
        let refused = config.check_incomplete(Incomplete::ZeroFill).is_err();
        let mut all = std::iter::successors(Some(&config), |config| config.over());
        let compares = all.any(|one| ["agm", "pmr", "mla"].contains(&one.name()));
        assert_eq!(refused, compares, "{config:?}");
    }
}
