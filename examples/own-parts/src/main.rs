//! The `counterpoint` command with parts of its own.

mod columns;
mod relay;
mod tanh;

use counterpoint::Recycler;
use counterpoint_cli::Catalogs;

#[global_allocator]
static MEMORY: Recycler = Recycler::new();

fn main() -> std::process::ExitCode {
    let mut catalogs = Catalogs::default();
    catalogs.strategies = catalogs.strategies.with::<relay::Relay>();
    catalogs.encoders = catalogs.encoders.with::<tanh::TanhConfig>();
    catalogs.data = catalogs.data.with::<columns::Columns>();
    counterpoint_cli::main(catalogs)
}
