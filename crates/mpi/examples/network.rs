//! What the network of an MPI job gives: the two numbers that `counterpoint explain --ranks` asks for.
//!
//!     mpirun -n 2 target/release/examples/network

use std::time::Instant;

use counterpoint::peers::Peers;
use counterpoint_mpi::World;

/// The shortest of several times, in seconds.
fn shortest(rounds: usize, mut run: impl FnMut()) -> f64 {
    let timed = (0..rounds).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed().as_secs_f64()
    });
    timed.fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = World::join().ok_or("this process has taken part in a job already")?;
    let latency = shortest(1000, || drop(world.gather(&[1])));
    // As many numbers as two ResNet-18 have.
    let mut values = vec![1.0_f32; 22_370_000];
    let sum = shortest(10, || {
        values.fill(1.0);
        world.sum(&mut values);
    });
    assert!(values.iter().all(|value| *value == world.size() as f32), "every rank added 1");
    if world.rank() == 0 {
        let others = (world.size() - 1) as f64 / world.size() as f64;
        let bytes = 2.0 * size_of_val(&values[..]) as f64 * others;
        let mut out = std::io::stdout();
        use std::io::Write as _;
        writeln!(
            out,
            "{} ranks, {}: a sum of {:.1} MB takes {:.1} ms, a small message {:.1} us\n--bandwidth {:.2}GB/s --latency {:.1}us",
            world.size(),
            World::library(),
            size_of_val(&values[..]) as f64 * 1e-6,
            sum * 1e3,
            latency * 1e6,
            bytes / sum * 1e-9,
            latency * 1e6 / 2.0,
        )?;
    }
    Ok(())
}
