//! One file per subcommand.

pub mod ablate;
mod answer;
pub mod compare;
pub mod completions;
pub mod devices;
pub mod doctor;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod export_shards;
pub mod export_weights;
pub mod leaks;
pub mod list;
pub mod predict;
pub mod prepare;
pub mod preview;
pub mod report;
mod scale;
pub mod schema;
pub mod sweep;
pub mod train;

pub use crate::output::{json as print_json, result as print};
