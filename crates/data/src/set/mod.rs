//! The data sets; one file each, registered in `config/data.rs`.

mod features;
mod grid;
mod labels;
mod manifest;
mod spoken_digits;

pub use features::{FeaturesConfig, NanPolicy};
pub use grid::{GridConfig, GridTask};
pub use manifest::{ManifestConfig, ManifestModality};
pub use spoken_digits::SpokenDigitsConfig;

use std::path::{Path, PathBuf};

use crate::config::CommonConfig;
use crate::error::DataError;

/// The configured root, relative to the configuration file.
fn root(common: &CommonConfig, base: &Path, expected: &str) -> Result<PathBuf, DataError> {
    let root = common.root.as_ref().map(|root| base.join(root));
    root.ok_or_else(|| DataError::config(format!("`root` is missing: {expected}")))
}
