//! What the fuzz targets share: a limit on memory, and files in memory-backed folders.

use std::alloc::System;
use std::fs;
use std::path::{Path, PathBuf};

use cap::Cap;
use counterpoint_batch::BatchSource;
use counterpoint_data::{DataConfig, Loader, LoaderOptions};

/// No input of a few kilobytes justifies more: who asks for more than this is stopped, and that is a finding.
const MOST: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MOST);

/// A folder of this process.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("counterpoint-fuzz-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a scratch folder");
        Self(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).expect("a scratch file");
    }
}

/// Opens a data set as `train` does and reads one batch of it; whether that was possible. Any refusal is right,
/// as long as it is one.
fn open_and_read(data: &str, base: &Path) -> bool {
    let config = DataConfig::from_toml(data).expect("the target's own configuration");
    let Ok(splits) = config.open(base) else { return false };
    let options = LoaderOptions { workers: 0, batch_size: 2, ..LoaderOptions::eval(&config.common) };
    let Ok(loader) = Loader::new(splits.train, options) else { return false };
    let Some(Ok(batch)) = loader.epoch(0, 0).next() else { return false };
    for input in &batch.inputs {
        assert_eq!(input.array.shape()[0], batch.ids.len(), "a batch of another length than its samples");
    }
    true
}

/// A data set that begins as a sound one: with a configuration that nothing fits, every input would be refused at once.
#[derive(Debug)]
pub struct Folder {
    scratch: Scratch,
    data: &'static str,
}

impl Folder {
    /// A folder with these files, which are a data set.
    #[must_use]
    pub fn new(name: &str, data: &'static str, files: &[(&str, &[u8])]) -> Self {
        let scratch = Scratch::new(name);
        files.iter().for_each(|(name, bytes)| scratch.write(name, bytes));
        assert!(open_and_read(data, scratch.path()), "the target's own data set is refused");
        Self { scratch, data }
    }

    /// Reads it with another content of one file.
    pub fn read_with(&self, name: &str, bytes: &[u8]) {
        self.scratch.write(name, bytes);
        open_and_read(self.data, self.scratch.path());
    }
}
