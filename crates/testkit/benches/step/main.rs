//! Cost of a training step of each strategy against joint training of the same
//! model, in alternation within one process.
//!
//! `cargo bench --workspace --bench step [-- CASE] [rounds] [strategy ..] [batch=N]`
//! with CASE one of `small` and `resnet18` (late fusion), `mmtm` (MMTM-ResNet-18)
//! and `esanet` prints milliseconds for each strategy, the ratio of the medians and what its first
//! step took;
//! `-- memory CASE [strategy ..]` prints the peak memory of three steps, every
//! strategy in a process of its own; `-- layers` prints what each kind of layer of
//! ResNet-18 costs. It computes on the CPU, or where `COUNTERPOINT_DEVICE` says.
//! PMR, re-learning and ReconBoost are not here: their steps are joint's or a part
//! of it, and what they do between epochs is no step.

mod layers;

use std::process::Command;
use std::time::Instant;

use counterpoint::Recycler;
use counterpoint::grad::{Cut, Evaluator, StepContext};
use counterpoint::input::Inputs;
use counterpoint::layer::ForwardContext;
use counterpoint::model::encoder::{BlockKind, ConvNetConfig, EncoderConfig, ResNet18Config};
use counterpoint::model::esanet::EsaNetConfig;
use counterpoint::model::fusion::{Combine, ConcatConfig, EnsembleConfig, FusionConfig};
use counterpoint::model::head::{CosineHeadConfig, HeadConfig, LinearHeadConfig};
use counterpoint::model::{AnyModel, LateFusionConfig, Model, ModelConfig, StagedConfig};
use counterpoint::step::Position;
use counterpoint::strategy::{
    AgmConfig, Dgl, GBlendConfig, Joint, MlaConfig, MmParetoConfig, OgmConfig, Scores, StrategyConfig,
};
use counterpoint::task::{Classification, Segmentation, Task};
use counterpoint::train::{OptimizerConfig, TrainState};
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};
use counterpoint_testkit::device::device;
use counterpoint_testkit::fill::fill_f32;

#[global_allocator]
static MEMORY: Recycler = Recycler::new();

const CASES: [&str; 4] = ["small", "resnet18", "mmtm", "esanet"];
const STRATEGIES: [&str; 10] =
    ["joint", "dgl", "uniloss", "gblend", "mmcosine", "ogm", "ogm-ge", "agm", "mla", "mmpareto"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let named = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().filter(|n| args.iter().any(|a| a == *n)).copied().collect()
    };
    let mut case = Case::named(named(&CASES).first().copied().unwrap_or(CASES[0]));
    let batch = args.iter().find_map(|a| a.strip_prefix("batch=")?.parse().ok());
    if args.iter().any(|a| a == "layers") {
        return layers::time(batch.unwrap_or(16), args.iter().find_map(|a| a.parse().ok()).unwrap_or(5));
    }
    if let Some(count) = batch {
        case = case.with_batch(count);
    }
    let mut strategies = named(&STRATEGIES);
    if strategies.is_empty() {
        strategies = case.strategies.clone();
    }
    if args.iter().any(|a| a == "peak") {
        peak(&case, strategies[0]);
    } else if args.iter().any(|a| a == "memory") {
        memory(&case, &strategies);
    } else {
        time(&case, &strategies, args.iter().find_map(|a| a.parse().ok()).unwrap_or(case.rounds));
    }
}

