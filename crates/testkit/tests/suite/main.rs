//! Everything that must hold of strategies, fusions, heads and evaluators.

mod dgl;
mod diagnose;
mod fixture;
