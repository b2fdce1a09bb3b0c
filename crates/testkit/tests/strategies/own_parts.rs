//! Parts of another crate: named in a configuration, trained, stopped, resumed.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::relu};
use counterpoint::Error;
use counterpoint::catalog::{Catalog, Kind, Settings};
use counterpoint::feature::Vectors;
use counterpoint::input::Input;
use counterpoint::layer::{BatchNorm, Conv2d, Dropout, ForwardContext, Init, Linear};
use counterpoint::model::encoder::{Encoder, EncoderSettings, InputShape};
use counterpoint::model::fusion::{Fusion, FusionFacts, FusionSettings, Output, Read};
use counterpoint::model::head::{Head, HeadFacts, HeadSettings};
use counterpoint::model::{Boxed, LateFusionConfig, Model, ModelConfig};
use counterpoint::strategy::StrategyConfig;
use counterpoint::train::{Checkpoint, OptimizerConfig, Outcome, Progress, TrainState};
use counterpoint_batch::ModalitySpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{CLASSES, Run, values};
use crate::training::scratch;

/// A vector as a line of pixels: convolution, batch norm, dropout, mean, and a
/// scale for each channel.
#[derive(Module, Debug)]
struct Line {
    layers: Vec<(Conv2d, BatchNorm)>,
    dropout: Dropout,
    scale: Param<Tensor<1>>,
}

/// Settings of [`Line`].
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct LineConfig {
    /// Channels of both layers.
    channels: usize,
}

impl Settings for LineConfig {
    const NAME: &'static str = "line";
    const SUMMARY: &'static str = "a vector as a line of pixels";
}

impl EncoderSettings for LineConfig {
    fn takes(&self) -> &'static [InputShape] {
        &[InputShape::Vector]
    }

    fn build(&self, _: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        let layer = |(i, from): (usize, usize)| {
            let init = init.part(format_args!("layers.{i}"));
            let conv = Conv2d::new([from, self.channels], 3, 1, 1, &init.part("0"));
            (conv, BatchNorm::new(self.channels, &init.part("1")))
        };
        Ok(Boxed::new(Line {
            layers: [1, self.channels].into_iter().enumerate().map(layer).collect(),
            dropout: Dropout::new(0.2, &init.part("dropout")),
            scale: init.normal("scale", [self.channels], 1.0),
        }))
    }
}

impl Encoder for Line {
    fn forward(&self, input: &Input, pass: &mut ForwardContext<'_>) -> Tensor<2> {
        let x = input.tensor::<2>();
        let [batch, width] = x.dims();
        let mut x = x.reshape([batch, 1, 1, width]);
        for (conv, norm) in &self.layers {
            x = relu(norm.forward(conv.forward(x), pass));
        }
        let mean = x.mean_dim(3).reshape([batch, self.width()]);
        self.dropout.forward(mean, pass) * self.scale.val().unsqueeze()
    }

    fn width(&self) -> usize {
        self.scale.dims()[0]
    }
}

/// The mean of the features that are there, each through a layer of its own.
#[derive(Module, Debug)]
struct Average {
    layers: Vec<Linear>,
}

/// Settings of [`Average`].
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct AverageConfig {}

impl Settings for AverageConfig {
    const NAME: &'static str = "average";
    const SUMMARY: &'static str = "the mean of projected features";
}

impl FusionSettings for AverageConfig {
    fn build(&self, widths: &[usize], _: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        let layer = |(i, &from)| Linear::new(from, 4, &init.part(format_args!("layers.{i}")));
        Ok(Boxed::new(Average { layers: widths.iter().enumerate().map(layer).collect() }))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: true }
    }
}

impl Fusion for Average {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let there = self.layers.iter().zip(features).filter_map(|(layer, z)| Some(layer.forward(z.clone()?)));
        let there: Vec<Tensor<2>> = there.collect();
        let count = there.len() as f64;
        head(there.into_iter().reduce(|a, b| a + b).unwrap().div_scalar(count))
    }

    fn width(&self) -> usize {
        4
    }
}

/// Scores without a bias.
#[derive(Module, Debug)]
struct Bare {
    layer: Linear,
}

/// Settings of [`Bare`].
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct BareConfig {}

impl Settings for BareConfig {
    const NAME: &'static str = "bare";
    const SUMMARY: &'static str = "one linear layer without bias";
}

impl HeadSettings for BareConfig {
    fn build(&self, parts: &[usize], outputs: usize, init: &Init) -> Result<Boxed<dyn Head>, Error> {
        Ok(Boxed::new(Bare { layer: Linear::without_bias(parts.iter().sum(), outputs, init) }))
    }

    fn facts(&self) -> HeadFacts {
        HeadFacts { additive: true, linear: true, tells_apart: false }
    }
}

