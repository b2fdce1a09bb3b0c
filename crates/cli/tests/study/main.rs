//! Studies, told by one toy study.

#[path = "../support/mod.rs"]
mod support;

mod choice;
mod compare;
mod control;
mod growth;
mod interrupted;
mod leaks;
mod machines;
mod refused;
mod toy;
