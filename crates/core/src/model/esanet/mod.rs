//! RGB-D segmentation: ESANet, generalised to any number of picture modalities.

mod config;
mod context;
mod decoder;
mod head;
mod network;

pub use config::{EsaNetConfig, Start};
pub use network::EsaNet;
