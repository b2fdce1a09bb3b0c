//! Convolutions, batch norm, pooling and the other layers that maps go through on
//! CPUs, forward and backward.
//!
//! Maps lie in memory as `[images, height, width, channels]`, so that the
//! channels of a pixel are vectors and pixels are rows of matrices; weights as
//! PyTorch has them, `[out, in, down, across]`. Every kernel is written once over
//! [`isa::Isa`] and compiled for AVX-512, AVX2, NEON and any processor; the
//! portable instance in `f64` is what the tests compare with.
//!
//! [`fir`](fn@fir) and [`vectorised`] are for the readers of data: resampling, spectra, pictures.
//!
//! Threads share work through rayon. Results have the same bits for any number
//! of them, because no sum crosses tasks except in a fixed order.

pub mod bf16;
mod bias;
mod buffer;
mod channels;
pub mod conv;
mod entropy;
mod fir;
mod gate;
mod gemm;
pub mod gru;
pub mod isa;
mod kernels;
pub mod norm;
mod peak;
pub mod pool;
mod recycler;
mod scratch;
mod signs;
mod threads;
pub mod update;
mod upsample;
mod vector;
mod vectorised;
mod winograd;

pub use buffer::unwritten;
pub use conv::{Algorithm, ConvShape};
pub use fir::{ROWS, Sums, fir};
pub use isa::{Level, Real};
pub use kernels::Kernels;
pub use peak::peak;
pub use pool::PoolShape;
pub use recycler::{Amounts, Recycler};
pub use signs::Signs;
pub use threads::concurrently;
pub use upsample::UpsampleShape;
pub use vectorised::{Loops, vectorised};