#[expect(clippy::print_stdout, reason = "a command")]
fn time(case: &Case, strategies: &[&'static str], rounds: usize) {
    let inputs = Inputs::new(case.batch(), &device());
    let mut runs: Vec<_> =
        strategies.iter().map(|name| (*name, case.train_state(name), 0.0, Vec::new())).collect();
    for round in 0..rounds + 2 {
        for (_, state, first, times) in &mut runs {
            let begun = Instant::now();
            step(state, &inputs, case.task.as_ref());
            let took = begun.elapsed().as_secs_f64() * 1e3;
            // The first two rounds warm up caches and the allocator; on a GPU they compile kernels.
            match round {
                0 => *first = took,
                1 => {}
                _ => times.push(took),
            }
        }
    }
    println!("{}, batch {}, {rounds} rounds", case.what, case.count);
    let mut joint = None;
    for (name, _, first, times) in &mut runs {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let ratio = median / *joint.get_or_insert(median);
        let (least, most) = (times[0], times[times.len() - 1]);
        println!("{name:>9}: {median:8.1} ms ({least:.1}-{most:.1})  {ratio:.3}  first {first:.1}");
    }
}

/// Peak memory of every strategy, each measured by a process of its own.
#[expect(clippy::print_stdout, reason = "a command")]
fn memory(case: &Case, strategies: &[&str]) {
    println!("{}, batch {}, three steps", case.what, case.count);
    let program = std::env::current_exe().expect("a bench knows its own file");
    let mut joint = None;
    for name in strategies {
        let output = Command::new(&program).args(["peak", case.name, name]).output().expect("it runs again");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let bytes: f64 = text.trim().parse().expect("a number");
        let ratio = bytes / *joint.get_or_insert(bytes);
        println!("{name:>9}: {:8.1} MiB  {ratio:.3}", bytes / f64::from(1 << 20));
    }
}

/// Prints the most bytes that were resident during three steps.
#[expect(clippy::print_stdout, reason = "what the parent process reads")]
fn peak(case: &Case, strategy: &str) {
    let inputs = Inputs::new(case.batch(), &device());
    let mut state = case.train_state(strategy);
    for _ in 0..3 {
        step(&mut state, &inputs, case.task.as_ref());
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says what is resident");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is among it");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    println!("{}", kib * 1024);
}

/// A model with data that it fits.
struct Case {
    name: &'static str,
    what: &'static str,
    count: usize,
    rounds: usize,
    data: Vec<ModalitySpec>,
    outputs: usize,
    task: Box<dyn Task>,
    targets: Targets,
    strategies: Vec<&'static str>,
}

impl Case {
    fn named(name: &'static str) -> Self {
        let classes = |count: usize| Targets::Classes((0..count).map(|i| i % 10).collect());
        let two = |audio: [usize; 3], image: [usize; 3]| {
            vec![ModalitySpec::new("audio", audio), ModalitySpec::new("image", image)]
        };
        let late = || STRATEGIES.into_iter().filter(|n| *n != "uniloss").collect();
        let of_classes = |what, count, rounds, data, strategies| Self {
            name,
            what,
            count,
            rounds,
            data,
            outputs: 10,
            task: Box::new(Classification::new(10)),
            targets: classes(count),
            strategies,
        };
        match name {
            "resnet18" => {
                of_classes("late fusion of ResNet-18", 16, 5, two([1, 257, 188], [3, 224, 224]), late())
            }
            "mmtm" => {
                let strategies = vec!["joint", "dgl", "uniloss", "gblend", "ogm-ge", "agm", "mmpareto"];
                of_classes("MMTM-ResNet-18", 16, 5, two([1, 257, 188], [3, 224, 224]), strategies)
            }
            "esanet" => {
                let (count, size, classes) = (8, [120, 160], 40);
                let pixels = count * size[0] * size[1];
                Self {
                    name,
                    what: "ESANet of configs/nyuv2-dgl.toml",
                    count,
                    rounds: 7,
                    data: vec![
                        ModalitySpec::new("rgb", [3, size[0], size[1]]),
                        ModalitySpec::new("depth", [1, size[0], size[1]]),
                    ],
                    outputs: classes,
                    task: Box::new(
                        Segmentation::new(size, vec![1.0; classes], &[1, 8, 16, 32]).expect("sizes that fit"),
                    ),
                    targets: Targets::Maps {
                        height: size[0],
                        width: size[1],
                        pixels: (0..pixels).map(|i| (i % classes) as u8).collect(),
                    },
                    strategies: vec!["joint", "dgl", "uniloss"],
                }
            }
            _ => of_classes("late fusion of small convnets", 64, 40, two([1, 64, 32], [1, 28, 28]), late()),
        }
    }

    /// The same with this many samples, if their targets are classes.
    fn with_batch(self, count: usize) -> Self {
        match self.targets {
            Targets::Classes(_) => {
                Self { count, targets: Targets::Classes((0..count).map(|i| i % 10).collect()), ..self }
            }
            _ => self,
        }
    }

    fn model(&self, strategy: &str) -> ModelConfig {
        let resnet = EncoderConfig::new(ResNet18Config {
            width: 64,
            stem: 7,
            pretrained: None,
            pretrained_prefix: None,
        });
        match self.name {
            "mmtm" => ModelConfig::new(StagedConfig { encoder: resnet, ..StagedConfig::default() }),
            "esanet" => ModelConfig::new(EsaNetConfig {
                width: 16,
                blocks: [2, 2, 2, 2],
                block: BlockKind::NonBottleneck1D,
                decoder_blocks: 1,
                ..EsaNetConfig::default()
            }),
            name => {
                let small = EncoderConfig::new(ConvNetConfig { channels: vec![16, 32, 64, 64] });
                let (fusion, head) = match strategy {
                    "mmcosine" => (
                        FusionConfig::new(ConcatConfig {}),
                        HeadConfig::new(CosineHeadConfig { scale: 10.0 }),
                    ),
                    "mla" => (
                        FusionConfig::new(EnsembleConfig { weights: Combine::Entropy, rate: false }),
                        HeadConfig::new(LinearHeadConfig {}),
                    ),
                    _ => (FusionConfig::new(ConcatConfig {}), HeadConfig::new(LinearHeadConfig {})),
                };
                let encoder = if name == "resnet18" { resnet } else { small };
                ModelConfig::new(LateFusionConfig { encoder, fusion, head, ..LateFusionConfig::default() })
            }
        }
    }

    fn strategy(&self, name: &str) -> StrategyConfig {
        let truncated = |both| {
            StrategyConfig::from(Dgl {
                alpha: 4.0.into(),
                truncate_multimodal: both,
                truncate_unimodal: both,
            })
        };
        let late = ["small", "resnet18"].contains(&self.name);
        let scores = if late { Scores::HalfBias } else { Scores::ZeroFill };
        let ogm = |ge| StrategyConfig::from(OgmConfig { ge, scores, ..OgmConfig::default() });
        match name {
            "dgl" => truncated(true),
            "uniloss" => truncated(false),
            "gblend" => StrategyConfig::from(GBlendConfig::default()),
            "ogm" => ogm(false),
            "ogm-ge" => ogm(true),
            "agm" => StrategyConfig::from(AgmConfig::default()),
            "mla" => StrategyConfig::from(MlaConfig::default()),
            "mmpareto" => StrategyConfig::from(MmParetoConfig::default()),
            // MMCosine is joint training of a model with its own head.
            _ => StrategyConfig::from(Joint {}),
        }
    }

    fn train_state(&self, name: &str) -> TrainState<AnyModel> {
        let strategy = self.strategy(name);
        let unimodal_heads = strategy.wants_unimodal_heads();
        let model = self.model(name).build(&self.data, self.outputs, unimodal_heads, 0, &device());
        let model = model.unwrap_or_else(|e| panic!("{name}: {e}"));
        let strategy = strategy.build(model.modalities()).expect("the strategy fits");
        let sgd = OptimizerConfig::Sgd {
            lr: 2e-3,
            momentum: 0.9,
            weight_decay: 1e-4,
            nesterov: false,
            encoder_factor: 1.0.into(),
            encoder_weight_decay: None,
        };
        TrainState::new(model, sgd, strategy)
    }

    fn batch(&self) -> Batch {
        let input = |(i, spec): (usize, &ModalitySpec)| {
            let shape: Vec<usize> = std::iter::once(self.count).chain(spec.shape.iter().copied()).collect();
            let values = fill_f32(&format!("bench.{i}"), shape.iter().product(), 1.0);
            Input {
                array: Array::new(shape, values).expect("sized by its shape"),
                present: vec![true; self.count],
                lengths: None,
            }
        };
        Batch {
            ids: (0..self.count).map(|i| i.to_string()).collect(),
            inputs: self.data.iter().enumerate().map(input).collect(),
            targets: self.targets.clone(),
        }
    }
}

fn step<M: Model>(state: &mut TrainState<M>, inputs: &Inputs, task: &dyn Task) {
    let at = Position { epoch: 0, epochs: 1, batch: 0, batches: 1, seed: 0 };
    for phase in state.strategy.phases(at, state.model.modalities()) {
        let mut pass = ForwardContext::train(&mut state.buffers);
        let context = StepContext { model: &state.model, groups: &state.groups, inputs, task, at };
        let (gradients, _) =
            Cut.evaluate(context, &phase, state.strategy.as_mut(), &mut pass).expect("routing succeeds");
        let model = state.model.clone();
        state.model = state.optimizer.step(model, gradients, &state.groups, 1.0);
    }
    device().sync().expect("the device finishes the step");
}
