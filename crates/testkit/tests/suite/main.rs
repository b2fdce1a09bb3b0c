//! Everything that must hold of strategies, fusions, heads and evaluators.

mod agreement;
mod alone;
mod boxed;
mod control;
mod cost;
mod dgl;
mod diagnose;
mod encoder;
mod esanet;
mod examine;
mod fixture;
mod fusion;
mod head;
mod native;
mod own_term;
mod reads;
mod run;
mod statistics;
mod symmetry;
mod task;
mod traps;
