//! Keys that every data set understands.

use std::path::PathBuf;

use counterpoint_batch::check_name;
use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::error::DataError;

/// Keys of `[data]` that do not depend on the set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommonConfig {
    /// Folder or file of the data; relative to the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// The modalities to use, in this order; default: all of the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modalities: Option<Vec<String>>,
    /// Samples in a batch, 1 to 65536; default 64.
    pub batch_size: usize,
    /// Loading threads, 0 to 256; 0 loads in the calling thread; default 1.
    pub workers: usize,
    /// Batches made ahead at most, 1 to 1024; default 4.
    pub prefetch: usize,
    /// Leave out a last training batch that is not full; default false.
    pub drop_last: bool,
    /// Random crops, mirror images, parts and frames in training; default false.
    pub augment: bool,
    /// Memory for decoded samples in MiB, 0 to 1048576; 0 keeps none; default 512.
    pub cache_mb: usize,
    /// How closely the files of all splits are looked at before training; default quick.
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
            drop_last: false,
            augment: false,
            cache_mb: 512,
            check: Check::default(),
        }
    }
}

impl CommonConfig {
    /// Names of the keys.
    pub(crate) const KEYS: [&'static str; 9] = [
        "root",
        "modalities",
        "batch_size",
        "workers",
        "prefetch",
        "drop_last",
        "augment",
        "cache_mb",
        "check",
    ];

    /// Refuses values out of range.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let ranges = [
            ("batch_size", self.batch_size, 1..=65_536),
            ("workers", self.workers, 0..=256),
            ("prefetch", self.prefetch, 1..=1024),
            ("cache_mb", self.cache_mb, 0..=1 << 20),
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
