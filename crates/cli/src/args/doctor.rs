//! Settings of `doctor`.

use std::path::PathBuf;

/// Settings of `doctor`.
#[derive(clap::Args, Debug)]
pub struct Doctor {
    /// A configuration, a prepared folder, or a CSV with columns `audio`, `video` or `image`.
    #[arg(value_name = "DATA|CONFIG")]
    pub data: PathBuf,
    /// Change one key of the configuration, e.g. data.root=PATH.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Write a page of thumbnails and spectrograms to look at, those with findings first.
    #[arg(long, value_name = "FILE.html")]
    pub sheet: Option<PathBuf>,
    /// Samples on that page.
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub samples: usize,
    /// Replace the page if it exists.
    #[arg(long)]
    pub force: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}
