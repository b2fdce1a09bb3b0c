//! Predictions of single samples: `predictions.npz`, for NumPy and for us.
//!
//! Everything has one entry for every sample of the split, in one order, so
//! that arrays can be put side by side; where a sample lacks a modality the
//! numbers are NaN.
//!
//! ```python
//! import numpy as np
//! p = np.load("predictions.npz")                  # no pickle inside
//! p["ids"], p["targets"], p["classes"]            # [samples], [samples], [classes]
//! p["best/scores/fused"].argmax(1) == p["targets"] # [samples, classes]; `fused` or a single modality
//! p["best/correct/audio"]                         # 1 right, 0 wrong, NaN without audio
//! p["last/features/audio"]                        # [samples, width]
//! ```
//!
//! Of very many classes the file holds a summary of each sample's scores in their
//! place, `best/summary/fused`, with the names of its columns in `summary`.

mod archive;
mod correct;
mod file;

pub use correct::Predictions;
pub use file::{CheckpointPredictions, Numbers, PredictionFile, Truth};
