//! What must hold of strategies, fusions, heads and evaluators one by one.

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
mod scale;
mod statistics;
mod threads;
mod traps;
mod unimodal;
