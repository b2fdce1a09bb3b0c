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

mod allocator;
mod args;
mod catalogs;
mod command;
pub mod config;
pub mod exit;
pub mod folder;
mod leaks;
mod model;
mod output;
mod place;
mod predictions;
mod reference;
pub mod run;
mod scores;
mod stop;
pub mod study;
mod target;
pub mod watch;

use std::process::ExitCode;

pub use catalogs::Catalogs;

use args::{Args, Command};
use clap::Parser;

/// Reads the arguments of the process, does what they say with the parts that
/// there are, and gives the exit code.
pub fn main(catalogs: Catalogs) -> ExitCode {
    allocator::keep_buffers();
    exit::report_panics();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(answer) => return exit::answer(&answer),
    };
    exit::code(catalogs.during(|| run(args.command)))
}

fn run(command: Command) -> Result<(), exit::Failure> {
    match command {
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
        Command::ExportWeights(export) => command::export_weights::run(&export),
        Command::Devices(devices) => command::devices::run(&devices),
        Command::List(list) => command::list::run(&list),
        Command::Schema { of } => command::schema::run(of),
        Command::Completions { shell } => command::completions::run(shell),
    }
}
