//! Keys of the `[data]` table: those of every set, those of a random split, and those
//! of each kind of modality. What belongs to one data set is with the set.

mod audio;
mod common;
mod jitter;
mod picture;
mod split;
mod table;
mod text;

pub use audio::{AudioConfig, FrontName, GroupedDefaults};
pub use common::CommonConfig;
pub use jitter::JitterConfig;
pub use picture::{FilmDefaults, ImageConfig, PictureDefaults, Side, VideoConfig};
pub use split::SplitConfig;
pub use table::{CategoryConfig, Missing, NumericConfig};
pub use text::{TextConfig, TokenName};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the values of a modality are shifted and scaled at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NormaliseName {
    /// Values stay as they are.
    None,
    /// Each clip by its own mean and deviation.
    Clip,
    /// One mean and deviation over the training split.
    Train,
    /// By the means and deviations of the ImageNet pictures; for three channels.
    Imagenet,
}
