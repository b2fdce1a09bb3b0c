//! Mathematics without tensors.

pub mod cluster;
pub mod lbfgs;
pub mod min_norm;
pub mod probability;
pub mod projection;
pub use counterpoint_batch::random;
pub mod spectrum;
