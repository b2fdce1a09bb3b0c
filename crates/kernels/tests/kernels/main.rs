//! Every kernel against its definition, on every instruction set of this processor.

mod common;
mod convolution;
mod entropy;
mod gate;
mod gru;
mod norm;
mod upsample;
