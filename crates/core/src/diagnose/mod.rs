//! Measures of which modality learned and which was suppressed.
//!
//! The mathematics is on plain numbers, in double precision, so that it can be
//! applied to any model's scores and gradients. An examination takes those
//! numbers from a model between two epochs; the gradients of single steps come
//! from the training loop. What it is called in records:
//!
//! | whose | name | what |
//! |---|---|---|
//! | modality | `gradient_tensors` | (i) sum over the encoder's tensors of the mean gradient magnitude, after the clip; mean over steps |
//! | modality | `gradient_tensors_unweighted` | (ii) the same over the weight of the losses that train the encoder |
//! | modality | `gradient_tensors_unclipped` | (iii) as the first, before the clip |
//! | modality | `gradient_fused`, `gradient_unimodal` | (iv) mean over samples of the norm of the gradient at the features, of both losses at the same parameters; measured, not applied |
//! | modality | `gradient_trained` | (iv) of the weighted sum that trains the encoder |
//! | modality | `cosine` | mean cosine between the fused and the unimodal gradient of a sample at the features |
//! | modality | `suppression_effective`, `_mean`, `_median`, `_share` | see [`Suppression`]; additive models only |
//! | modality | `effective_rank` | see [`effective_rank`] |
//! | modality | `train_accuracy` | the unimodal value of the selecting metric on the examined train samples |
//! | modality | `without` | the selecting metric on validation when this modality is absent |
//! | modality | `shapley` | its share of what the score is above a constant guess, see [`shapley`] |
//! | modality or `fused` | `noise_LEVEL` | the fused metric on validation samples with noise in this modality, or in all |
//! | modality | `noise_unimodal_LEVEL` | its unimodal metric with noise in its input |
//!
//! "Features" are what modalities hand over where they first meet. Gradients at
//! features, suppression and rank come from train samples that have all
//! modalities, without augmentation, in evaluation mode.

mod absence;
mod conflict;
mod diagnosis;
mod examine;
mod gradient;
mod noise;
mod rank;
mod settings;
mod shapley;
mod suppression;

pub use conflict::mean_cosine;
pub use diagnosis::Diagnosis;
pub use gradient::{EncoderGradient, mean_magnitude, mean_norm_at_features};
pub use rank::effective_rank;
pub use settings::{Diagnostics, DiagnosticsConfig, Level, Measure};
pub use shapley::shapley;
pub use suppression::{Suppression, factors};

pub(crate) use absence::{absence, constant_guess};
pub(crate) use examine::Examination;
