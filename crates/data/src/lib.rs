//! Data sets, decoding, preparation and loading for Counterpoint.
//!
//! A `[data]` table becomes a [`DataConfig`]; opening it gives [`Splits`]: a
//! training and a validation [`Split`] and a [`SealedTest`]. A [`Loader`]
//! turns a split into batches for training; the [`Preparation`] of each
//! modality turns single files into the same arrays later, without the data
//! set.
//!
//! ```no_run
//! use counterpoint_data::{DataConfig, Loader, LoaderOptions};
//!
//! let config = DataConfig::from_toml("name = \"spoken-digits\"\nworkers = 2")?;
//! let splits = config.open(".".as_ref())?;
//! assert_eq!(splits.classes.len(), 10);
//! let train = Loader::new(splits.train.clone(), LoaderOptions::train(&config.common, 7))?;
//! let val = Loader::new(splits.val.clone(), LoaderOptions::eval(&config.common))?;
//! # Ok::<(), counterpoint_data::DataError>(())
//! ```
//!
//! What a seed means is fixed: the order of samples and every random crop
//! follow from (seed, epoch, sample) alone, whatever the number of threads.

mod assign;
mod audio;
mod augment;
mod cache;
mod check;
mod composition;
mod config;
mod contents;
mod coverage;
mod data;
mod dataset;
mod decode;
mod digest;
mod disk;
pub mod doctor;
mod error;
mod fit;
mod folder;
mod hash;
mod image;
mod leak;
mod library;
mod loader;
pub mod media;
mod moments;
mod pack;
mod plan;
mod prepare;
pub mod preview;
mod progress;
mod record;
mod respell;
mod room;
mod rows;
pub mod set;
mod source;
mod split;
mod truth;

use std::path::Path;

pub use audio::{AudioFront, Padding, resample};
pub use augment::{Extent, Flip, Jitter, MaskRule, SoundAugment};
pub use check::Check;
pub use config::{
    AudioConfig, CategoryConfig, CommonConfig, FrontName, ImageConfig, JitterConfig, Missing, NormaliseName,
    NumericConfig, Side, SplitConfig, TextConfig, TokenName, VideoConfig,
};
pub use contents::{Change, Contents};
pub use counterpoint_batch::random::{Random, RngKey};
pub use data::{DataConfig, SharedConfig};
pub use decode::kind::name as content_name;
pub use decode::{Bitmap, IdxImages, Levels, Wave};
pub use error::{DataError, ErrorKind};
pub use folder::{Listing, list as list_folder};
pub use image::{FrameRule, ViewRule, resize};
pub use leak::{Duplicate, Leaks, SharedGroup};
pub use loader::{Loader, LoaderOptions};
pub use pack::Packed;
pub use prepare::{
    Align, AudioSteps, CategoryColumn, CategorySteps, ImageSteps, Normalise, Preparation, SceneRole,
    SceneSteps, Steps, TextSteps, TokenSteps, TokenizerFile, Tokens, VectorSteps, VideoSteps,
};
pub use progress::Progress;
pub use set::{
    FeaturesConfig, FoldersConfig, GridConfig, GridTask, ManifestConfig, ManifestModality, NanPolicy,
    RgbdConfig, SetConfig, ShardsConfig, SpokenDigitsConfig, SuppressorConfig, TargetName, XorConfig,
};
pub use split::{SealedTest, Split, Splits};

/// Opens the data of a configuration; the same as [`DataConfig::open`].
///
/// `base` is the folder of the configuration file; relative paths start there.
///
/// # Errors
/// If a file is absent or damaged, or labels, splits or keys do not fit.
pub fn open(config: &DataConfig, base: &Path) -> Result<Splits, DataError> {
    config.open(base)
}
