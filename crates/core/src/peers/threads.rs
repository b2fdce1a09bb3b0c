//! Ranks that are threads of one process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Peers;

/// One rank of several in one process: what tests need, and what shows that nothing depends on how
/// messages travel.
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    table: Arc<Table>,
}

#[derive(Debug)]
struct Table {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What was laid down in this round, by rank.
    laid: Vec<Option<Vec<u8>>>,
    /// The last full round, and how many have still to take it.
    full: Arc<Vec<Vec<u8>>>,
    waiting: usize,
    /// What one rank sent another, in order.
    sent: BTreeMap<[usize; 2], VecDeque<Vec<u8>>>,
    left: bool,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        assert!(!state.left, "another rank has ended");
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Threads {
    /// As many ranks, one for each thread.
    pub fn of(size: usize) -> Vec<Self> {
        let state = State { laid: vec![None; size], ..State::default() };
        let table = Arc::new(Table { size, state: Mutex::new(state), changed: Condvar::new() });
        (0..size).map(|rank| Self { rank, table: Arc::clone(&table) }).collect()
    }

    fn round(&self, mine: &[u8]) -> Arc<Vec<Vec<u8>>> {
        let table = &self.table;
        let mut state = table.lock();
        // The round before is over once all have taken it.
        while state.waiting > 0 && state.laid[self.rank].is_none() {
            state = table.wait(state);
        }
        state.laid[self.rank] = Some(mine.to_vec());
        if state.laid.iter().all(Option::is_some) {
            let all = state.laid.iter_mut().filter_map(Option::take).collect();
            (state.full, state.waiting) = (Arc::new(all), table.size);
            table.changed.notify_all();
        }
        while state.waiting == 0 {
            state = table.wait(state);
        }
        state.waiting -= 1;
        let full = Arc::clone(&state.full);
        table.changed.notify_all();
        full
    }
}

impl Peers for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.table.size
    }

    fn sum(&self, values: &mut [f32]) {
        let mine: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = self.round(&mine);
        let read = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        for (place, value) in values.iter_mut().enumerate() {
            let of = |rank: &Vec<u8>| read(&rank.as_chunks::<4>().0[place]);
            *value = all[1..].iter().fold(of(&all[0]), |sum, rank| sum + of(rank));
        }
    }

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        self.round(mine).to_vec()
    }

    fn exchange(&self, ranks: &[usize], mine: &[u8]) -> Vec<Vec<u8>> {
        let mut state = self.table.lock();
        for &other in ranks.iter().filter(|&&other| other != self.rank) {
            state.sent.entry([self.rank, other]).or_default().push_back(mine.to_vec());
        }
        self.table.changed.notify_all();
        let mut all = Vec::with_capacity(ranks.len());
        for &other in ranks {
            all.push(loop {
                match state.sent.get_mut(&[other, self.rank]).and_then(VecDeque::pop_front) {
                    _ if other == self.rank => break mine.to_vec(),
                    Some(message) => break message,
                    None => state = self.table.wait(state),
                }
            });
        }
        all
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Whoever waits for a rank that ended early would wait for ever.
        self.table.lock().left = true;
        self.table.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn with<T: Send>(size: usize, run: impl Fn(&Threads) -> T + Sync) -> Vec<T> {
        let run = &run;
        thread::scope(|scope| {
            let started: Vec<_> =
                Threads::of(size).into_iter().map(|rank| scope.spawn(move || run(&rank))).collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn rounds_follow_each_other_and_sums_are_in_order() {
        let values = |rank: usize, round: usize| [1e8, 1.0, -1e8, 0.25][(rank + round) % 4];
        let sums = with(4, |peers| {
            let mut sums = Vec::new();
            for round in 0..200 {
                let mut mine = [values(peers.rank(), round), round as f32];
                peers.sum(&mut mine);
                assert_eq!(mine[1], 4.0 * round as f32);
                sums.push(mine[0]);
                let names = peers.gather(&vec![peers.rank() as u8; peers.rank()]);
                assert!(names.iter().enumerate().all(|(rank, name)| *name == vec![rank as u8; rank]));
                assert!(!peers.any(false) && peers.any(peers.rank() == 2));
            }
            sums
        });
        let expected: Vec<f32> = (0..200)
            .map(|round| (1..4).fold(values(0, round), |sum, rank| sum + values(rank, round)))
            .collect();
        assert!(sums.iter().all(|of| *of == expected));
    }

    #[test]
    fn some_exchange_what_others_never_hear() {
        let seen = with(3, |peers| {
            let mut seen = Vec::new();
            for round in 0..50_u8 {
                let mine = [peers.rank() as u8, round];
                if peers.rank() != 1 {
                    seen.push(peers.exchange(&[0, 2], &mine).concat());
                }
                if peers.rank() > 0 {
                    seen.push(peers.exchange(&[1, 2], &mine).concat());
                }
                assert_eq!(peers.gather(&[round]), vec![[round]; 3]);
            }
            seen
        });
        let of = |ranks: [u8; 2]| (0..50).map(move |round| vec![ranks[0], round, ranks[1], round]);
        let both = of([0, 2]).zip(of([1, 2])).flat_map(|(a, b)| [a, b]).collect::<Vec<_>>();
        assert_eq!(seen, [of([0, 2]).collect(), of([1, 2]).collect(), both]);
    }

    #[test]
    fn nobody_waits_for_a_rank_that_has_ended() {
        let mut ranks = Threads::of(2);
        let (second, first) = (ranks.pop().unwrap(), ranks.pop().unwrap());
        let waiting = thread::spawn(move || first.gather(&[]));
        drop(second);
        assert!(waiting.join().is_err());
    }
}
