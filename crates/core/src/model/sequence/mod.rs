//! Sequences: steps with a true length, and encoders from sequence to sequence.

mod config;
mod encoder;
mod gru;
mod linear;
mod transformer;

pub use config::SequenceSettings;
pub use encoder::SequenceEncoder;

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint_catalog::Chosen;

use crate::layer::ForwardContext;
use crate::model::Erased;
use crate::model::parts::{boxed, parts};

parts! {
    SequenceSettings, "sequence-encoder":
    linear::LinearStepsConfig,
    gru::GruConfig,
    transformer::TransformerConfig,
}

/// The network over the steps of a sequence that a configuration names.
pub type SequenceConfig = Chosen<dyn SequenceSettings>;

/// A network from steps to steps; it is a [`Module`](burn::module::Module), too.
pub trait Steps: Erased {
    /// # Shapes
    /// `[batch, length, inputs]` to `[batch, length, width]`.
    fn forward(&self, sequence: &Sequence, pass: &ForwardContext<'_>) -> Tensor<3>;
}

boxed!(Steps);

/// A batch of sequences of different lengths, padded at the end.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// `[batch, length, channels]`.
    pub steps: Tensor<3>,
    /// Steps of each sample that are real; at least 1.
    pub lengths: Vec<usize>,
}

impl Sequence {
    /// 1 for real steps, 0 for padding, `[batch, length]`.
    pub fn mask(&self) -> Tensor<2> {
        self.flags(|_| 1.0, 0.0, &self.steps.device())
    }

    /// The share of a real step in the mean over a sequence, 0 for padding, `[batch, length]`.
    pub fn shares(&self) -> Tensor<2> {
        self.flags(|end| 1.0 / end as f32, 0.0, &self.steps.device())
    }

    /// What is added to the scores of keys so that padding draws no attention, `[batch, length]`.
    fn allowed(&self) -> Option<Tensor<2>> {
        let length = self.steps.dims()[1];
        let ragged = self.lengths.iter().any(|end| *end < length);
        ragged.then(|| self.flags(|_| 0.0, -1e9, &self.steps.device()))
    }

    fn flags(&self, real: impl Fn(usize) -> f32, padding: f32, device: &Device) -> Tensor<2> {
        let [batch, length, _] = self.steps.dims();
        let flags = self.lengths.iter().flat_map(|&end| {
            let value = real(end);
            (0..length).map(move |i| if i < end { value } else { padding })
        });
        Tensor::from_data(TensorData::new(flags.collect::<Vec<f32>>(), [batch, length]), device)
    }
}

/// The mean over real steps.
///
/// # Shapes
/// `[batch, length, channels]` and [`Sequence::shares`] to `[batch, channels]`.
pub fn mean(steps: Tensor<3>, shares: Tensor<2>) -> Tensor<2> {
    let [batch, length, channels] = steps.dims();
    (steps * shares.reshape([batch, length, 1])).sum_dim(1).reshape([batch, channels])
}
