//! Calibrated readout: the prediction is a sum of rows of scores with weights of at least 0.
//!
//! Rows are the fused scores and those of every single modality. Each is kept as it
//! was at the epoch of its own best calibrated loss on samples that training does not
//! see, and the weights make the loss of their sum smallest there: docs/methods.md,
//! "Calibrated readout". Here are the settings and the mathematics, without tensors;
//! rows are kept in [`train`](crate::train::Readout).

mod cone;
mod config;
mod truth;

pub use cone::{Minimum, temperature, weights};
pub use config::{Fit, Labels, ReadoutConfig, Rows};
pub use truth::Truth;
