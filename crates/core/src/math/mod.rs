//! Mathematics without tensors.

pub mod min_norm;
pub mod probability;
pub mod random;
