//! Development only: reference numbers of other implementations, and what
//! checks against them.

pub mod fill;
pub mod report;
pub mod toy_reference;
pub mod training;
