//! Settings of `preview`.

use std::path::PathBuf;

/// Settings of `preview`.
#[derive(clap::Args, Debug)]
pub struct Preview {
    /// Configuration file.
    pub config: PathBuf,
    /// Change one key of the configuration, e.g. data.audio.time_masks=2.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Samples on the sheet, from all over the split.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count, allow_negative_numbers = true)]
    pub n: usize,
    /// Epoch whose random changes are shown, counted from 0; train.seed is their seed.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub epoch: usize,
    /// Split to show: train, or val, of which nothing is changed at random.
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = split)]
    pub split: String,
    /// File to write.
    #[arg(long, value_name = "FILE.png", default_value = "preview.png")]
    pub out: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    pub force: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// A sheet that can still be looked at: with more samples it takes gigabytes.
const MOST: usize = 256;

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=MOST).contains(&count) => Ok(count),
        _ => Err(format!("expected a number of samples from 1 to {MOST}")),
    }
}

fn split(text: &str) -> Result<String, String> {
    match text {
        "train" | "val" => Ok(text.to_owned()),
        "test" => Err("the test split is sealed until `counterpoint evaluate`; choose train or val".into()),
        _ => Err("expected train or val".into()),
    }
}
