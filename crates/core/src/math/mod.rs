//! Mathematics without tensors.

pub mod probability;
pub mod random;
