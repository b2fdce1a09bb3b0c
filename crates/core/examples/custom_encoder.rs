//! An encoder of one's own: a struct of settings, and the module that it builds.
//!
//! `cargo run --release --example custom_encoder`

use std::error::Error;

use burn::module::Module;
use burn::tensor::{Tensor, activation::tanh};
use counterpoint::catalog::Settings;
use counterpoint::input::Input;
use counterpoint::layer::{ForwardContext, Init, Linear};
use counterpoint::model::encoder::{Encoder, EncoderSettings, InputShape};
use counterpoint::model::{Boxed, LateFusionConfig};
use counterpoint::strategy::Dgl;
use counterpoint_batch::ModalitySpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

// The data and the training loop, which know nothing of encoders.
#[expect(dead_code, reason = "that example has a main of its own")]
mod dgl_on_arrays;

/// Settings of the encoder.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct TanhConfig {
    /// Width of the features.
    width: usize,
}

impl Settings for TanhConfig {
    const NAME: &'static str = "tanh";
    const SUMMARY: &'static str = "one linear layer with tanh";
}

impl EncoderSettings for TanhConfig {
    fn takes(&self) -> &'static [InputShape] {
        &[InputShape::Vector]
    }

    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, counterpoint::Error> {
        // Each layer's initial values depend on its name and the seed, on nothing else.
        Ok(Boxed::new(Tanh { layer: Linear::new(data.shape[0], self.width, &init.part("layer")) }))
    }
}

/// `tanh(W x + b)`: Burn's `Module` finds the parameters.
#[derive(Module, Debug)]
struct Tanh {
    layer: Linear,
}

impl Encoder for Tanh {
    fn forward(&self, input: &Input, _: &mut ForwardContext<'_>) -> Tensor<2> {
        tanh(self.layer.forward(input.tensor()))
    }

    fn width(&self) -> usize {
        self.layer.outputs()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let model = LateFusionConfig { encoder: TanhConfig { width: 16 }.into(), ..Default::default() };
    dgl_on_arrays::train(&model, Box::new(Dgl::default()))
}