impl Head for Bare {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.layer.forward(x)
    }
}

fn with_own<T>(work: impl FnOnce() -> T) -> T {
    let encoders = <dyn EncoderSettings>::built_in().with::<LineConfig>();
    let fusions = <dyn FusionSettings>::built_in().with::<AverageConfig>();
    let heads = <dyn HeadSettings>::built_in().with::<BareConfig>();
    encoders.during(|| fusions.during(|| heads.during(work)))
}

const CONFIGURATION: &str = r#"{
    "name": "late-fusion",
    "encoder": { "name": "line", "channels": 5 },
    "fusion": { "name": "average" },
    "head": { "name": "bare" }
}"#;

fn read() -> Result<ModelConfig, String> {
    serde_json::from_str(CONFIGURATION).map_err(|e| e.to_string())
}

fn train_state(run: &Run) -> TrainState<impl Model + use<>> {
    let config = with_own(read).unwrap();
    let model = config.build(&run.train.spec, CLASSES, false, 1, &Device::flex()).unwrap();
    let optimizer: OptimizerConfig = serde_json::from_str(r#"{"name": "adam", "lr": 0.01}"#).unwrap();
    let strategy: StrategyConfig = serde_json::from_str(r#"{"name": "dgl"}"#).unwrap();
    TrainState::new(model, optimizer, strategy.build(&run.names()).unwrap())
}

#[test]
fn a_configuration_names_parts_of_another_crate_and_is_written_as_it_was_read() {
    let unknown = read().unwrap_err();
    assert!(unknown.contains("unknown encoder `line`"), "{unknown}");
    let config = with_own(read).unwrap();
    let settings = config.get::<LateFusionConfig>().unwrap();
    assert_eq!(settings.encoder.get::<LineConfig>(), Some(&LineConfig { channels: 5 }));
    assert!(!config.facts().additive);
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(with_own(|| serde_json::from_str::<ModelConfig>(&written)).unwrap(), config);
    let wrong = written.replace("\"channels\"", "\"chanels\"");
    let refused = with_own(|| serde_json::from_str::<ModelConfig>(&wrong)).unwrap_err().to_string();
    assert!(
        refused.contains("unknown key `chanels` of encoder `line`, did you mean `channels`?"),
        "{refused}"
    );
    assert_eq!(Catalog::<dyn EncoderSettings>::current().entries().len(), 5, "the catalogue is back");
}

#[test]
fn encoder_fusion_and_head_of_another_crate_resume_bit_for_bit() {
    let run = Run::new(2, 4, true);
    let mut whole = train_state(&run);
    let before = values(&whole);
    let names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
    let of = |m: &str| {
        ["layers.0.0.weight", "layers.0.1.weight", "layers.0.1.bias"]
            .into_iter()
            .chain(["layers.1.0.weight", "layers.1.1.weight", "layers.1.1.bias", "scale"])
            .map(|name| format!("encoder.{m}.{name}"))
            .collect::<Vec<_>>()
    };
    let rest = ["fusion.layers.0.weight", "fusion.layers.0.bias", "fusion.layers.1.weight"];
    let rest = rest.into_iter().chain(["fusion.layers.1.bias", "head.layer.weight"]).map(str::to_owned);
    assert_eq!(names, of("m0").into_iter().chain(of("m1")).chain(rest).collect::<Vec<_>>());
    run.go(&mut whole, Progress::default(), 0, None).unwrap();
    let after = values(&whole);
    for (a, b) in before.iter().zip(&after) {
        assert!(a.1 != b.1 && b.1.iter().all(|v| v.is_finite()), "{} never moved", a.0);
    }
    assert_eq!(whole.buffers.iter().count(), 4, "two batch norms in each encoder");
    let folder = scratch("own_parts");
    let mut first = train_state(&run);
    assert_eq!(run.go(&mut first, Progress::default(), 6, Some(&folder)).unwrap(), Outcome::Interrupted);
    let checkpoint = Checkpoint::read(&folder.join("last.safetensors")).unwrap();
    let progress = checkpoint.progress.clone();
    let mut second = train_state(&run);
    checkpoint.restore(&mut second, &Device::flex(), true).unwrap();
    run.go(&mut second, progress, 0, Some(&folder)).unwrap();
    assert_eq!(values(&second), after);
    assert_eq!(statistics(&second), statistics(&whole));
    std::fs::remove_dir_all(folder).unwrap();
}

fn statistics<M: Model>(state: &TrainState<M>) -> Vec<(u64, Vec<f32>, Vec<f32>)> {
    let host = counterpoint::host::host;
    let all = state.buffers.iter();
    all.map(|(id, _, running)| (id.val(), host(running.mean.clone()), host(running.variance.clone())))
        .collect()
}
