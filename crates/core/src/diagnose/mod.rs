//! What a model shows about who learned and who was held back: mathematics on
//! plain numbers, so that it can be applied to any model's scores and
//! gradients, in double precision.

mod gradient;
mod suppression;

pub use gradient::{EncoderGradient, mean_norm_at_features, summed_mean_magnitude};
pub use suppression::{Suppression, factors};
