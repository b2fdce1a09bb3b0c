//! The command line.

mod doctor;
mod network;
mod prepare;
mod preview;
mod study;

pub use doctor::Doctor;
pub use network::Network;
pub use prepare::{Prepare, Split as PrepareSplit};
pub use preview::Preview;
pub use study::{Ablate, Compare, ExportShards, Leaks, StudyArgs, Sweep};

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::Config;

/// Trains multimodal models so that every modality's encoder learns as well as in unimodal training.
#[derive(Parser, Debug)]
#[command(name = "counterpoint", version, about, after_help = AFTER_HELP)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "Exit codes: 0 done, 2 wrong usage, 3 invalid configuration, 4 unusable data, 5 training \
                          diverged, 6 interrupted (train --resume or the same compare continues), 7 a run folder, a \
                          checkpoint or standard output cannot be read or written, 8 another process works in the \
                          folder, 9 runs of a study are missing, 70 a bug.";

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Turn raw recordings into a data set that trains: sound, frames, splits, check sums, a list of bad clips.
    Prepare(Prepare),
    /// Look at every file of a data set: damaged, silent, blank, doubled or leaking; balance and figures.
    Doctor(Doctor),
    /// Draw what the model sees of some samples, before and after the random changes of training.
    Preview(Preview),
    /// Train the model of a configuration, or continue a run.
    Train(Train),
    /// Evaluate a run on the held-out test split; each access is recorded.
    Evaluate(Evaluate),
    /// Write scores, features and correctness of every sample of a split as .npz.
    Export(Export),
    /// Classify single files with a trained run.
    Predict(Predict),
    /// Compare methods over seeds and variants, with references and equal budgets.
    Compare(Compare),
    /// Train every step between joint training and DGL, to see what each truncation contributes.
    Ablate(Ablate),
    /// Try values of any keys, choose on validation, evaluate the chosen one on the test split.
    Sweep(Sweep),
    /// Report groups and contents that are in two splits.
    Leaks(Leaks),
    /// Write one HTML file about runs that opens offline: results, curves, verdicts.
    Report(Report),
    /// Show which loss trains which parameters: the matrix W and the parameter groups.
    Explain(Explain),
    /// Write the files of a data set as tar archives (WebDataset), which the data set `shards` reads.
    ExportShards(ExportShards),
    /// Write the weights of a run as safetensors for other programs.
    ExportWeights(ExportWeights),
    /// List what this program can compute on here.
    Devices(Devices),
    /// List strategies, encoders, fusions, heads and data sets, or the settings of one.
    List(List),
    /// Print the JSON schema of configurations, for editors that check and complete them.
    Schema {
        /// Of which file.
        #[arg(value_enum, default_value_t = SchemaOf::Run)]
        of: SchemaOf,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where to compute.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Computing {
    /// Compute on cpu, cuda:0, vulkan, .., or auto [default: train.device]; `counterpoint devices` lists them.
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
}

impl Computing {
    /// Says so in a configuration.
    pub fn apply(&self, config: &mut Config) {
        if let Some(device) = &self.device {
            config.train.device.clone_from(device);
        }
    }
}

/// Settings of `train`.
#[derive(clap::Args, Debug)]
pub struct Train {
    /// Configuration file; may be left out with --resume.
    #[arg(required_unless_present = "resume")]
    pub config: Option<PathBuf>,
    /// Run folder [default: runs/CONFIG-STRATEGY-seedN].
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    pub out: Option<PathBuf>,
    /// Change one key of the configuration, e.g. train.seed=3 or strategy.name=joint; of a run that
    /// is resumed without its configuration only data.root, where its data are now.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where to compute.
    #[command(flatten)]
    pub computing: Computing,
    /// Continue the run in the folder exactly where it stopped.
    #[arg(long)]
    pub resume: bool,
    /// After the last epoch, evaluate on the test split once; rerunning does not evaluate again.
    #[arg(long)]
    pub test: bool,
    /// With --test: also fit linear probes to the features of each modality.
    #[arg(long, requires = "test")]
    pub probe: bool,
    /// Print the complete configuration with all defaults, and do nothing else.
    #[arg(long)]
    pub print_config: bool,
    /// Build everything, check the files, check that every parameter learns, and measure one step; keep nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
    /// No progress on stderr.
    #[arg(long, short)]
    pub quiet: bool,
    /// Folder that relative paths of the configuration start from.
    #[arg(long, value_name = "DIR", hide = true, requires = "config")]
    pub base: Option<PathBuf>,
    /// Stop after the current step when standard input closes.
    #[arg(long, hide = true)]
    pub supervised: bool,
    /// Train by oneself, although a launcher started several of these processes: each is a run of its own.
    #[arg(long)]
    pub alone: bool,
    /// A run of a study: one that has ended is left alone.
    #[arg(long, hide = true, requires_all = ["config", "out", "resume"])]
    pub job: bool,
    /// Show losses, scores, gradients and suppression on the whole terminal; without a terminal, plain lines.
    #[arg(long, conflicts_with = "quiet")]
    pub tui: bool,
}

/// Which split to evaluate on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The validation split.
    Val,
    /// The sealed test split.
    Test,
}

