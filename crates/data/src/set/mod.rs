//! The data sets, one file each, and what another crate writes its own with.
//!
//! A data set is a struct of settings that says its name and one line on itself
//! ([`Settings`]) and lists its samples
//! ([`DataSet::plan`]). Nothing is decoded then: a sample names its
//! [`Source`]s, and what turns those into arrays is a [`Draft`] for each modality. Splitting,
//! checking, fitting, hashing, caching and loading are the same for all sets.
//!
//! This one is complete. It makes its samples up instead of reading a list:
//!
//! ```
//! use counterpoint_catalog::{Catalog, Settings};
//! use counterpoint_data::set::{DataSet, Draft, Labelling, Part, Plan, Record, Request, Source, Truth};
//! use counterpoint_data::{DataConfig, DataError};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Settings of `parity`.
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! struct Parity {
//!     /// Number of samples in each part.
//!     #[schemars(range(min = 2))]
//!     count: usize,
//! }
//!
//! impl Default for Parity {
//!     fn default() -> Self {
//!         Self { count: 10 }
//!     }
//! }
//!
//! impl Settings for Parity {
//!     const NAME: &'static str = "parity";
//!     const SUMMARY: &'static str = "whether two modalities show the same bit";
//! }
//!
//! impl DataSet for Parity {
//!     fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
//!         let modalities = request.modalities(&["left", "right"])?;
//!         let record = |part: Part, i: usize| Record {
//!             id: format!("{}-{i}", part.name()),
//!             group: None,
//!             part,
//!             truth: Truth::Class(usize::from(i % 2 == i / 2 % 2)),
//!             sources: modalities
//!                 .iter()
//!                 .map(|name| if name == "left" { i % 2 } else { i / 2 % 2 })
//!                 .map(|bit| Some(Source::row(vec![bit as f32, 1.0 - bit as f32])))
//!                 .collect(),
//!         };
//!         Ok(Plan {
//!             classes: vec!["differ".into(), "same".into()],
//!             labelling: Labelling::Classes,
//!             drafts: modalities.iter().map(|name| Draft::vector(name, 2)).collect(),
//!             records: Part::ALL.iter().flat_map(|&p| (0..self.count).map(move |i| (p, i))).map(|(p, i)| record(p, i)).collect(),
//!             notes: Vec::new(),
//!         })
//!     }
//! }
//!
//! let sets = Catalog::<dyn DataSet>::current().with::<Parity>();
//! let config = sets.during(|| DataConfig::from_toml("name = \"parity\"\ncount = 4\nbatch_size = 2"))?;
//! let splits = config.open(".".as_ref())?;
//! assert_eq!((splits.train.len(), splits.test.len(), splits.modalities()[0].shape[0]), (4, 4, 2));
//! # Ok::<(), DataError>(())
//! ```

mod bundle;
mod features;
mod folders;
mod grid;
mod labels;
mod manifest;
mod modality;
mod rgbd;
mod shards;
mod spoken_digits;
mod synthetic;

pub use features::{FeaturesConfig, NanPolicy};
pub use folders::FoldersConfig;
pub use grid::{GridConfig, GridTask};
pub(crate) use labels::doubtful;
pub use labels::{Classes, TargetName};
pub use manifest::ManifestConfig;
pub use modality::ManifestModality;
pub use rgbd::RgbdConfig;
pub use shards::ShardsConfig;
pub use spoken_digits::SpokenDigitsConfig;
pub use synthetic::{SuppressorConfig, XorConfig};

pub use crate::assign::divide;
pub use crate::config::{FilmDefaults, GroupedDefaults, PictureDefaults};
pub use crate::decode::shard::Member;
pub use crate::decode::table::{Table, TableRow};
pub use crate::plan::Plan;
pub use crate::prepare::{Columns, Draft, Fit, MapSteps};
pub use crate::record::{Part, Record};
pub use crate::rows::Rows;
pub use crate::source::{Holds, Source};
pub use crate::truth::{Labelling, Truth};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterpoint_catalog::{Catalog, Chosen, Kind, Settings, Takes};

use crate::config::{CommonConfig, SplitConfig};
use crate::error::{DataError, ErrorKind};
use crate::respell::respell;

/// The data sets of this project, in the order in which they are listed.
fn sets() -> Catalog<dyn DataSet> {
    Catalog::default()
        .with::<SpokenDigitsConfig>()
        .with::<GridConfig>()
        .with::<ManifestConfig>()
        .with::<FoldersConfig>()
        .with::<ShardsConfig>()
        .with::<FeaturesConfig>()
        .with::<RgbdConfig>()
        .with::<SuppressorConfig>()
        .with::<XorConfig>()
}

/// The settings of a data set, which list its samples.
pub trait DataSet: counterpoint_catalog::Part {
    /// Reads lists and labels, and says how each modality is prepared; decodes no sample.
    ///
    /// # Errors
    /// If a list is absent or damaged, or a setting does not fit it.
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError>;
}

/// Name and settings of a data set.
pub type SetConfig = Chosen<dyn DataSet>;

impl Kind for dyn DataSet {
    const NOUN: &'static str = "data set";

    fn built_in() -> Catalog<Self> {
        sets()
    }
}

impl<S: Settings + DataSet> Takes<S> for dyn DataSet {
    fn take(settings: S) -> Arc<Self> {
        Arc::new(settings)
    }
}

/// What a data set is opened with besides its own settings.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The keys that every set has.
    pub common: &'a CommonConfig,
    /// The keys of a random split.
    pub split: &'a SplitConfig,
    /// The folder of the configuration file, from which relative paths start.
    pub base: &'a Path,
}

impl Request<'_> {
    /// The configured `root`, relative to the configuration file.
    ///
    /// # Errors
    /// If there is none; the message says what is `expected` there.
    pub fn root(&self, expected: &str) -> Result<PathBuf, DataError> {
        let root = self.common.root.as_ref().map(|root| self.base.join(root));
        let found = |path: PathBuf| if path.exists() { path } else { respell(&path).unwrap_or(path) };
        root.map(found).ok_or_else(|| DataError::config(format!("`root` is missing: {expected}")))
    }

    /// The chosen modalities out of those that the set has; all of them where none were chosen.
    ///
    /// # Errors
    /// If one was chosen that the set does not have.
    pub fn modalities(&self, available: &[&str]) -> Result<Vec<String>, DataError> {
        self.common.choose(available)
    }

    /// The part of each row of a list, by its column `split`. A random split does not need that
    /// column: every row is of the train part then, because parts are assigned later.
    ///
    /// # Errors
    /// If there is no such column, or a cell is not a part.
    pub fn parts(&self, list: &Table) -> Result<Vec<Part>, DataError> {
        if self.split.is_random() {
            return Ok(list.rows().map(|_| Part::Train).collect());
        }
        let column = list.column("split")?;
        let part = |row: TableRow<'_>| {
            Part::from_name(row.text(column)).ok_or_else(|| {
                DataError::new(
                    ErrorKind::Split,
                    format!("{}: split `{}` must be train, val or test", row.place(), row.text(column)),
                )
            })
        };
        list.rows().map(part).collect()
    }
}
