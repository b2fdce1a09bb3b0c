//! Layers with PyTorch's semantics, names and memory layout.
//!
//! Own layers instead of `burn::nn` for three reasons: weights are `[out, in]`
//! as PyTorch stores them, so checkpoints exchange without transposing; every
//! initial value comes from a key and not from a global generator; and batch
//! norm takes its statistics and buffers as explicit arguments.

mod attention;
mod batch_norm;
mod budget;
mod buffers;
mod conv;
mod conv_norm_relu;
mod dropout;
mod embedding;
mod gru;
mod init;
mod layer_norm;
mod learned_upsample;
mod linear;
mod pass;
mod rect_conv;
mod squeeze_excite;

pub use attention::{SelfAttention, attend};
pub use batch_norm::BatchNorm;
pub use buffers::{BnPolicy, BufferKey, Buffers, Running};
pub use conv::Conv2d;
pub use conv_norm_relu::ConvNormRelu;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use gru::Gru;
pub use init::{Init, InitScheme};
pub use layer_norm::LayerNorm;
pub use learned_upsample::LearnedUpsample;
pub use linear::Linear;
pub use pass::ForwardContext;
pub use rect_conv::RectConv2d;
pub use squeeze_excite::SqueezeExcite;
