//! Every encoder takes what it says, learns as a whole, and is the sum of its stages.

use burn::tensor::Device;
use counterpoint::catalog::{Catalog, Kind, Settings};
use counterpoint::grad::PerRow;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext, Init};
use counterpoint::math::random::Random;
use counterpoint::modality::Modality;
use counterpoint::model::encoder::{EncoderConfig, InputShape};
use counterpoint::model::fusion::{Fusion, FusionFacts, FusionSettings, Output};
use counterpoint::model::{Boxed, ExchangeConfig, LateFusionConfig, Model, ModelSettings, StagedConfig};
use counterpoint::strategy::Joint;
use counterpoint::task::Classification;
use counterpoint_batch::{Array, Batch, Input as Column, ModalitySpec, Targets};
use counterpoint_testkit::conformance::{encoders, norm, parts, staged, untested};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fixture::step_by;

/// Samples of a shape, three of them.
fn samples(shape: InputShape) -> (ModalitySpec, Inputs) {
    let sides: &[usize] = match shape {
        InputShape::Vector => &[7],
        InputShape::Tokens => &[5],
        InputShape::Sequence => &[5, 3],
        InputShape::Image => &[2, 33, 40],
        InputShape::Frames => &[2, 3, 33, 36],
    };
    let spec = ModalitySpec::new("x", sides);
    let tokens = shape == InputShape::Tokens;
    let spec = if tokens { spec.with_vocabulary(9) } else { spec };
    let mut random = Random::new(5, &["samples"]);
    let mut value = || if tokens { (random.uniform() * 9.0).floor() } else { random.normal() };
    let values = (0..3 * sides.iter().product::<usize>()).map(|_| value() as f32).collect();
    let array = Array::new([&[3], sides].concat(), values).unwrap();
    let batch = Batch {
        ids: (0..3).map(|i| i.to_string()).collect(),
        inputs: vec![Column { array, present: vec![true; 3], lengths: None }],
        targets: Targets::Classes(vec![0, 1, 2]),
    };
    (spec, Inputs::new(batch, &Device::flex()))
}

fn each(check: impl Fn(&EncoderConfig, &ModalitySpec, &Inputs)) {
    for config in encoders() {
        for &shape in config.takes() {
            let (spec, inputs) = samples(shape);
            check(&config, &spec, &inputs);
        }
    }
}

#[test]
fn every_parameter_of_every_encoder_learns() {
    each(|encoder, spec, inputs| {
        let config = LateFusionConfig { encoder: encoder.clone(), ..LateFusionConfig::default() };
        let model = config.build(std::slice::from_ref(spec), 3, false, 1, &Device::flex()).unwrap();
        let gradients = step_by(&PerRow, &model, inputs, &Classification::new(3), &mut Joint {}).gradients;
        for p in model.groups().parameters() {
            let learns = gradients.get(&p.name).is_some_and(|g| norm(g) > 1e-9);
            // A sequence of one step has no earlier one whose state could be read.
            let idle = spec.shape.len() == 1 && spec.vocabulary.is_none() && p.name.contains("weight_hh");
            assert_ne!(learns, idle, "{encoder:?} on {spec:?}: `{}`", p.name);
        }
    });
}

#[test]
fn an_encoder_is_as_wide_as_it_says_and_its_stages_make_the_same_features() {
    let mut staged = 0;
    each(|encoder, spec, inputs| {
        let init = Init::new(2, &Device::flex());
        let built = encoder.encoder(spec, &init).unwrap();
        let (input, mut buffers) = (inputs.get(Modality(0)).unwrap(), Buffers::default());
        let features = built.forward(input, &mut ForwardContext::train(&mut buffers));
        assert_eq!(features.dims(), [3, built.width()], "{encoder:?} on {spec:?}");
        let Some(stages) = built.clone().into_inner().into_stages() else {
            assert!(encoder.stages(spec, &init).unwrap_err().to_string().contains("has no stages"));
            return;
        };
        let pass = &mut ForwardContext::train(&mut buffers);
        let mut stream = stages.enter(input, pass);
        for number in 1..=stages.stages() {
            stream.maps = stages.stage(number, stream.maps, pass);
            assert_eq!(stream.maps.dims()[1], stages.channels(number), "{encoder:?}");
        }
        assert_eq!(host(stream.mean().inner()), host(features.inner()), "{encoder:?} on {spec:?}");
        let mut lower = stages.clone();
        lower.truncate(1);
        assert_eq!((lower.stages(), stages.stages() > 1), (1, true), "{encoder:?}");
    });
    for config in encoders() {
        let (spec, _) = samples(config.takes()[0]);
        staged += usize::from(config.stages(&spec, &Init::new(2, &Device::flex())).is_ok());
    }
    assert_eq!(staged, 4, "both ResNets, conv-net and MLP");
}

#[test]
fn what_an_encoder_does_not_take_is_refused_by_name() {
    for config in encoders() {
        for &shape in InputShape::ALL.iter().filter(|shape| !config.takes().contains(shape)) {
            let (spec, _) = samples(shape);
            let error = config.encoder(&spec, &Init::new(0, &Device::flex())).unwrap_err().to_string();
            let shape = format!("{:?}", spec.shape);
            assert!(error.contains(config.name()) && error.contains(&shape), "{error}");
        }
    }
}

/// A fusion that cannot be built from its defaults, because it has none.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Demanding {
    /// What it demands.
    width: usize,
}

impl Settings for Demanding {
    const NAME: &'static str = "demanding";
    const SUMMARY: &'static str = "has no defaults";
}

impl FusionSettings for Demanding {
    fn build(&self, _: &[usize], _: usize, _: &Init) -> Result<Boxed<dyn Fusion>, counterpoint::Error> {
        Err(counterpoint::Error::config("never built"))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: true }
    }
}

#[test]
fn no_part_of_a_catalogue_is_forgotten() {
    let fusions = || parts().into_iter().map(|parts| parts.fusion).collect::<Vec<_>>();
    assert_eq!(untested(&fusions()), [""; 0]);
    assert_eq!(untested(&parts().into_iter().map(|parts| parts.head).collect::<Vec<_>>()), [""; 0]);
    assert_eq!(untested(&encoders()), [""; 0]);
    let exchange = |model: counterpoint::model::ModelConfig| -> ExchangeConfig {
        model.get::<StagedConfig>().unwrap().exchange.clone()
    };
    assert_eq!(untested(&staged().into_iter().map(exchange).collect::<Vec<_>>()), [""; 0]);
    let cube = |model: counterpoint::model::ModelConfig| {
        model.get::<counterpoint::model::CubeMlpConfig>().unwrap().encoder.clone()
    };
    let cubes = counterpoint_testkit::conformance::cubes();
    assert_eq!(untested(&cubes.into_iter().map(cube).collect::<Vec<_>>()), [""; 0]);
    // A part that nobody thought of is noticed.
    let more: Catalog<dyn FusionSettings> = <dyn FusionSettings>::built_in().with::<Demanding>();
    assert_eq!(more.during(|| untested(&fusions())), ["demanding"]);
}
