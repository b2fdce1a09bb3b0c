//! `counterpoint`: train, evaluate, predict and explain from the command line.

use counterpoint::Recycler;

#[global_allocator]
static MEMORY: Recycler = Recycler::new();

fn main() -> std::process::ExitCode {
    counterpoint_cli::main(counterpoint_cli::Catalogs::default())
}
