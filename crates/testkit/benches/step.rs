//! Cost of a training step of each strategy against joint training of the same
//! late-fusion model, in alternation within one process.
//!
//! `cargo bench -p counterpoint-testkit --bench step [-- small|resnet18] [rounds] [strategy ..]`
//! prints milliseconds for each strategy and the ratio of the medians. PMR,
//! re-learning and ReconBoost are not here: their steps are joint's or a part of
//! it, and what they do between epochs is no step.

use std::time::Instant;

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, Scene};
use counterpoint::input::Inputs;
use counterpoint::layer::Pass;
use counterpoint::model::encoder::EncoderConfig;
use counterpoint::model::fusion::{Combine, FusionConfig};
use counterpoint::model::head::HeadConfig;
use counterpoint::model::{Model, MultimodalConfig};
use counterpoint::strategy::{
    AgmConfig, GBlendConfig, MlaConfig, MmParetoConfig, Moment, OgmConfig, StrategyConfig,
};
use counterpoint::task::Classification;
use counterpoint::train::{Learner, OptimizerConfig};
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};
use counterpoint_testkit::fill::fill_f32;

#[expect(clippy::print_stdout, reason = "a command")]
fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let resnet = args.iter().any(|a| a == "resnet18");
    let rounds = args.iter().find_map(|a| a.parse().ok()).unwrap_or(if resnet { 5 } else { 40 });
    let names = ["joint", "dgl", "gblend", "mmcosine", "ogm", "ogm-ge", "agm", "mla", "mmpareto"];
    let only: Vec<&String> = args.iter().filter(|a| names.contains(&a.as_str())).collect();
    let (batch, shapes, encoder) = if resnet {
        (
            16,
            [vec![1, 257, 188], vec![3, 224, 224]],
            EncoderConfig::ResNet18 { width: 64, stem: 7, pretrained: None },
        )
    } else {
        let channels = vec![16, 32, 64, 64];
        (64, [vec![1, 64, 32], vec![1, 28, 28]], EncoderConfig::ConvNet { channels })
    };
    let device = Device::flex();
    let inputs = Inputs::new(synthetic(batch, &shapes), &device);
    let plain = (FusionConfig::Concat {}, HeadConfig::Linear {});
    let cosine = (plain.0, HeadConfig::Cosine { scale: 10.0 });
    let shared = (FusionConfig::Ensemble { weights: Combine::Entropy, rate: false }, plain.1);
    let ogm = |ge| StrategyConfig::Ogm(OgmConfig { ge, ..OgmConfig::default() });
    let strategies = [
        ("joint", StrategyConfig::Joint {}, plain),
        (
            "dgl",
            StrategyConfig::Dgl { alpha: 4.0, truncate_multimodal: true, truncate_unimodal: true },
            plain,
        ),
        ("gblend", StrategyConfig::Gblend(GBlendConfig::default()), plain),
        ("mmcosine", StrategyConfig::Joint {}, cosine),
        ("ogm", ogm(false), plain),
        ("ogm-ge", ogm(true), plain),
        ("agm", StrategyConfig::Agm(AgmConfig::default()), plain),
        ("mla", StrategyConfig::Mla(MlaConfig::default()), shared),
        ("mmpareto", StrategyConfig::Mmpareto(MmParetoConfig::default()), plain),
    ];
    let mut runs: Vec<_> = strategies
        .iter()
        .filter(|(name, ..)| only.is_empty() || only.iter().any(|o| o == name))
        .map(|(name, strategy, parts)| {
            (*name, learner(strategy, *parts, &encoder, &shapes, &device), Vec::new())
        })
        .collect();
    for round in 0..rounds + 2 {
        for (_, learner, times) in &mut runs {
            let begun = Instant::now();
            step(learner, &inputs);
            // The first two rounds warm up caches and the allocator.
            if round >= 2 {
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    println!("{} encoders, batch {batch}, {rounds} rounds", if resnet { "resnet18" } else { "small" });
    let mut joint = None;
    for (name, _, times) in &mut runs {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let ratio = median / *joint.get_or_insert(median);
        println!("{name:>9}: {median:8.1} ms ({:.1}-{:.1})  {ratio:.3}", times[0], times[times.len() - 1]);
    }
}

fn learner(
    strategy: &StrategyConfig,
    (fusion, head): (FusionConfig, HeadConfig),
    encoder: &EncoderConfig,
    shapes: &[Vec<usize>; 2],
    device: &Device,
) -> Learner<impl Model + use<>> {
    let data = [ModalitySpec::new("audio", shapes[0].clone()), ModalitySpec::new("image", shapes[1].clone())];
    let config = MultimodalConfig {
        encoders: vec![encoder.clone(); 2],
        fusion,
        head,
        solo_heads: strategy.wants_solo_heads(),
    };
    let model = config.build(&data, 10, 0, device).expect("the parts fit");
    let strategy = strategy.build(model.modalities()).expect("the strategy fits");
    let sgd = OptimizerConfig::Sgd {
        lr: 2e-3,
        momentum: 0.9,
        weight_decay: 1e-4,
        nesterov: false,
        encoder_factor: 1.0,
    };
    Learner::new(model, sgd, strategy)
}

fn step<M: Model>(learner: &mut Learner<M>, inputs: &Inputs) {
    let at = Moment { epoch: 0, epochs: 1, batch: 0, batches: 1, seed: 0 };
    for phase in learner.strategy.phases(at, learner.model.modalities()) {
        let mut pass = Pass::train(&mut learner.buffers);
        let task = Classification::new(10);
        let scene = Scene { model: &learner.model, groups: &learner.groups, inputs, task: &task, at };
        let (gradients, _) =
            Cut.evaluate(scene, &phase, learner.strategy.as_mut(), &mut pass).expect("routing succeeds");
        let model = learner.model.clone();
        learner.model = learner.optimizer.step(model, gradients, &learner.groups, 1.0);
    }
}

fn synthetic(count: usize, shapes: &[Vec<usize>]) -> Batch {
    let input = |(i, shape): (usize, &Vec<usize>)| {
        let shape: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
        let values = fill_f32(&format!("bench.{i}"), shape.iter().product(), 1.0);
        Input {
            array: Array::new(shape, values).expect("sized by its shape"),
            present: vec![true; count],
            lengths: None,
        }
    };
    Batch {
        ids: (0..count).map(|i| i.to_string()).collect(),
        inputs: shapes.iter().enumerate().map(input).collect(),
        targets: Targets::Classes((0..count).map(|i| i % 10).collect()),
    }
}
