//! Processes that train one model together.
//!
//! Each has a copy of the model and a share of every batch; the step that all of
//! them make is that of one process with the whole batch. What they tell each other for
//! it goes through [`Peers`]: nobody here knows how it travels.

mod among;
mod counted;
mod message;
mod synchronised;
mod threads;

use std::fmt::Debug;
use std::sync::Arc;

pub(crate) use among::Among;
pub use counted::{Counted, Traffic};
pub use synchronised::Synchronised;
pub use threads::Threads;

pub(crate) use message::{Message, Reader};

/// A process among those that train one model. Whatever one of them calls here, all call, in the
/// same order.
pub trait Peers: Debug + Send + Sync {
    /// Which of them this is, from 0 on.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Adds up what all have, place by place and in the order of ranks, so that everyone gets the
    /// same bits and a run repeats.
    fn sum(&self, values: &mut [f32]);

    /// What each has, by rank.
    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>>;

    /// What each of `ranks` has, in that order; this one is among them. Only these call it, all with the same list,
    /// and two of them meet in the same order wherever they meet.
    fn exchange(&self, ranks: &[usize], mine: &[u8]) -> Vec<Vec<u8>>;

    /// The same ranks for layers that compute statistics of the whole batch, which keep them in the gradient graph;
    /// `None` where layers see the rows of one rank.
    fn of_layers(&self) -> Option<Arc<dyn Peers>> {
        None
    }

    /// Whether any of them says so.
    fn any(&self, flag: bool) -> bool {
        self.gather(&[u8::from(flag)]).concat().contains(&1)
    }
}

/// The only process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Peers for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _values: &mut [f32]) {}

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        vec![mine.to_vec()]
    }

    fn exchange(&self, _ranks: &[usize], mine: &[u8]) -> Vec<Vec<u8>> {
        vec![mine.to_vec()]
    }
}
