//! A panic on one rank ends all of them. The test is the program that `mpirun` starts, with a strategy that panics.

use counterpoint::Error;
use counterpoint::catalog::Settings;
use counterpoint::modality::Modalities;
use counterpoint::step::{LossTerm, Phase, Position, Routing, StepOutputs};
use counterpoint::strategy::{Strategy, StrategySettings};
use counterpoint_cli::Catalogs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::env;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

mod support;

/// Trains as joint training does, up to the second epoch of the second rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Panics {}

impl Settings for Panics {
    const NAME: &'static str = "panics";
    const SUMMARY: &'static str = "panics on the second rank";
}

impl StrategySettings for Panics {
    fn build(&self, _: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Ok(Box::new(self.clone()))
    }
}

impl Strategy for Panics {
    fn phases(&self, _: Position, _: &Modalities) -> Vec<Phase> {
        vec![Phase::of([LossTerm::Fused])]
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, names: &Modalities) -> Result<Routing, Error> {
        let second = env::var("OMPI_COMM_WORLD_RANK").is_ok_and(|rank| rank == "1");
        assert!(!second || outputs.at.epoch == 0, "the second rank panics");
        Ok(Routing::default().to_all(LossTerm::Fused, 1.0, names))
    }
}

/// Set where this is a rank.
const RANK: &str = "COUNTERPOINT_TEST_RANK";

fn main() -> ExitCode {
    if env::var_os(RANK).is_some() {
        let mut catalogs = Catalogs::default();
        catalogs.strategies = catalogs.strategies.with::<Panics>();
        return counterpoint_cli::main(catalogs);
    }
    let toy = support::Toy::new();
    toy.edit("toy.toml", "name = \"dgl\"\nalpha = 2.0", "name = \"panics\"");
    let begun = Instant::now();
    let job = Command::new("mpirun")
        .current_dir(&toy.dir)
        .args(["--oversubscribe", "--bind-to", "none", "-n", "2"])
        .arg(env::current_exe().unwrap())
        .args(["train", "toy.toml", "--out", "run", "--quiet", "--set", "train.threads=1"])
        .env(RANK, "1")
        .env("OMPI_MCA_mpi_yield_when_idle", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .stdin(Stdio::null())
        .output()
        .expect("mpirun is there where the feature is tested");
    let ended = support::said(job);
    assert_eq!(ended.code, 70, "{}", ended.err);
    for part in ["the second rank panics", "this is a bug"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "the others waited for the rank that was gone");
    // The first rank had an epoch to write.
    assert!(toy.dir.join("run/checkpoints/last.safetensors").exists());
    ExitCode::SUCCESS
}
