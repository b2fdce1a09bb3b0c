//! Keys that every data set understands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterpoint_batch::check_name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::disk::Disk;
use crate::error::DataError;

/// Keys of `[data]` that every data set understands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CommonConfig {
    /// Folder or file of the data, relative to the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// The modalities to use, in this order; by default all that the set has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modalities: Option<Vec<String>>,
    /// Number of samples in a batch.
    #[schemars(range(min = 1, max = 65536))]
    pub batch_size: usize,
    /// Number of threads that load samples; with 0 the training thread loads them itself.
    #[schemars(range(min = 0, max = 256))]
    pub workers: usize,
    /// Number of batches that are prepared ahead of training at most.
    #[schemars(range(min = 1, max = 1024))]
    pub prefetch: usize,
    /// Memory for batches that are prepared ahead of training, in MiB; fewer than `prefetch` are
    /// prepared where they would take more, but always one.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub prefetch_mb: usize,
    /// Whether a last training batch with fewer samples than the others is left out.
    pub drop_last: bool,
    /// Whether training shows random variations of its samples: crops, mirror images, parts of
    /// recordings, frames. The keys of each modality say which.
    pub augment: bool,
    /// Memory for decoded samples, in MiB; 0 keeps none.
    #[schemars(range(min = 0, max = 1_048_576))]
    pub cache_mb: usize,
    /// Folder in which decoded samples are kept for later epochs and runs, relative to the
    /// configuration file; several runs may share it. None is used by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
    /// Most that `cache_dir` may hold, in MiB; what was not used for the longest time is removed.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub cache_dir_mb: usize,
    /// How closely the files of all splits are checked before training.
    pub check: Check,
}

impl Default for CommonConfig {
    fn default() -> Self {
        Self {
            root: None,
            modalities: None,
            batch_size: 64,
            workers: 1,
            prefetch: 4,
            prefetch_mb: 1024,
            drop_last: false,
            augment: false,
            cache_mb: 512,
            cache_dir: None,
            cache_dir_mb: 20_480,
            check: Check::default(),
        }
    }
}

impl CommonConfig {
    /// Refuses values out of range.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let ranges = [
            ("batch_size", self.batch_size, 1..=65_536),
            ("workers", self.workers, 0..=256),
            ("prefetch", self.prefetch, 1..=1024),
            ("prefetch_mb", self.prefetch_mb, 1..=1 << 20),
            ("cache_mb", self.cache_mb, 0..=1 << 20),
            ("cache_dir_mb", self.cache_dir_mb, 1..=1 << 30),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                return Err(DataError::config(format!(
                    "`{key}` must be from {} to {}, got {value}",
                    range.start(),
                    range.end()
                )));
            }
        }
        for name in self.modalities.iter().flatten() {
            check_name(name).map_err(|why| {
                DataError::config(format!("`modalities` names `{}`: {why}", name.escape_debug()))
            })?;
        }
        match &self.modalities {
            Some(names) if names.is_empty() => {
                Err(DataError::config("`modalities` must name at least one; leave it out to use all"))
            }
            Some(names) => match (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
                Some(twice) => Err(DataError::config(format!("`modalities` names `{}` twice", names[twice]))),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// The same keys with paths that start in a folder.
    pub(crate) fn within(&self, base: &Path) -> Self {
        Self { cache_dir: self.cache_dir.as_ref().map(|folder| base.join(folder)), ..self.clone() }
    }

    /// The folder of decoded samples, if there is one.
    ///
    /// # Errors
    /// If it cannot be made or listed.
    pub(crate) fn disk(&self) -> Result<Option<Arc<Disk>>, DataError> {
        let limit = (self.cache_dir_mb as u64).saturating_mul(1 << 20);
        self.cache_dir.as_ref().map(|folder| Disk::open(folder, limit).map(Arc::new)).transpose()
    }

    /// The chosen modalities out of those that the set has.
    pub(crate) fn choose(&self, available: &[&str]) -> Result<Vec<String>, DataError> {
        let Some(names) = &self.modalities else {
            return Ok(available.iter().map(|&n| n.to_owned()).collect());
        };
        match names.iter().find(|name| !available.contains(&name.as_str())) {
            Some(unknown) => Err(DataError::config(format!(
                "`modalities` names `{unknown}`, this data set has: {}",
                available.join(", ")
            ))),
            None => Ok(names.clone()),
        }
    }
}
