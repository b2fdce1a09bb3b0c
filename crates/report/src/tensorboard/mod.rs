//! Scalars and confusion matrices for TensorBoard.
//!
//! An event file is a list of records, each with its length and two checksums,
//! around a protobuf message. The few fields of it that are needed are
//! written by hand: a protobuf library would outweigh the rest of the crate.

mod event;
mod heat;
mod record;
mod writer;

pub use writer::EventFile;
