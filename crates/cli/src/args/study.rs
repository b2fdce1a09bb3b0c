//! Subcommands that train many models.

use std::path::PathBuf;

use super::Computing;

/// How a study runs.
#[derive(clap::Args, Debug)]
pub struct StudyArgs {
    /// Number of runs trained at a time [default: number of cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Where runs compute.
    #[command(flatten)]
    pub computing: Computing,
    /// Memory for all runs together, GB [default: four fifths of the free memory].
    #[arg(long, value_name = "GB")]
    pub memory_gb: Option<f64>,
    /// Start every run through this command, such as "srun -n1"; a shell reads it. --jobs says how many at a time.
    #[arg(long, value_name = "COMMAND")]
    pub launcher: Option<String>,
    /// Train nothing, but write one command a line for the runs that are left: other machines do them; see
    /// docs/clusters.md.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["collect", "launcher", "jobs", "memory_gb", "json"])]
    pub plan: Option<PathBuf>,
    /// Train nothing, but finish the study from the runs that are there, and say which are missing.
    #[arg(long, conflicts_with_all = ["launcher", "jobs", "memory_gb"])]
    pub collect: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
    /// No progress on stderr.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Settings of `compare`.
#[derive(clap::Args, Debug)]
pub struct Compare {
    /// Study file, which says what is compared; see docs/studies.md.
    pub spec: PathBuf,
    /// Study folder [default: studies/SPEC].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Change one key of the common configuration, e.g. train.epochs=20.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Open the data and build every method, but train and write nothing.
    #[arg(long, conflicts_with_all = ["plan", "collect"])]
    pub dry_run: bool,
    /// How it runs.
    #[command(flatten)]
    pub study_args: StudyArgs,
}

/// Settings of `ablate`.
#[derive(clap::Args, Debug)]
pub struct Ablate {
    /// Configuration file; its strategy is replaced.
    pub config: PathBuf,
    /// Weight of the unimodal losses in all rows.
    #[arg(long, default_value_t = 4.0)]
    pub alpha: f64,
    /// Seeds: a number of seeds, or a list such as 0,3,7.
    #[arg(long, default_value = "3")]
    pub seeds: String,
    /// Study folder [default: studies/ablate-CONFIG].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Change one key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How it runs.
    #[command(flatten)]
    pub study_args: StudyArgs,
}

/// Settings of `sweep`.
#[derive(clap::Args, Debug)]
pub struct Sweep {
    /// Configuration file.
    pub config: PathBuf,
    /// A key and its values, such as strategy.alpha=1,2,4, or with --random a range, such as
    /// optimizer.lr=0.001..0.1 or, uniformly in the logarithm, optimizer.lr=log:0.001..0.1.
    #[arg(long = "key", value_name = "KEY=VALUES", required = true)]
    pub keys: Vec<String>,
    /// Try this number of settings at random instead of all combinations.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10000))]
    pub random: Option<u16>,
    /// Seed of the random settings.
    #[arg(long, default_value_t = 0)]
    pub draw_seed: u64,
    /// Seeds: a number of seeds, or a list such as 0,3,7. Every setting is trained with all of them.
    #[arg(long, default_value = "3")]
    pub seeds: String,
    /// Study folder [default: studies/sweep-CONFIG].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Change one key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How it runs.
    #[command(flatten)]
    pub study_args: StudyArgs,
}

/// Settings of `export-shards`.
#[derive(clap::Args, Debug)]
pub struct ExportShards {
    /// Configuration file; only its [data] is used.
    pub config: PathBuf,
    /// Folder of the archives, new or empty.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Size from which on an archive is full, in MiB.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub mb: u64,
    /// Change one key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `leaks`.
#[derive(clap::Args, Debug)]
pub struct Leaks {
    /// Configuration file; only its [data] is used.
    pub config: PathBuf,
    /// Change one key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// End with exit code 4 if a group or a file content is in two splits.
    #[arg(long)]
    pub strict: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}
