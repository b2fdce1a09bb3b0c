//! Models with data that they fit.

use counterpoint::model::encoder::{BlockKind, ConvNetConfig, EncoderConfig, MlpConfig, ResNet18Config};
use counterpoint::model::esanet::EsaNetConfig;
use counterpoint::model::fusion::{Combine, ConcatConfig, EnsembleConfig, FusionConfig};
use counterpoint::model::head::{CosineHeadConfig, HeadConfig, LinearHeadConfig};
use counterpoint::model::{AnyModel, CubeMlpConfig, LateFusionConfig, Model, ModelConfig, StagedConfig};
use counterpoint::strategy::{
    AgmConfig, Dgl, GBlendConfig, Joint, MlaConfig, MmParetoConfig, OgmConfig, Scores, StrategyConfig,
};
use counterpoint::task::{Classification, Regression, Segmentation, Task};
use counterpoint::train::{OptimizerConfig, TrainState};
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};
use counterpoint_testkit::device::device;
use counterpoint_testkit::fill::fill_f32;

pub const CASES: [&str; 6] = ["small", "resnet18", "mmtm", "esanet", "mlp", "cube"];
pub const STRATEGIES: [&str; 10] =
    ["joint", "dgl", "uniloss", "gblend", "mmcosine", "ogm", "ogm-ge", "agm", "mla", "mmpareto"];

/// A model with data that it fits.
pub struct Case {
    pub name: &'static str,
    pub what: &'static str,
    pub count: usize,
    pub rounds: usize,
    data: Vec<ModalitySpec>,
    outputs: usize,
    pub task: Box<dyn Task>,
    targets: Targets,
    pub strategies: Vec<&'static str>,
}

impl Case {
    pub fn named(name: &'static str) -> Self {
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
            "mlp" => {
                let data = [300, 74, 35].into_iter().zip(["text", "audio", "video"]);
                let data = data.map(|(width, name)| ModalitySpec::new(name, [width])).collect();
                of_classes("late fusion of perceptrons", 64, 200, data, late())
            }
            "cube" => {
                let (count, length) = (32, 50);
                let data = [300, 74, 35].into_iter().zip(["text", "audio", "video"]);
                Self {
                    name,
                    what: "CubeMLP with GRUs, 50 steps",
                    count,
                    rounds: 20,
                    data: data.map(|(width, name)| ModalitySpec::new(name, [length, width])).collect(),
                    outputs: 1,
                    task: Box::new(Regression::default()),
                    targets: Targets::Values((0..count).map(|i| i as f32 / 16.0 - 1.0).collect()),
                    strategies: vec!["joint", "dgl", "uniloss"],
                }
            }
            _ => of_classes("late fusion of small convnets", 64, 40, two([1, 64, 32], [1, 28, 28]), late()),
        }
    }

    /// The same with this many samples, if their targets are classes.
    pub fn with_batch(self, count: usize) -> Self {
        match self.targets {
            Targets::Classes(_) => {
                Self { count, targets: Targets::Classes((0..count).map(|i| i % 10).collect()), ..self }
            }
            _ => self,
        }
    }

    /// The same with this many modalities, which take turns to be like the first ones.
    ///
    /// # Panics
    /// If the model has a fixed number of them.
    pub fn with_modalities(self, count: usize) -> Self {
        assert!(["small", "resnet18", "mlp"].contains(&self.name), "{} has its own modalities", self.name);
        let like =
            |i: usize| ModalitySpec::new(format!("m{i}"), self.data[i % self.data.len()].shape.clone());
        Self { data: (0..count).map(like).collect(), ..self }
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
            "cube" => ModelConfig::new(CubeMlpConfig::default()),
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
                let encoder = match name {
                    "resnet18" => resnet,
                    "mlp" => EncoderConfig::new(MlpConfig { widths: vec![512, 256] }),
                    _ => small,
                };
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
                ..Dgl::default()
            })
        };
        let late = ["small", "resnet18", "mlp"].contains(&self.name);
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

    pub fn train_state(&self, name: &str) -> TrainState<AnyModel> {
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

    pub fn batch(&self) -> Batch {
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
