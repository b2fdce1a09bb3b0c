//! Encoders in stages, between which streams can exchange.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;

use super::{AnyEncoder, ConvNet, EncoderConfig, Mlp, ResNet};
use crate::Error;
use crate::input::Input;
use crate::layer::{Init, Pass};

/// Maps of a stream somewhere inside its encoder.
///
/// Frames stay folded into the batch, as an image network sees them. Where
/// streams meet, a sample is all of its frames: means are over frames and
/// space, and what comes back is applied to every frame alike.
#[derive(Clone, Debug)]
pub struct Stream {
    /// `[samples * frames, channels, h, w]`, the frames of a sample side by side.
    pub maps: Tensor<4>,
    /// Frames of a sample; 1 for images and spectrograms.
    pub frames: usize,
}

impl Stream {
    /// Images `[batch, channels, h, w]` or frames `[batch, channels, frames, h, w]`.
    pub fn of(input: &Input) -> Self {
        match *input.shape() {
            [_, _, frames, _, _] => {
                let x = input.tensor::<5>().swap_dims(1, 2); // [batch, frames, channels, h, w]
                let [batch, _, channels, h, w] = x.dims();
                Self { maps: x.reshape([batch * frames, channels, h, w]), frames }
            }
            _ => Self { maps: input.tensor::<4>(), frames: 1 },
        }
    }

    /// The mean over frames and space, `[samples, channels]`.
    pub fn mean(&self) -> Tensor<2> {
        let [images, channels, h, w] = self.maps.dims();
        // One mean over frames and space: all frames have maps of one size.
        let flat = self.maps.clone().reshape([images / self.frames, self.frames, channels, h * w]);
        flat.mean_dim(3).mean_dim(1).reshape([images / self.frames, channels])
    }

    /// Combines every position of every frame with a number for its sample and
    /// channel, `[samples, channels]`.
    #[must_use]
    pub fn with(self, numbers: Tensor<2>, combine: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<4>) -> Self {
        let [images, channels, h, w] = self.maps.dims();
        let (samples, frames) = (images / self.frames, self.frames);
        let maps = self.maps.reshape([samples, frames, channels, h * w]);
        let maps = combine(maps, numbers.reshape([samples, 1, channels, 1]));
        Self { maps: maps.reshape([images, channels, h, w]), frames }
    }
}

/// An encoder whose layers come in stages. Streams can exchange after any of them.
pub trait Stages: Module + ModuleDisplay {
    /// What enters stage 1: the input behind the stem, if there is one.
    fn enter(&self, input: &Input, pass: &mut Pass<'_>) -> Stream;

    /// Runs one stage; the first has number 1.
    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4>;

    /// Number of stages, without the stem.
    fn stages(&self) -> usize;

    /// Channels behind a stage.
    fn channels(&self, number: usize) -> usize;

    /// The encoder without the stages behind the given one.
    #[must_use]
    fn truncated(self, number: usize) -> Self;

    /// Runs the stages of the given numbers.
    fn run(&self, numbers: std::ops::RangeInclusive<usize>, stream: Stream, pass: &mut Pass<'_>) -> Stream {
        let Stream { maps, frames } = stream;
        Stream { maps: numbers.fold(maps, |maps, number| self.stage(number, maps, pass)), frames }
    }

    /// Runs everything and averages the last maps over frames and space.
    ///
    /// # Shapes
    /// To `[batch, channels of the last stage]`.
    fn through(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2> {
        let stream = self.enter(input, pass);
        self.run(1..=self.stages(), stream, pass).mean()
    }
}

/// The encoders in stages that a configuration can name.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per modality")]
pub enum AnyStages {
    /// See [`ResNet`].
    ResNet(ResNet),
    /// See [`ConvNet`].
    ConvNet(ConvNet),
    /// See [`Mlp`].
    Mlp(Mlp),
}

impl EncoderConfig {
    /// Builds the encoder for streams that meet between its stages.
    ///
    /// # Errors
    /// As [`Self::build`], and if the encoder has no stages.
    pub fn build_stages(&self, data: &ModalitySpec, init: &Init) -> Result<AnyStages, Error> {
        match self.build(data, init)? {
            AnyEncoder::ResNet(e) => Ok(AnyStages::ResNet(e)),
            AnyEncoder::ConvNet(e) => Ok(AnyStages::ConvNet(e)),
            AnyEncoder::Mlp(e) => Ok(AnyStages::Mlp(e)),
            AnyEncoder::Sequence(_) => Err(Error::config(
                "encoder `sequence` has no stages between which streams could exchange; \
                 use resnet18, conv-net or mlp",
            )),
        }
    }
}

/// Runs one expression on whatever encoder it is.
macro_rules! on_each {
    ($any:expr, $e:ident => $run:expr) => {
        match $any {
            AnyStages::ResNet($e) => $run,
            AnyStages::ConvNet($e) => $run,
            AnyStages::Mlp($e) => $run,
        }
    };
}

impl Stages for AnyStages {
    fn enter(&self, input: &Input, pass: &mut Pass<'_>) -> Stream {
        on_each!(self, e => e.enter(input, pass))
    }

    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        on_each!(self, e => e.stage(number, maps, pass))
    }

    fn stages(&self) -> usize {
        on_each!(self, e => e.stages())
    }

    fn channels(&self, number: usize) -> usize {
        on_each!(self, e => e.channels(number))
    }

    fn truncated(self, number: usize) -> Self {
        match self {
            Self::ResNet(e) => Self::ResNet(e.truncated(number)),
            Self::ConvNet(e) => Self::ConvNet(e.truncated(number)),
            Self::Mlp(e) => Self::Mlp(e.truncated(number)),
        }
    }
}
