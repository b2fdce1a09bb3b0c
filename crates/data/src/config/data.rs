//! The whole `[data]` table and the registry of data sets.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{CommonConfig, SplitConfig};
use crate::assign::assign;
use crate::error::{DataError, ErrorKind};
use crate::prepare::Preparation;
use crate::progress::Progress;
use crate::set::{FeaturesConfig, GridConfig, ManifestConfig, RgbdConfig, SpokenDigitsConfig, doubtful};
use crate::split::Splits;
use crate::truth::Labelling;

/// The `[data]` table of a configuration.
///
/// `name` picks the set; every other key must be a common one or one of that
/// set. As a serde value it reads and writes exactly this table.
///
/// ```
/// use counterpoint_data::DataConfig;
///
/// let config = DataConfig::from_toml("name = \"spoken-digits\"\nbatch_size = 32\ntest_speaker = \"george\"")?;
/// assert_eq!(config.common.batch_size, 32);
/// let error = DataConfig::from_toml("name = \"spoken-digits\"\nbatchsize = 32").unwrap_err();
/// assert!(error.to_string().contains("unknown key `batchsize`, did you mean `batch_size`?"));
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

/// One entry per data set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SetConfig {
    /// Spoken and handwritten digits, part of this project.
    SpokenDigits(SpokenDigitsConfig),
    /// Letters or digits of one talker of the GRID corpus, sound and mouth video.
    Grid(GridConfig),
    /// Files listed in a CSV.
    Manifest(ManifestConfig),
    /// Arrays of ready-made features.
    Features(FeaturesConfig),
    /// Colour and depth pictures with a class for every pixel.
    Rgbd(RgbdConfig),
}

impl SetConfig {
    /// Name, keys and reader of every set: the registry.
    fn read(name: &str, table: Table) -> Option<Result<Self, toml::de::Error>> {
        let value = Value::Table(table);
        Some(match name {
            "spoken-digits" => value.try_into().map(Self::SpokenDigits),
            "grid" => value.try_into().map(Self::Grid),
            "manifest" => value.try_into().map(Self::Manifest),
            "features" => value.try_into().map(Self::Features),
            "rgbd" => value.try_into().map(Self::Rgbd),
            _ => return None,
        })
    }

    fn keys(name: &str) -> &'static [&'static str] {
        match name {
            "spoken-digits" => SpokenDigitsConfig::KEYS,
            "grid" => GridConfig::KEYS,
            "manifest" => ManifestConfig::KEYS,
            "features" => FeaturesConfig::KEYS,
            "rgbd" => RgbdConfig::KEYS,
            _ => &[],
        }
    }

    /// The name under which `[data]` selects this set.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SpokenDigits(_) => "spoken-digits",
            Self::Grid(_) => "grid",
            Self::Manifest(_) => "manifest",
            Self::Features(_) => "features",
            Self::Rgbd(_) => "rgbd",
        }
    }

    fn table(&self) -> Result<Table, toml::ser::Error> {
        match self {
            Self::SpokenDigits(set) => Table::try_from(set),
            Self::Grid(set) => Table::try_from(set),
            Self::Manifest(set) => Table::try_from(set),
            Self::Features(set) => Table::try_from(set),
            Self::Rgbd(set) => Table::try_from(set),
        }
    }
}

impl DataConfig {
    /// Names of all data sets.
    pub const NAMES: [&'static str; 5] = ["spoken-digits", "grid", "manifest", "features", "rgbd"];

    /// A set's configuration with common keys at their defaults.
    pub fn new(set: SetConfig) -> Self {
        Self { common: CommonConfig::default(), split: SplitConfig::default(), set }
    }

    /// Names of all keys that this table may have besides `name`.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let own = SetConfig::keys(self.set.name());
        CommonConfig::KEYS.iter().chain(&SplitConfig::KEYS).chain(own).copied()
    }

    /// Reads the text of a `[data]` table, without its header.
    ///
    /// # Errors
    /// As [`DataConfig::from_table`], or if the text is no TOML.
    pub fn from_toml(text: &str) -> Result<Self, DataError> {
        let table = text.parse().map_err(|cause: toml::de::Error| {
            DataError::config("the data configuration is no valid TOML").because(cause)
        })?;
        Self::from_table(table)
    }

