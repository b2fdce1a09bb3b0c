//! The data sets; one file each, registered in `config/data.rs`.

mod features;
mod grid;
mod labels;
mod manifest;
mod rgbd;
mod spoken_digits;

pub use features::{FeaturesConfig, NanPolicy, TargetName};
pub use grid::{GridConfig, GridTask};
pub(crate) use labels::doubtful;
pub use manifest::{ManifestConfig, ManifestModality};
pub use rgbd::RgbdConfig;
pub use spoken_digits::SpokenDigitsConfig;

use std::path::{Path, PathBuf};

use crate::config::{CommonConfig, SplitConfig};
use crate::decode::table::{Row, Table};
use crate::error::{DataError, ErrorKind};
use crate::record::Part;
use crate::respell::respell;

/// The configured root, relative to the configuration file.
fn root(common: &CommonConfig, base: &Path, expected: &str) -> Result<PathBuf, DataError> {
    let root = common.root.as_ref().map(|root| base.join(root));
    let found = |path: PathBuf| if path.exists() { path } else { respell(&path).unwrap_or(path) };
    root.map(found).ok_or_else(|| DataError::config(format!("`root` is missing: {expected}")))
}

/// The column `split` of a CSV, which a random split does not need.
struct PartColumn(Option<usize>);

impl PartColumn {
    fn new(table: &Table, split: &SplitConfig) -> Result<Self, DataError> {
        Ok(Self(if split.is_random() { None } else { Some(table.column("split")?) }))
    }

    /// The part of a sample; for a random split any, because it is assigned later.
    fn of(&self, row: &Row<'_>) -> Result<Part, DataError> {
        let Some(column) = self.0 else { return Ok(Part::Train) };
        Part::from_name(row.text(column)).ok_or_else(|| {
            DataError::new(
                ErrorKind::Split,
                format!("{}: split `{}` must be train, val or test", row.place(), row.text(column)),
            )
        })
    }
}
