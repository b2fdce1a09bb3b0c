//! Features of a torchvision ResNet-18 from its file, to compare with torch's.
//!
//! `features FILE` prints the 512 numbers, one a line, of one picture
//! `cos(0.37 i)` of 3 x 224 x 224 in evaluation mode.

use std::path::Path;

use burn::tensor::Device;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::ForwardContext;
use counterpoint::modality::{Modalities, Modality};
use counterpoint::model::encoder::{EncoderConfig, ResNet18Config};
use counterpoint::model::{LateFusionConfig, Model as _, ModelConfig};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Joint, StrategyConfig};
use counterpoint::train::{OptimizerConfig, TrainState};
use counterpoint::weights;
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};

#[expect(clippy::print_stdout, reason = "a command")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("usage: features FILE")?;
    let device = Device::flex();
    let encoder =
        EncoderConfig::new(ResNet18Config { width: 64, stem: 7, pretrained: None, pretrained_prefix: None });
    let config = ModelConfig::new(LateFusionConfig { encoder, ..LateFusionConfig::default() });
    let shape = [3, 224, 224];
    let model = config.build(&[ModalitySpec::new("picture", shape)], 2, false, 0, &device)?;
    let strategy = StrategyConfig::from(Joint {}).build(&Modalities::new(["picture"])?)?;
    let optimizer: OptimizerConfig = serde_json::from_str(r#"{"name": "sgd", "lr": 0.1}"#)?;
    let mut state = TrainState::new(model, optimizer, strategy);
    state.start_from(Modality(0), &weights::read(Path::new(&file))?, None)?;

    let values = (0..shape.iter().product()).map(|i: usize| (i as f32 * 0.37).cos()).collect();
    let array = Array::new([&[1], &shape[..]].concat(), values)?;
    let picture = Input { array, present: vec![true], lengths: None };
    let batch = Batch { ids: vec!["0".into()], inputs: vec![picture], targets: Targets::Classes(vec![0]) };
    let pass = &mut ForwardContext::eval(&state.buffers);
    let inputs = Inputs::new(batch, &device);
    let scored = state.frozen().forward(&[(LossTerm::Fused, vec![0])], &inputs, pass).remove(0);
    for value in host(scored.features[0].clone().ok_or("the term has the picture")?) {
        println!("{value:e}");
    }
    Ok(())
}
