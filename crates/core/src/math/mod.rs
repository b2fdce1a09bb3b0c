//! Mathematics without tensors.

pub mod cluster;
pub mod lbfgs;
pub mod min_norm;
pub mod probability;
pub mod projection;
pub mod random;
pub mod spectrum;
