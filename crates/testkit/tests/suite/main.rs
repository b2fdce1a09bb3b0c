//! Everything that must hold of strategies, fusions, heads and evaluators.

mod agreement;
mod dgl;
mod diagnose;
mod fixture;
mod run;
mod symmetry;
