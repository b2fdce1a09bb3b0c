//! Development only: toy problems, finite differences, and the properties that
//! every strategy, fusion and head must have.

pub mod conformance;
pub mod finite_difference;
pub mod parameters;
pub mod problem;
