//! A small transformer encoder.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData, activation::gelu};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sequence, SequenceSettings, Steps};
use crate::Error;
use crate::layer::{Dropout, ForwardContext, Init, LayerNorm, Linear, SelfAttention};
use crate::model::Boxed;

/// A transformer encoder, layer norm, ReLU. See [`Transformer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TransformerConfig {
    /// Width of the vectors of token ids; that of the encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub embedding: Option<usize>,
    /// Number of blocks.
    #[schemars(range(min = 1))]
    pub layers: usize,
    /// Heads of the attention; their number divides the encoder's width.
    #[schemars(range(min = 1))]
    pub heads: usize,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self { embedding: None, layers: 2, heads: 4 }
    }
}

impl Settings for TransformerConfig {
    const NAME: &'static str = "transformer";
    const SUMMARY: &'static str = "a small transformer encoder, layer norm, ReLU";
}

impl SequenceSettings for TransformerConfig {
    fn embedding(&self) -> Option<usize> {
        self.embedding
    }

    fn normalized(&self) -> bool {
        true
    }

    fn steps(&self, sizes: [usize; 2], dropout: f64, init: &Init) -> Result<Boxed<dyn Steps>, Error> {
        Ok(Boxed::new(Transformer::new(sizes, self.layers, self.heads, dropout, init)?))
    }
}

/// A projection, sinusoidal positions, and blocks of self-attention and a
/// two-layer perceptron, each normalised before and added to what it read
/// (Vaswani et al. 2017 in the pre-norm form of Xiong et al. 2020). Padding
/// draws no attention.
#[derive(Module, Debug)]
pub struct Transformer {
    projection: Linear,
    blocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attention: SelfAttention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    dropout1: Dropout,
    dropout2: Dropout,
}

impl Transformer {
    /// For steps of `inputs` numbers, as tokens of `width`.
    ///
    /// # Errors
    /// If there is no layer, or the number of heads does not divide the width.
    pub fn new(
        [inputs, width]: [usize; 2],
        layers: usize,
        heads: usize,
        dropout: f64,
        init: &Init,
    ) -> Result<Self, Error> {
        if layers == 0 || heads == 0 || !width.is_multiple_of(heads) {
            return Err(Error::config(format!(
                "encoder `transformer`: {layers} layers of {heads} heads on tokens of width {width}: \
                 expected at least one layer and a number of heads that divides the width"
            )));
        }
        let block = |i: usize| {
            let part = |name: &str| init.part(format_args!("blocks.{i}.{name}"));
            Block {
                norm1: LayerNorm::new(width, 1e-6, &part("norm1")),
                attention: SelfAttention::new(width, heads, &part("attention")),
                norm2: LayerNorm::new(width, 1e-6, &part("norm2")),
                fc1: Linear::new(width, 4 * width, &part("fc1")),
                fc2: Linear::new(4 * width, width, &part("fc2")),
                dropout1: Dropout::new(dropout, &part("dropout1")),
                dropout2: Dropout::new(dropout, &part("dropout2")),
            }
        };
        Ok(Self {
            projection: Linear::new(inputs, width, &init.part("projection")),
            blocks: (0..layers).map(block).collect(),
        })
    }
}

impl Steps for Transformer {
    fn forward(&self, sequence: &Sequence, pass: &ForwardContext<'_>) -> Tensor<3> {
        let allowed = sequence.allowed();
        let x = self.projection.along(sequence.steps.clone());
        let x = x.clone() + positions(&x);
        self.blocks.iter().fold(x, |x, block| {
            let told = block.attention.forward(block.norm1.forward(x.clone()), allowed.clone());
            let x = x + block.dropout1.forward(told, pass);
            let hidden = gelu(block.fc1.along(block.norm2.forward(x.clone())));
            x + block.dropout2.forward(block.fc2.along(hidden), pass)
        })
    }
}

/// `sin(t / 10000^(2i/width))` and the cosine of the same, `[1, length, width]`.
fn positions(x: &Tensor<3>) -> Tensor<3> {
    let [_, length, width] = x.dims();
    let value = |at: usize| {
        let (step, i) = (at / width, at % width);
        let angle = step as f64 / 10_000_f64.powf((i / 2 * 2) as f64 / width as f64);
        (if i.is_multiple_of(2) { angle.sin() } else { angle.cos() }) as f32
    };
    let values: Vec<f32> = (0..length * width).map(value).collect();
    Tensor::from_data(TensorData::new(values, [1, length, width]), &x.device())
}
