//! Layers with PyTorch's semantics, names and memory layout.
//!
//! Own layers instead of `burn::nn` for three reasons: weights are `[out, in]`
//! as PyTorch stores them, so checkpoints exchange without transposing; every
//! initial value comes from a key and not from a global generator; and batch
//! norm takes its statistics and buffers as explicit arguments.

mod attention;
mod batch_norm;
mod buffers;
mod conv;
mod dropout;
mod embedding;
mod gru;
mod init;
mod layer_norm;
mod linear;
mod pass;

pub use attention::{SelfAttention, attend};
pub use batch_norm::BatchNorm;
pub use buffers::{BnPolicy, BufferKey, Buffers, Running};
pub use conv::Conv2d;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use gru::Gru;
pub use init::Init;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use pass::Pass;
