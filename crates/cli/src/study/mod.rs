//! Methods, seeds and variants compared under equal budgets.
//!
//! A study folder holds `study.toml` (what is compared), `study.json` (every
//! run and its state), `configs/` and `runs/`, which are ordinary run folders.
//! All state is in files: a second call with the same study continues it.

mod arm;
mod average;
mod choice;
mod control;
mod display;
mod drive;
mod growth;
mod job;
mod looks;
mod memory;
mod open;
mod plan;
mod pool;
mod readout;
mod rounds;
mod schema;
mod spec;
mod summary;
mod union;

pub use drive::{Options, plan, run};
pub use rounds::{Collected, Jobs, collect, jobs};
pub use schema::schema;
pub use spec::{Method, References, Spec, load, seeds};
pub use summary::{json, tables};
