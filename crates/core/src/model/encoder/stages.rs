//! Encoders in stages, between which streams can exchange.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use super::Encoder;
use crate::engine::{self, Arithmetic};
use crate::input::Input;
use crate::layer::ForwardContext;
use crate::model::parts::boxed;
use crate::model::{Boxed, Erased};

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
        if self.frames == 1 {
            return engine::mean(self.maps.clone(), Arithmetic::chosen());
        }
        // One mean over frames and space: all frames have maps of one size.
        let flat = self.maps.clone().reshape([images / self.frames, self.frames, channels, h * w]);
        flat.mean_dim(3).mean_dim(1).reshape([images / self.frames, channels])
    }

    /// Multiplies every position of every frame by a number for its sample and
    /// channel, `[samples, channels]`.
    #[must_use]
    pub fn gated(self, gates: Tensor<2>) -> Self {
        let maps = engine::gate(self.maps, gates, None, Arithmetic::chosen());
        Self { maps, ..self }
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

/// An encoder whose layers come in stages. Streams can exchange after any of
/// them. As an [`Encoder`] it is averaged over frames and space after the last.
pub trait Stages: Erased {
    /// What enters stage 1: the input after the stem, if there is one.
    fn enter(&self, input: &Input, pass: &mut ForwardContext<'_>) -> Stream;

    /// Runs one stage; the first has number 1.
    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4>;

    /// Number of stages, without the stem.
    fn stages(&self) -> usize;

    /// Channels after a stage.
    fn channels(&self, number: usize) -> usize;

    /// Drops the stages after the given one.
    fn truncate(&mut self, number: usize);

    /// Runs the stages of the given numbers.
    fn run(
        &self,
        numbers: std::ops::RangeInclusive<usize>,
        stream: Stream,
        pass: &mut ForwardContext<'_>,
    ) -> Stream {
        let Stream { maps, frames } = stream;
        Stream { maps: numbers.fold(maps, |maps, number| self.stage(number, maps, pass)), frames }
    }
}

boxed!(Stages);

/// As a whole, an encoder in stages runs all of them.
impl<S: Stages + Module + ModuleDisplay + 'static> Encoder for S {
    fn forward(&self, input: &Input, pass: &mut ForwardContext<'_>) -> Tensor<2> {
        let stream = self.enter(input, pass);
        self.run(1..=self.stages(), stream, pass).mean()
    }

    fn width(&self) -> usize {
        self.channels(self.stages())
    }

    fn into_stages(self: Box<Self>) -> Option<Boxed<dyn Stages>> {
        Some(Boxed::new(*self))
    }
}
