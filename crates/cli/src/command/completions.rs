//! `counterpoint completions`.

use clap::CommandFactory;

use crate::args::Args;
use crate::exit::Failure;

/// Prints a completion script.
pub fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    clap_complete::generate(shell, &mut Args::command(), "counterpoint", &mut std::io::stdout());
    Ok(())
}
