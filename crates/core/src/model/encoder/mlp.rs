//! A multilayer perceptron as encoder.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoder, EncoderSettings, InputShape, Stages, Stream, positive};
use crate::Error;
use crate::input::Input;
use crate::layer::{ForwardContext, Init, Linear};
use crate::model::Boxed;

/// Linear layers, each followed by ReLU, on the flattened input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MlpConfig {
    /// Width of each layer, each at least 1; the last is the width of the features.
    pub widths: Vec<usize>,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self { widths: vec![128, 64] }
    }
}

impl Settings for MlpConfig {
    const NAME: &'static str = "mlp";
    const SUMMARY: &'static str = "linear layers with ReLU; vectors, and anything else flattened";
}

impl EncoderSettings for MlpConfig {
    fn takes(&self) -> &'static [InputShape] {
        InputShape::ALL
    }

    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        positive(Self::NAME, "widths", &self.widths)?;
        Ok(Boxed::new(Mlp::new(data.shape.iter().product(), &self.widths, init)))
    }
}

/// Linear layers, each followed by ReLU, on the flattened input.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// One layer for each entry of `widths`, which must not be empty.
    pub fn new(inputs: usize, widths: &[usize], init: &Init) -> Self {
        let from = std::iter::once(&inputs).chain(widths);
        let layers = from
            .zip(widths)
            .enumerate()
            .map(|(i, (&from, &to))| Linear::new(from, to, &init.part(format_args!("layers.{i}"))))
            .collect();
        Self { layers }
    }
}

/// Every layer is a stage; a vector is a map of one position.
impl Stages for Mlp {
    fn enter(&self, input: &Input, _pass: &mut ForwardContext<'_>) -> Stream {
        let batch = input.shape()[0] as i64;
        Stream { maps: input.flat().reshape([batch, -1, 1, 1]), frames: 1 }
    }

    fn stage(&self, number: usize, maps: Tensor<4>, _pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let [batch, inputs, ..] = maps.dims();
        let layer = &self.layers[number - 1];
        layer.rectified(maps.reshape([batch, inputs])).reshape([batch, layer.outputs(), 1, 1])
    }

    fn stages(&self) -> usize {
        self.layers.len()
    }

    fn channels(&self, number: usize) -> usize {
        self.layers[number - 1].outputs()
    }

    fn truncate(&mut self, number: usize) {
        self.layers.truncate(number);
    }
}
