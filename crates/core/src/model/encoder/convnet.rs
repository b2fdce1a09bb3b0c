//! A compact convolutional encoder.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoder, EncoderSettings, InputShape, Stages, Stream, positive};
use crate::Error;
use crate::input::Input;
use crate::layer::{BatchNorm, Conv2d, ForwardContext, Init};
use crate::model::Boxed;

/// 3x3 convolutions of stride 2 with batch norm and ReLU, then the mean over space and frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConvNetConfig {
    /// Output channels of each layer, each at least 1; the last is the width of the features.
    pub channels: Vec<usize>,
}

impl Default for ConvNetConfig {
    fn default() -> Self {
        Self { channels: vec![16, 32, 64, 64] }
    }
}

impl Settings for ConvNetConfig {
    const NAME: &'static str = "conv-net";
    const SUMMARY: &'static str =
        "compact 3x3 stride-2 convolutions with batch norm; images, spectrograms and frames";
}

impl EncoderSettings for ConvNetConfig {
    fn takes(&self) -> &'static [InputShape] {
        &[InputShape::Image, InputShape::Frames]
    }

    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        positive(Self::NAME, "channels", &self.channels)?;
        Ok(Boxed::new(ConvNet::new(data.shape[0], &self.channels, init)))
    }
}

/// 3x3 convolutions of stride 2 without bias, each followed by batch norm and
/// ReLU; the mean over space (and frames) is the feature vector.
#[derive(Module, Debug)]
pub struct ConvNet {
    blocks: Vec<(Conv2d, BatchNorm)>,
}

impl ConvNet {
    /// One layer for each entry of `channels`, which must not be empty.
    pub fn new(inputs: usize, channels: &[usize], init: &Init) -> Self {
        let from = std::iter::once(&inputs).chain(channels);
        let blocks = from
            .zip(channels)
            .enumerate()
            .map(|(i, (&from, &to))| {
                let init = init.part(format_args!("blocks.{i}"));
                (Conv2d::new([from, to], 3, 2, 1, &init.part("0")), BatchNorm::new(to, &init.part("1")))
            })
            .collect();
        Self { blocks }
    }
}

/// Every layer is a stage.
impl Stages for ConvNet {
    fn enter(&self, input: &Input, _pass: &mut ForwardContext<'_>) -> Stream {
        Stream::of(input)
    }

    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let (conv, norm) = &self.blocks[number - 1];
        norm.rectified(conv.forward(maps), pass)
    }

    fn stages(&self) -> usize {
        self.blocks.len()
    }

    fn channels(&self, number: usize) -> usize {
        self.blocks[number - 1].1.weight.dims()[0]
    }

    fn truncate(&mut self, number: usize) {
        self.blocks.truncate(number);
    }
}
