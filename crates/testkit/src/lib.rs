//! Development only: toy problems, finite differences, the properties that
//! every strategy, fusion and head must have, and reference numbers of other
//! implementations with what checks against them.

pub mod conformance;
pub mod dense_reference;
pub mod device;
pub mod fill;
pub mod finite_difference;
pub mod method;
pub mod optimizer;
pub mod parameters;
pub mod problem;
pub mod report;
pub mod seg_reference;
pub mod toy_reference;
pub mod training;