/// Settings of `evaluate`.
#[derive(clap::Args, Debug)]
pub struct Evaluate {
    /// Run folder.
    pub run: PathBuf,
    /// Where the data are now, if they were moved: data.root=PATH.
    #[arg(long = "set", value_name = "data.root=PATH")]
    pub set: Vec<String>,
    /// Where to compute.
    #[command(flatten)]
    pub computing: Computing,
    /// Split to evaluate on.
    #[arg(long, value_enum, default_value_t = Part::Test)]
    pub split: Part,
    /// Evaluate on data that changed since training, for example after a file was repaired; the reason and the
    /// changes are recorded with the access.
    #[arg(long, value_name = "REASON")]
    pub accept_changed_data: Option<String>,
    /// Fit a linear probe to the frozen features of each modality and score it, too.
    #[arg(long)]
    pub probe: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `export`.
#[derive(clap::Args, Debug)]
pub struct Export {
    /// Run folder.
    pub run: PathBuf,
    /// Where the data are now, if they were moved: data.root=PATH.
    #[arg(long = "set", value_name = "data.root=PATH")]
    pub set: Vec<String>,
    /// Where to compute.
    #[command(flatten)]
    pub computing: Computing,
    /// Split; an access to the test split is recorded.
    #[arg(long, value_enum)]
    pub split: Part,
    /// File to write, for NumPy.
    #[arg(long, value_name = "FILE.npz")]
    pub out: PathBuf,
    /// Fit a linear probe to the frozen features of each modality and score it, too.
    #[arg(long)]
    pub probe: bool,
    /// Replace files that exist.
    #[arg(long)]
    pub force: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `predict`.
#[derive(clap::Args, Debug)]
pub struct Predict {
    /// Run folder.
    pub run: PathBuf,
    /// Where the data are now; a prediction only checks that they are there: data.root=PATH.
    #[arg(long = "set", value_name = "data.root=PATH")]
    pub set: Vec<String>,
    /// Where to compute.
    #[command(flatten)]
    pub computing: Computing,
    /// File of modality `audio`.
    #[arg(long, value_name = "FILE")]
    pub audio: Option<PathBuf>,
    /// File of modality `image`.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// File of modality `video`.
    #[arg(long, value_name = "FILE")]
    pub video: Option<PathBuf>,
    /// File of a modality of any name.
    #[arg(long = "input", value_name = "MODALITY=FILE")]
    pub inputs: Vec<String>,
    /// Segmentation: write the class of every pixel as the grey values of a PNG.
    #[arg(long, value_name = "FILE.png")]
    pub out: Option<PathBuf>,
    /// Replace files that exist.
    #[arg(long)]
    pub force: bool,
    /// Which checkpoint: best or last.
    #[arg(long, default_value = "best", value_parser = ["best", "last"])]
    pub checkpoint: String,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `report`.
#[derive(clap::Args, Debug)]
pub struct Report {
    /// Run folders, or folders that hold them, such as a study.
    #[arg(required = true, value_name = "RUN|STUDY")]
    pub runs: Vec<PathBuf>,
    /// File to write [default: report.html in the one folder given, else here].
    #[arg(long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Score by which methods are compared [default: the study's, else the one that selected the best epochs].
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// Method the others are compared with [default: the study's, else joint, else the first].
    #[arg(long, value_name = "METHOD")]
    pub baseline: Option<String>,
    /// Write figures as SVG and tables as CSV, Markdown and LaTeX into this folder, too.
    #[arg(long, value_name = "DIR")]
    pub assets: Option<PathBuf>,
    /// Replace files that exist; the report in a folder that is reported on is always replaced.
    #[arg(long)]
    pub force: bool,
}

/// Settings of `explain`.
#[derive(clap::Args, Debug)]
pub struct Explain {
    /// Configuration file, or the folder of a run.
    pub config: PathBuf,
    /// Change one key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Measure a step, count what ranks that share its batch tell each other, and say what so many would gain.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks: Option<u32>,
    /// Between them.
    #[command(flatten)]
    pub network: Network,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `export-weights`.
#[derive(clap::Args, Debug)]
pub struct ExportWeights {
    /// Run folder.
    pub run: PathBuf,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace files that exist.
    #[arg(long)]
    pub force: bool,
    /// Only the tensors whose names begin with this part, which is removed, e.g. encoder.audio.
    #[arg(long, value_name = "NAME")]
    pub part: Option<String>,
    /// Which checkpoint: best or last.
    #[arg(long, default_value = "best", value_parser = ["best", "last"])]
    pub checkpoint: String,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaOf {
    /// A configuration of one run: save it as run.schema.json and begin the file with
    /// `#:schema ./run.schema.json`.
    Run,
    /// A study for `compare`, `ablate` and `sweep`: in the same way.
    Study,
}

/// Settings of `devices`.
#[derive(clap::Args, Debug)]
pub struct Devices {
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `list`.
#[derive(clap::Args, Debug)]
pub struct List {
    /// A kind, as `strategy`, or a section, as `train`; all parts by default.
    pub kind: Option<String>,
    /// One of that kind, as `dgl`: all its settings with type, default, range and meaning.
    pub name: Option<String>,
    /// Print the settings of everything as one Markdown page.
    #[arg(long, conflicts_with_all = ["kind", "json"])]
    pub markdown: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}
