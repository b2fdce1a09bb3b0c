//! Ready-made features.

#[path = "../support/mod.rs"]
mod support;

mod arrays;
mod columns;
mod labels;
mod sequences;
mod stream;
