//! `counterpoint`: train, evaluate, predict and explain from the command line.

fn main() -> std::process::ExitCode {
    counterpoint_cli::main(counterpoint_cli::Catalogs::default())
}
