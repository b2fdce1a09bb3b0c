//! The processes that a launcher started to train one model together.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use counterpoint::peers::{Alone, Peers};

use crate::exit::{Code, Failure};
use crate::output;

/// How many processes the launcher says that it started: Open MPI, MPICH and its kin, SLURM with PMIx.
fn started() -> usize {
    let number = |name: &str| env::var(name).ok()?.parse::<usize>().ok();
    let slurm = || number("PMIX_RANK").and_then(|_| number("SLURM_STEP_NUM_TASKS"));
    number("OMPI_COMM_WORLD_SIZE").or_else(|| number("PMI_SIZE")).or_else(slurm).unwrap_or(1)
}

/// All of them, if there are several.
///
/// # Errors
/// If there are several and this program cannot speak with the others.
pub fn join() -> Result<Arc<dyn Peers>, Failure> {
    match started() {
        0 | 1 => Ok(Arc::new(Alone)),
        count => world(count),
    }
}

#[cfg(feature = "mpi")]
fn world(count: usize) -> Result<Arc<dyn Peers>, Failure> {
    let world = counterpoint_mpi::World::join()
        .ok_or_else(|| Failure::new(Code::Bug, "this process has taken part in an MPI job already"))?;
    if world.size() == count {
        return Ok(Arc::new(world));
    }
    Err(Failure::new(
        Code::Usage,
        format!(
            "the launcher started {count} processes, but the MPI library of this program ({}) sees {}: launch with \
             the mpirun or the --mpi of that library",
            counterpoint_mpi::World::library(),
            world.size()
        ),
    ))
}

#[cfg(not(feature = "mpi"))]
fn world(count: usize) -> Result<Arc<dyn Peers>, Failure> {
    Err(Failure::new(
        Code::Usage,
        format!(
            "a launcher started {count} processes of this program, which cannot train one model together: build it with \
             --features mpi, or, if each is a run of its own, add --alone"
        ),
    ))
}

/// Ends the job, if this process is one of several: the others would wait for it for ever.
pub fn abort(_code: Code) {
    #[cfg(feature = "mpi")]
    counterpoint_mpi::abort(_code as i32);
}

/// Says why this rank failed, and ends the others. What is wrong with all of them, the first one says.
pub fn end(peers: &dyn Peers, failure: Failure) -> Failure {
    if peers.size() > 1 {
        let rank = peers.rank();
        if rank > 0 {
            std::thread::sleep(Duration::from_secs(1));
        }
        let place = if rank > 0 { format!("rank {rank}: ") } else { String::new() };
        output::say(format_args!("error: {place}{failure}"));
        abort(failure.parts().0);
    }
    failure
}
