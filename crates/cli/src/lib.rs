//! The `counterpoint` command as a library: train, evaluate, predict, compare
//! and report, for programs that bring parts of their own.
//!
//! The command itself is three lines:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     counterpoint_cli::main(counterpoint_cli::Catalogs::default())
//! }
//! ```
//!
//! What it does can also be called: [`run`] trains one configuration in a [`folder`], [`study`] many
//! of them under equal budgets, and `counterpoint_report` reads both. Parts of one's own take part
//! within [`Catalogs::during`]. Messages that the command would print are [`exit::Failure`]s.
//!
//! ```no_run
//! use std::error::Error;
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//!
//! use counterpoint_cli::run::{Run, RunOptions};
//! use counterpoint_cli::{config, study};
//! use counterpoint_report::record::Log;
//! use counterpoint_report::report::{Options, read, report};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     // Another thread may set it: training then ends after its step and can be resumed.
//!     let stop = AtomicBool::new(false);
//!
//!     // One run.
//!     let loaded = config::load(Path::new("configs/spoken-digits-dgl.toml"), &["train.epochs=3".into()])?;
//!     let options = RunOptions { quiet: true, tui: false, resume: false, stop: &stop, peers: &counterpoint::peers::Alone };
//!     let folder = Run::open(loaded)?.train(Path::new("runs/dgl"), &options)?;
//!     for epoch in Log::read(folder.metrics())?.epochs() {
//!         println!("{} {:?}", epoch.epoch, epoch.val);
//!     }
//!
//!     // A study: each of its runs is a process of the program that is named here.
//!     let spec = study::load(Path::new("configs/studies/spoken-digits.toml"), &[])?;
//!     let options = study::Options { program: Some("counterpoint".into()), ..Default::default() };
//!     let (record, metric) = study::run(&spec, Path::new("studies/digits"), &options, &stop)?;
//!     println!("{} runs, chosen by {}", record.runs.len(), metric.name);
//!
//!     // The page about both.
//!     let records = read(&["runs/dgl", "studies/digits"])?;
//!     let page = report(&records.runs, &Options { studies: records.studies, ..Default::default() });
//!     std::fs::write("report.html", page.to_html())?;
//!     Ok(())
//! }
//! ```

mod args;
mod catalogs;
mod command;
pub mod config;
pub mod exit;
pub mod folder;
mod leaks;
mod located;
mod lock;
mod model;
mod output;
mod place;
mod predictions;
mod ranks;
mod reference;
pub mod run;
pub mod run_info;
mod scores;
mod screen;
mod stop;
pub mod study;
mod target;
pub mod watch;
mod words;

use std::process::ExitCode;

pub use catalogs::Catalogs;

use args::{Args, Command};
use clap::Parser;

/// Reads the arguments of the process, does what they say with the parts that
/// there are, and gives the exit code.
pub fn main(catalogs: Catalogs) -> ExitCode {
    exit::report_panics(ranks::abort);
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(answer) => return exit::answer(&answer),
    };
    exit::code(catalogs.during(|| run(args.command)))
}

fn run(command: Command) -> Result<(), exit::Failure> {
    match command {
        Command::Prepare(prepare) => command::prepare::run(&prepare),
        Command::Doctor(doctor) => command::doctor::run(&doctor),
        Command::Preview(preview) => command::preview::run(&preview),
        Command::Train(train) => command::train::run(train),
        Command::Evaluate(evaluate) => command::evaluate::run(&evaluate),
        Command::Export(export) => command::export::run(&export),
        Command::Predict(predict) => command::predict::run(&predict),
        Command::Compare(compare) => command::compare::run(&compare),
        Command::Ablate(ablate) => command::ablate::run(&ablate),
        Command::Sweep(sweep) => command::sweep::run(&sweep),
        Command::Leaks(leaks) => command::leaks::run(&leaks),
        Command::Report(report) => command::report::run(&report),
        Command::Explain(explain) => command::explain::run(&explain),
        Command::ExportShards(export) => command::export_shards::run(&export),
        Command::ExportWeights(export) => command::export_weights::run(&export),
        Command::Devices(devices) => command::devices::run(&devices),
        Command::List(list) => command::list::run(&list),
        Command::Schema { of } => command::schema::run(of),
        Command::Completions { shell } => command::completions::run(shell),
    }
}
