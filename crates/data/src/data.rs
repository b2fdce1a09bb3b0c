//! The whole `[data]` table, and the way from it to opened splits.

use std::borrow::Cow;
use std::path::Path;

use counterpoint_catalog::{Catalog, beside, keys, read, unknown};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::assign::assign;
use crate::config::{CommonConfig, SplitConfig};
use crate::error::DataError;
use crate::plan::Plan;
use crate::prepare::Preparation;
use crate::progress::Progress;
use crate::set::{DataSet, Labelling, Request, SetConfig, doubtful};
use crate::split::Splits;

/// The `[data]` table of a configuration.
///
/// `name` picks the set; every other key must be a common one or one of that
/// set. As a serde value it reads and writes exactly this table. Sets of other
/// crates are known within [`Catalog::during`].
///
/// ```
/// use counterpoint_data::DataConfig;
///
/// let config = DataConfig::from_toml("name = \"spoken-digits\"\nbatch_size = 32\ntest_speaker = \"george\"")?;
/// assert_eq!(config.common.batch_size, 32);
/// let error = DataConfig::from_toml("name = \"spoken-digits\"\nbatchsize = 32").unwrap_err();
/// assert!(error.to_string().contains("did you mean `batch_size`?"));
/// # Ok::<(), counterpoint_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct DataConfig {
    /// Keys of every set.
    pub common: CommonConfig,
    /// Keys of a random split.
    pub split: SplitConfig,
    /// Name and keys of this set.
    pub set: SetConfig,
}

impl DataConfig {
    /// A set's configuration with common keys at their defaults.
    pub fn new(set: impl Into<SetConfig>) -> Self {
        Self { common: CommonConfig::default(), split: SplitConfig::default(), set: set.into() }
    }

    /// Reads the text of a `[data]` table, without its header.
    ///
    /// # Errors
    /// As [`DataConfig::from_table`], or if the text is not TOML.
    pub fn from_toml(text: &str) -> Result<Self, DataError> {
        let table = text.parse().map_err(|cause: toml::de::Error| {
            DataError::config("the data configuration is not valid TOML").because(cause)
        })?;
        Self::from_table(table)
    }

    /// Reads a `[data]` table.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the key: unknown, of another type,
    /// or out of range.
    pub fn from_table(table: Table) -> Result<Self, DataError> {
        let sets = Catalog::<dyn DataSet>::current();
        let (common, split) = (keys::<CommonConfig>(), keys::<SplitConfig>());
        if let Some(Value::String(name)) = table.get("name") {
            let known = [common.as_slice(), &split, &sets.find(name)?.keys()].concat();
            if let Some(wrong) = table.keys().find(|key| *key != "name" && !known.contains(key)) {
                let what = format!("unknown key `{wrong}` of data set `{name}`");
                return Err(DataError::config(unknown(&what, wrong, &known)));
            }
        }
        let (common, rest): (Table, Table) = table.into_iter().partition(|(key, _)| common.contains(key));
        let (split, own): (Table, Table) = rest.into_iter().partition(|(key, _)| split.contains(key));
        let (common, split): (CommonConfig, SplitConfig) = (read(common)?, read(split)?);
        common.check()?;
        split.check()?;
        Ok(Self { common, split, set: sets.read(own)? })
    }

    /// Opens the data: reads lists, checks labels and splits, fits the
    /// normalisation on the training split.
    ///
    /// `base` is the folder of the configuration file; relative paths start there.
    ///
    /// # Errors
    /// If anything does not fit; see [`ErrorKind`](crate::ErrorKind).
    pub fn open(&self, base: &Path) -> Result<Splits, DataError> {
        self.opened(base, None, &Progress::default())
    }

    /// As [`Self::open`], and tells how far it is: now, and later whenever all files are read.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_watched(&self, base: &Path, progress: &Progress) -> Result<Splits, DataError> {
        self.opened(base, None, progress)
    }

    /// Opens the data for a model that is trained: inputs are prepared as they
    /// were for it, and nothing is fitted. On unchanged data that is the same as
    /// [`Self::open`].
    ///
    /// # Errors
    /// As [`Self::open`], or if the modalities are others.
    pub fn open_prepared(&self, base: &Path, fitted: &[Preparation]) -> Result<Splits, DataError> {
        self.opened(base, Some(fitted), &Progress::default())
    }

    fn opened(
        &self,
        base: &Path,
        fitted: Option<&[Preparation]>,
        progress: &Progress,
    ) -> Result<Splits, DataError> {
        let common = self.common.within(base);
        let build = |plan| Splits::build(plan, &common, fitted, progress);
        build(self.plan(base)?).map_err(|e| e.at(format_args!("data set `{}`", self.set.name())))
    }

    /// The samples with their splits, before any file is looked at.
    pub(crate) fn plan(&self, base: &Path) -> Result<Plan, DataError> {
        let Self { common, split, set } = self;
        common.check()?;
        split.check()?;
        let plan = || {
            let mut plan = set.plan(&Request { common, split, base })?;
            plan.choose(common.modalities.as_deref())?;
            if split.stratify && !matches!(plan.labelling, Labelling::Classes) {
                return Err(DataError::config(
                    "`stratify` shares out classes, but the targets of this set are not classes; leave it out",
                ));
            }
            plan.notes.extend(doubtful(&plan.classes));
            if split.is_random() {
                assign(&mut plan.records, plan.classes.len(), split)?;
            }
            Ok(plan)
        };
        plan().map_err(|e: DataError| e.at(format_args!("data set `{}`", set.name())))
    }
}

impl TryFrom<Table> for DataConfig {
    type Error = DataError;

    fn try_from(table: Table) -> Result<Self, DataError> {
        Self::from_table(table)
    }
}

impl From<DataConfig> for Table {
    fn from(config: DataConfig) -> Self {
        // Only maps with keys that are not texts cannot be written, and no part has one.
        let mut table = Self::try_from(&config.common).unwrap_or_default();
        table.extend(Self::try_from(&config.split).unwrap_or_default());
        table.extend(Self::try_from(&config.set).unwrap_or_default());
        table
    }
}

/// The keys that `[data]` may have whatever the set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SharedConfig {
    /// Keys that every set understands.
    #[serde(flatten)]
    pub common: CommonConfig,
    /// Keys of a random split.
    #[serde(flatten)]
    pub split: SplitConfig,
}

impl JsonSchema for DataConfig {
    fn schema_name() -> Cow<'static, str> {
        "data".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        beside::<SetConfig, SharedConfig>(generator)
    }
}
