//! Ranks that are processes of an MPI job, on one machine or many.
//!
//! Without the feature `mpi` this crate is empty: with it, building needs an MPI library and libclang, and
//! the program needs the same library where it runs.

#![cfg(feature = "mpi")]

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use counterpoint::peers::Peers;
use mpi::Threading;
use mpi::collective::CommunicatorCollectives as _;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::point_to_point::{Destination as _, Source as _};
use mpi::topology::{Communicator as _, SimpleCommunicator};

/// Whether this process is part of a job now.
static JOINED: AtomicBool = AtomicBool::new(false);

/// Numbers of one rank's part of a block in [`Peers::sum`].
const BLOCK: usize = 1 << 16;

/// Bytes of one rank in one round of [`Peers::gather`], at most.
const ROUND: usize = 16 << 20;

/// All processes of the job. The job ends in order when every one of them has dropped this.
pub struct World(Universe);

impl World {
    /// Takes part in the job that this process was started in; the only process of one if no launcher started it.
    /// `None` if this process did so before.
    pub fn join() -> Option<Self> {
        let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)?;
        JOINED.store(true, Ordering::SeqCst);
        Some(Self(universe))
    }

    /// What the library calls itself, in one line.
    pub fn library() -> String {
        let version = mpi::environment::library_version().unwrap_or_default();
        version.lines().next().unwrap_or_default().split(',').next().unwrap_or_default().trim().to_owned()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("rank", &self.rank()).field("size", &self.size()).finish()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        JOINED.store(false, Ordering::SeqCst);
    }
}

/// Ends all processes of the job with this code, if there is one. Whoever just left would have the others wait
/// for ever.
pub fn abort(code: i32) {
    if JOINED.load(Ordering::SeqCst) {
        SimpleCommunicator::world().abort(code);
    }
}

impl Peers for World {
    fn rank(&self) -> usize {
        self.0.world().rank() as usize
    }

    fn size(&self) -> usize {
        self.0.world().size() as usize
    }

    /// Everyone gets a part of everybody's values, adds it up in the order of ranks, and hands the result out: as many
    /// bytes as the library's own sum, whose order depends on the number of ranks. Block by block, so that what is added
    /// is still in the processor's cache.
    fn sum(&self, values: &mut [f32]) {
        let ranks = self.size();
        let (whole, rest) = values.split_at_mut(values.len() / ranks * ranks);
        let mut parts = vec![0.0_f32; whole.len().min(BLOCK * ranks)];
        for block in whole.chunks_mut(BLOCK * ranks) {
            let parts = &mut parts[..block.len()];
            self.0.world().all_to_all_into(&block[..], parts);
            let (own, others) = parts.split_at_mut(block.len() / ranks);
            for other in others.chunks_exact(own.len()) {
                own.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
            }
            self.0.world().all_gather_into(&own[..], block);
        }
        // Fewer than there are ranks.
        if !rest.is_empty() {
            let mut all = vec![0.0_f32; rest.len() * ranks];
            self.0.world().all_gather_into(&rest[..], &mut all[..]);
            for (place, value) in rest.iter_mut().enumerate() {
                let of = all.iter().skip(place).step_by(all.len() / ranks);
                *value = of.copied().reduce(|sum, value| sum + value).unwrap_or_default();
            }
        }
    }

    /// Each sends to each: a message of a layer is a few numbers for each channel.
    fn exchange(&self, ranks: &[usize], mine: &[u8]) -> Vec<Vec<u8>> {
        let (world, own) = (self.0.world(), self.rank());
        let others = || ranks.iter().filter(|&&rank| rank != own);
        mpi::request::scope(|scope| {
            let send = |&rank: &usize| world.process_at_rank(rank as i32).immediate_send(scope, mine);
            let sent: Vec<_> = others().map(send).collect();
            let receive = |&rank: &usize| match rank == own {
                true => mine.to_vec(),
                false => world.process_at_rank(rank as i32).receive_vec::<u8>().0,
            };
            let all = ranks.iter().map(receive).collect();
            for request in sent {
                request.wait();
            }
            all
        })
    }

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let ranks = self.size();
        let mut lengths = vec![0_u64; ranks];
        self.0.world().all_gather_into(&(mine.len() as u64), &mut lengths[..]);
        let mut all: Vec<Vec<u8>> =
            lengths.iter().map(|&length| Vec::with_capacity(length as usize)).collect();
        // MPI counts with 32 bits.
        let round = ROUND.min(i32::MAX as usize / ranks);
        let longest = lengths.iter().copied().max().unwrap_or(0) as usize;
        for start in (0..longest).step_by(round) {
            let of = |length: u64| (length as usize).saturating_sub(start).min(round);
            let counts: Vec<i32> = lengths.iter().map(|&length| of(length) as i32).collect();
            let places: Vec<i32> = counts
                .iter()
                .scan(0, |next, count| {
                    *next += count;
                    Some(*next - count)
                })
                .collect();
            let now = &mine[start.min(mine.len())..][..of(mine.len() as u64)];
            let mut received = vec![0_u8; counts.iter().map(|&count| count as usize).sum()];
            {
                let mut parts = PartitionMut::new(&mut received[..], &counts[..], &places[..]);
                self.0.world().all_gather_varcount_into(now, &mut parts);
            }
            for ((all, &place), &count) in all.iter_mut().zip(&places).zip(&counts) {
                all.extend_from_slice(&received[place as usize..][..count as usize]);
            }
        }
        all
    }
}