    /// Reads a `[data]` table.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the key: unknown, of another type, or out of range.
    pub fn from_table(mut table: Table) -> Result<Self, DataError> {
        let name = match table.remove("name") {
            Some(Value::String(name)) => name,
            other => {
                let got = other.map_or("nothing".into(), |value| format!("`{value}`"));
                return Err(DataError::config(format!(
                    "`name` must be one of {}, got {got}",
                    Self::NAMES.join(", ")
                )));
            }
        };
        if !Self::NAMES.contains(&name.as_str()) {
            let hint = hint(&name, Self::NAMES.iter().copied());
            return Err(DataError::config(format!(
                "unknown data set `{name}`{hint}; there are: {}",
                Self::NAMES.join(", ")
            )));
        }
        let keys = SetConfig::keys(&name);
        let all = || CommonConfig::KEYS.iter().chain(&SplitConfig::KEYS).chain(keys).copied();
        if let Some(unknown) = table.keys().find(|key| all().all(|known| known != key.as_str())) {
            return Err(DataError::config(format!(
                "unknown key `{unknown}`{}; data set `{name}` has: {}",
                hint(unknown, all()),
                all().collect::<Vec<_>>().join(", ")
            )));
        }
        let (common, rest): (Table, Table) =
            table.into_iter().partition(|(key, _)| CommonConfig::KEYS.contains(&key.as_str()));
        let (split, own): (Table, Table) =
            rest.into_iter().partition(|(key, _)| SplitConfig::KEYS.contains(&key.as_str()));
        let common: CommonConfig = section(common)?;
        common.check()?;
        let split: SplitConfig = section(split)?;
        split.check()?;
        let fits = |table| SetConfig::read(&name, table).is_some_and(|set| set.is_ok());
        match SetConfig::read(&name, own.clone()) {
            Some(Ok(set)) => Ok(Self { common, split, set }),
            Some(Err(cause)) => Err(wrong(cause, culprit(&own, &fits))),
            None => Err(DataError::new(
                ErrorKind::Internal,
                format!("data set `{name}` has a name but no reader"),
            )),
        }
    }

    /// Opens the data: reads lists, checks labels and splits, fits the
    /// normalisation on the training split.
    ///
    /// `base` is the folder of the configuration file; relative paths start there.
    ///
    /// # Errors
    /// If anything does not fit; see [`ErrorKind`].
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
        self.common.check()?;
        self.split.check()?;
        let (common, split) = (&self.common, &self.split);
        let plan = match &self.set {
            SetConfig::SpokenDigits(set) => set.plan(common, split, base),
            SetConfig::Grid(set) => set.plan(common, split, base),
            SetConfig::Manifest(set) => set.plan(common, split, base),
            SetConfig::Features(set) => set.plan(common, split, base),
            SetConfig::Rgbd(set) => set.plan(common, split, base),
        };
        plan.and_then(|mut plan| {
            if split.stratify && !matches!(plan.labelling, Labelling::Classes) {
                return Err(DataError::config(
                    "`stratify` shares out classes, but the targets of this set are no classes; leave it out",
                ));
            }
            plan.notes.extend(doubtful(&plan.classes));
            if split.is_random() {
                assign(&mut plan.records, plan.classes.len(), split)?;
            }
            Splits::build(plan, common, fitted, progress)
        })
        .map_err(|e| e.at(format_args!("data set `{}`", self.set.name())))
    }
}

/// Keys of one of the tables that every set has.
fn section<T: DeserializeOwned>(table: Table) -> Result<T, DataError> {
    Value::Table(table.clone())
        .try_into::<T>()
        .map_err(|cause| wrong(cause, culprit(&table, &|table| Value::Table(table).try_into::<T>().is_ok())))
}

/// A value that has another type than its key.
fn wrong(cause: toml::de::Error, key: Option<String>) -> DataError {
    let place = key.map_or_else(String::new, |key| format!("`{key}`: "));
    DataError::config(format!("{place}{}", cause.message().trim())).because(cause)
}

/// The key without which a table would be accepted; serde does not tell.
fn culprit(table: &Table, fits: &dyn Fn(Table) -> bool) -> Option<String> {
    let (key, value) = table.iter().find(|(key, _)| {
        let mut rest = table.clone();
        rest.remove(key.as_str());
        fits(rest)
    })?;
    let inner = value.as_table().and_then(|inner| {
        culprit(inner, &|changed| {
            let mut whole = table.clone();
            whole.insert(key.clone(), Value::Table(changed));
            fits(whole)
        })
    });
    Some(inner.map_or_else(|| key.clone(), |inner| format!("{key}.{inner}")))
}

/// The most similar known name as a question, if one is near.
fn hint<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    let plain = |s: &str| s.to_lowercase().replace(['_', '-', ' '], "");
    known
        .map(|name| (distance(&plain(unknown), &plain(name)), name))
        .min()
        .filter(|&(far, name)| far <= 1 + name.len() / 5)
        .map_or_else(String::new, |(_, name)| format!(", did you mean `{name}`?"))
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

impl TryFrom<Table> for DataConfig {
    type Error = DataError;

    fn try_from(table: Table) -> Result<Self, DataError> {
        Self::from_table(table)
    }
}

impl From<DataConfig> for Table {
    fn from(config: DataConfig) -> Self {
        // Only maps with keys that are no texts cannot be written, and no part has one.
        let mut table = Self::try_from(&config.common).unwrap_or_default();
        table.insert("name".into(), Value::String(config.set.name().into()));
        table.extend(Self::try_from(&config.split).unwrap_or_default());
        table.extend(config.set.table().unwrap_or_default());
        table
    }
}
