//! Trains multimodal models so that every modality's encoder learns as well
//! as in unimodal training.
//!
//! A strategy says which loss each parameter group receives to, and how loudly
//! ([`crate::step::Routing`]); evaluators turn that into gradients; one training loop
//! serves every strategy.

pub mod device;
pub mod diagnose;
pub mod engine;
pub mod error;
pub mod feature;
pub mod grad;
pub mod host;
pub mod input;
pub mod layer;
pub mod math;
pub mod modality;
pub mod model;
pub mod peers;
pub mod probe;
pub mod readout;
mod roster;
pub mod step;
pub mod strategy;
pub mod task;
pub mod train;
pub mod weights;

pub use counterpoint_catalog as catalog;
pub use counterpoint_kernels::Recycler;
pub use error::{Error, ErrorKind};
