//! The `[data]` table: common keys here, keys of each kind of modality beside,
//! keys of each data set with the set.

mod audio;
mod common;
mod data;
mod picture;
mod split;

pub use audio::{AudioConfig, FrontName};
pub use common::CommonConfig;
pub use data::{DataConfig, SetConfig};
pub use picture::{ImageConfig, Side, VideoConfig};
pub use split::SplitConfig;

pub(crate) use audio::GroupedDefaults;
pub(crate) use picture::PictureDefaults;

use serde::{Deserialize, Serialize};

/// Names of the normalisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormaliseName {
    /// None.
    None,
    /// Each clip by its own mean and deviation.
    Clip,
    /// One mean and deviation over the training split.
    Train,
    /// ImageNet's figures, for three channels.
    Imagenet,
}
