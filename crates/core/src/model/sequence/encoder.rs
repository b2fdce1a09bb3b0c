//! From one modality's input to a sequence of features.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::{Sequence, Steps, mean};
use crate::input::Input;
use crate::layer::{Dropout, Embedding, ForwardContext, LayerNorm};
use crate::model::Boxed;
use crate::model::encoder::{Encoder, InputShape};

/// Optional embedding of token ids, a network over the steps, optional layer
/// norm and ReLU, dropout; padding comes out as zeros.
///
/// An input without a length axis is a sequence of one step.
#[derive(Module, Debug)]
pub struct SequenceEncoder {
    pub(super) embedding: Option<Embedding>,
    pub(super) steps: Boxed<dyn Steps>,
    pub(super) norm: Option<LayerNorm>,
    pub(super) dropout: Dropout,
    pub(super) width: usize,
}

impl SequenceEncoder {
    /// The shapes of a sample that it takes; a vector is a sequence of one step.
    pub const TAKES: &'static [InputShape] = &[InputShape::Tokens, InputShape::Sequence, InputShape::Vector];

    /// Whether it reads token ids.
    pub fn embeds(&self) -> bool {
        self.embedding.is_some()
    }

    /// # Shapes
    /// Token ids `[batch, length]`, steps `[batch, length, channels]` or
    /// vectors `[batch, channels]`, to `[batch, length or 1, width]`.
    pub fn sequence(&self, input: &Input, pass: &ForwardContext<'_>) -> Sequence {
        let sequence = self.read(input);
        let [batch, length, _] = sequence.steps.dims();
        let steps = self.steps.forward(&sequence, pass);
        let steps = match &self.norm {
            Some(norm) => relu(norm.forward(steps)),
            None => steps,
        };
        let steps = self.dropout.forward(steps, pass) * sequence.mask().reshape([batch, length, 1]);
        Sequence { steps, ..sequence }
    }

    fn read(&self, input: &Input) -> Sequence {
        let steps = match (&self.embedding, input.shape()) {
            (Some(embedding), _) => embedding.forward(input.tensor::<2>()),
            (None, &[batch, channels]) => input.flat().reshape([batch, 1, channels]),
            (None, _) => input.tensor::<3>(),
        };
        let [batch, length, _] = steps.dims();
        let lengths = match input.lengths() {
            Some(lengths) => lengths.to_vec(),
            None => vec![length; batch],
        };
        // Steps that are padding in every sample are not run.
        let longest = input.longest().unwrap_or(length);
        Sequence { steps: steps.narrow(1, 0, longest), lengths }
    }
}

/// In late fusion the feature is the mean over the real steps.
impl Encoder for SequenceEncoder {
    fn forward(&self, input: &Input, pass: &mut ForwardContext<'_>) -> Tensor<2> {
        let sequence = self.sequence(input, pass);
        mean(sequence.steps.clone(), sequence.shares())
    }

    fn width(&self) -> usize {
        self.width
    }
}
