//! Limits in which methods equal each other, and what must not reach what.

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, StepContext};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::peers::Alone;
use counterpoint::step::Position;
use counterpoint::strategy::{
    AgmConfig, Dgl, GBlendConfig, Joint, MlaConfig, NoiseConfig, OgmConfig, PmrConfig, Projection,
    ReconBoostConfig, RelearnConfig, Strategy, StrategyConfig, StrategyState, Tensors, UnimodalConfig,
};
use counterpoint::task::Classification;
use counterpoint::train::Progress;
use counterpoint_batch::BatchSource;

use crate::run::{CLASSES, Run, configs, values};

/// Parameters after a few epochs of a strategy on the same model and data.
fn after_training(config: StrategyConfig, modalities: usize, per_row: bool) -> Vec<(String, Vec<f32>)> {
    let unimodal_heads = config.wants_unimodal_heads();
    // Boosting comes to its third modality in the fifth epoch.
    let epochs = if config.is::<ReconBoostConfig>() { 5 } else { 3 };
    let run = Run { unimodal_heads, per_row, ..Run::new(modalities, epochs, true) };
    let mut state = run.train_state(config.build(&run.names()).unwrap());
    run.go(&mut state, Progress::default(), 0, None).unwrap();
    values(&state)
}

/// Largest difference of two sets of parameters.
fn distance(a: &[(String, Vec<f32>)], b: &[(String, Vec<f32>)]) -> f32 {
    let pairs = a.iter().zip(b).flat_map(|(a, b)| a.1.iter().zip(&b.1));
    pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn documented_limits_are_joint_training() {
    let relearn = |lambda| RelearnConfig { every: 1, lambda, ..RelearnConfig::default() };
    let ogm = OgmConfig { tensors: Tensors::All, ..OgmConfig::default() };
    let joint = after_training(StrategyConfig::from(Joint {}), 3, false);
    let limits = [
        StrategyConfig::from(OgmConfig { from: 7, ..ogm.clone() }),
        StrategyConfig::from(OgmConfig { alpha: 0.0, ge: false, ..ogm.clone() }),
        StrategyConfig::from(PmrConfig { alpha: 0.0, ..PmrConfig::default() }),
        StrategyConfig::from(AgmConfig { alpha: 0.0, ..AgmConfig::default() }),
        StrategyConfig::from(relearn(0.0)),
    ];
    for config in limits {
        let distance = distance(&joint, &after_training(config.clone(), 3, false));
        assert!(distance < 1e-5, "{config:?}: {distance}");
    }
    // What the limits switch off does move the model.
    let others = [
        StrategyConfig::from(OgmConfig { ge: false, ..ogm.clone() }),
        StrategyConfig::from(OgmConfig { alpha: 0.0, ..ogm }),
        StrategyConfig::from(PmrConfig::default()),
        StrategyConfig::from(AgmConfig::default()),
        StrategyConfig::from(relearn(3.0)),
    ];
    for config in others {
        let distance = distance(&joint, &after_training(config.clone(), 3, false));
        assert!(distance > 1e-4, "{config:?}: {distance}");
    }
}

#[test]
fn additions_that_add_nothing_are_the_strategy_that_they_are_over() {
    let dgl = || StrategyConfig::from(Dgl { alpha: 2.0.into(), ..Dgl::default() });
    let relearn = |lambda| RelearnConfig { every: 1, lambda, over: dgl(), ..RelearnConfig::default() };
    let noise = |scale| NoiseConfig { scale, tensors: Tensors::All, over: dgl() };
    let blend =
        |alpha: f64| GBlendConfig { alpha: alpha.into(), over: Some(dgl()), ..GBlendConfig::default() };
    let plain = after_training(dgl(), 3, false);
    let nothing: [StrategyConfig; 3] = [relearn(0.0).into(), noise(0.0).into(), blend(1.0).into()];
    for config in nothing {
        assert_eq!(plain, after_training(config.clone(), 3, false), "{config:?}");
    }
    let something: [StrategyConfig; 3] = [relearn(3.0).into(), noise(1.0).into(), blend(3.0).into()];
    for config in something {
        let distance = distance(&plain, &after_training(config.clone(), 3, false));
        assert!(distance > 1e-4, "{config:?}: {distance}");
    }
    // DGL's loss of a modality with weight 2, weighed by 3, is that of weight 6.
    let six = StrategyConfig::from(Dgl { alpha: 6.0.into(), ..Dgl::default() });
    assert!(distance(&after_training(six, 3, false), &after_training(blend(3.0).into(), 3, false)) < 1e-5);
}

#[test]
fn an_addition_and_what_it_is_over_both_keep_their_state() {
    let over = StrategyConfig::from(PmrConfig::default());
    let build = |over: &StrategyConfig| {
        let config = RelearnConfig { over: over.clone(), ..RelearnConfig::default() };
        StrategyConfig::from(config).build(&Run::new(2, 1, false).names()).unwrap()
    };
    let state = StrategyState::default()
        .with("gap", [2], vec![0.25, 0.5])
        .with("over.epoch", [1], vec![3.0])
        .with("over.prototypes.0", [1, 2], vec![1.0, 2.0])
        .with("over.known.0", [1], vec![1.0]);
    let mut both = build(&over);
    both.restore(&state).unwrap();
    assert_eq!(both.save(), state);
    // What re-learning over joint training wrote before it could be over anything.
    let mut plain = build(&Joint {}.into());
    let old = StrategyState::default().with("gap", [2], vec![0.25, 0.5]);
    plain.restore(&old).unwrap();
    assert_eq!(plain.save(), old);
    assert!(both.restore(&old).is_err());
}

#[test]
fn both_evaluators_train_the_same_model_on_data_with_gaps() {
    for (config, _) in configs() {
        let [cut, per_row] = [false, true].map(|way| after_training(config.clone(), 3, way));
        let distance = distance(&cut, &per_row);
        assert!(distance < 1e-4, "{config:?}: {distance}");
    }
}

/// Gradients of a strategy's first batch by parameter, summed over its phases,
/// none of which moves the model.
fn first_gradients(strategy: Box<dyn Strategy>) -> Vec<(String, Vec<f32>)> {
    let run = Run { unimodal_heads: false, ..Run::new(2, 1, false) };
    let mut state = run.train_state(strategy);
    let inputs = Inputs::new(run.train.epoch(0, 0).next().unwrap().unwrap(), &Device::flex());
    let at = Position { epoch: 0, epochs: 1, batch: 0, batches: 4, seed: 1 };
    let mut sums: Vec<(String, Vec<f32>)> =
        values(&state).into_iter().map(|(n, v)| (n, vec![0.0; v.len()])).collect();
    for phase in state.strategy.phases(at, &run.names()) {
        let task = &Classification::new(CLASSES);
        let context = StepContext {
            model: &state.model,
            groups: &state.groups,
            inputs: &inputs,
            task,
            at,
            peers: &Alone,
        };
        let mut buffers = Buffers::default();
        let strategy = state.strategy.as_mut();
        let (gradients, _) =
            Cut.evaluate(context, &phase, strategy, &mut ForwardContext::train(&mut buffers)).unwrap();
        for (i, p) in state.groups.parameters().iter().enumerate() {
            let sum = sums.iter_mut().find(|(name, _)| *name == p.name).unwrap();
            if let Some(gradient) = gradients.get(i) {
                sum.1.iter_mut().zip(host(gradient.clone())).for_each(|(sum, g)| *sum += g);
            }
        }
    }
    sums
}

#[test]
fn turns_without_projection_add_up_to_the_unimodal_losses() {
    let names = Run::new(2, 1, false).names();
    let mla = StrategyConfig::from(MlaConfig { projection: Projection::Off, ..MlaConfig::default() });
    let turns = first_gradients(mla.build(&names).unwrap());
    let mut unimodal = [0, 1].map(|m| {
        let config = StrategyConfig::from(UnimodalConfig { modality: Some(format!("m{m}")) });
        first_gradients(config.build(&names).unwrap())
    });
    let second = std::mem::take(&mut unimodal[1]);
    for (a, b) in unimodal[0].iter_mut().zip(second) {
        a.1.iter_mut().zip(b.1).for_each(|(x, y)| *x += y);
    }
    assert!(
        distance(&turns, &unimodal[0]) < 1e-6 && turns.iter().any(|(_, g)| g.iter().any(|v| v.abs() > 1e-3))
    );
}

#[test]
fn prototypes_teach_the_weaker_encoder_and_never_the_head() {
    let names = Run::new(2, 1, false).names();
    let state = |strategy: &mut dyn Strategy| {
        let state = (0..2).fold(StrategyState::default().with("epoch", [1], vec![0.0]), |state, m| {
            let corner = |i: usize| if i / 5 == i % 5 { 1.0 + m as f64 } else { 0.0 };
            let state =
                state.with(format!("prototypes.{m}"), [CLASSES, 5], (0..CLASSES * 5).map(corner).collect());
            state.with(format!("known.{m}"), [CLASSES], vec![1.0; CLASSES])
        });
        strategy.restore(&state).unwrap();
    };
    let [off, on] = [0.0, 5.0].map(|alpha| {
        let config = StrategyConfig::from(PmrConfig { alpha, ..PmrConfig::default() });
        let mut strategy = config.build(&names).unwrap();
        state(strategy.as_mut());
        first_gradients(strategy)
    });
    let mut changed = 0;
    for m in 0..2 {
        let of = |all: &[(String, Vec<f32>)]| -> Vec<(String, Vec<f32>)> {
            all.iter().filter(|(n, _)| n.starts_with(&format!("encoder.m{m}."))).cloned().collect()
        };
        changed += usize::from(distance(&of(&off), &of(&on)) > 1e-3);
    }
    assert_eq!(changed, 1);
    let heads = |all: &[(String, Vec<f32>)]| -> Vec<Vec<f32>> {
        all.iter().filter(|(n, _)| n.starts_with("head.")).map(|(_, g)| g.clone()).collect()
    };
    assert_eq!(heads(&off), heads(&on));
}
