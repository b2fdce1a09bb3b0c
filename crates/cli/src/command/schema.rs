//! `counterpoint schema`.

use super::print;
use crate::args::SchemaOf;
use crate::config::Config;
use crate::exit::Failure;
use crate::study;

/// Prints the JSON schema of a file that the command reads.
pub fn run(of: SchemaOf) -> Result<(), Failure> {
    let schema = match of {
        SchemaOf::Run => Config::schema(),
        SchemaOf::Study => study::schema(),
    };
    print(format!("{schema:#}"));
    Ok(())
}
