//! `counterpoint completions`.

use clap::CommandFactory;

use super::print;
use crate::args::Args;
use crate::exit::Failure;

/// Prints a completion script.
pub fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    // Into memory first: clap_complete panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "counterpoint", &mut script);
    print(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
