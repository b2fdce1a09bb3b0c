//! Mathematics without tensors.

pub mod random;
