//! An encoder: one layer with tanh.

use burn::module::Module;
use burn::tensor::{Tensor, activation::tanh};
use counterpoint::Error;
use counterpoint::catalog::Settings;
use counterpoint::input::Input;
use counterpoint::layer::{ForwardContext, Init, Linear};
use counterpoint::model::Boxed;
use counterpoint::model::encoder::{Encoder, EncoderSettings, InputShape};
use counterpoint_batch::ModalitySpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TanhConfig {
    /// Width of the features.
    #[schemars(range(min = 1))]
    width: usize,
}

impl Settings for TanhConfig {
    const NAME: &'static str = "tanh";
    const SUMMARY: &'static str = "one linear layer with tanh";
}

impl EncoderSettings for TanhConfig {
    fn takes(&self) -> &'static [InputShape] {
        InputShape::ALL
    }

    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        let layer = Linear::new(data.shape.iter().product(), self.width, &init.part("layer"));
        Ok(Boxed::new(Tanh { layer }))
    }
}

#[derive(Module, Debug)]
struct Tanh {
    layer: Linear,
}

impl Encoder for Tanh {
    fn forward(&self, input: &Input, _: &mut ForwardContext<'_>) -> Tensor<2> {
        tanh(self.layer.forward(input.flat().reshape([input.shape()[0] as i64, -1])))
    }

    fn width(&self) -> usize {
        self.layer.outputs()
    }
}
