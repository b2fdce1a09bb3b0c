//! Worker threads that make batches ahead of their use.
//!
//! A worker takes the next number only while fewer than `ahead` batches lie
//! between it and the consumer, so memory is bounded; finished batches wait
//! under their number, so they leave in order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use counterpoint_batch::SourceError;

use crate::error::{DataError, ErrorKind};

/// What consumer and workers share.
struct Desk<T> {
    state: Mutex<State<T>>,
    /// Told when a batch is finished or a place becomes free.
    changed: Condvar,
    stop: AtomicBool,
    end: usize,
    ahead: usize,
}

struct State<T> {
    /// The next number that nobody has taken.
    next: usize,
    /// The next number the consumer wants.
    wanted: usize,
    done: BTreeMap<usize, Result<T, DataError>>,
}

impl<T> Desk<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits for a free place and takes a number; `None` when there is no more to do.
    fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if self.stopped() || state.next >= self.end {
                return None;
            }
            if state.next < state.wanted + self.ahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.wait(state);
        }
    }

    fn work(&self, make: &(impl Fn(usize, &dyn Fn() -> bool) -> Result<T, DataError> + ?Sized)) {
        while let Some(number) = self.take() {
            let made = catch_unwind(AssertUnwindSafe(|| make(number, &|| self.stopped())));
            let made = made.unwrap_or_else(|panic| Err(panicked(number, panic.as_ref())));
            self.lock().done.insert(number, made);
            self.changed.notify_all();
        }
    }
}

/// The message of a panic as an error.
fn panicked(number: usize, panic: &(dyn std::any::Any + Send)) -> DataError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    DataError::new(
        ErrorKind::Internal,
        format!("the worker that made batch {number} panicked: {text}; please report this"),
    )
}

/// Results of `make` for a range of numbers, in order, made by threads.
pub struct Feed<T> {
    desk: Arc<Desk<T>>,
    threads: Vec<JoinHandle<()>>,
    /// Set when no thread could be started.
    refused: Option<DataError>,
    finished: bool,
}

impl<T: Send + 'static> Feed<T> {
    /// Starts `workers` threads that keep at most `ahead` results in flight.
    pub fn start<M>(make: M, range: Range<usize>, workers: usize, ahead: usize) -> Self
    where
        M: Fn(usize, &dyn Fn() -> bool) -> Result<T, DataError> + Send + Sync + 'static,
    {
        let state = State { next: range.start, wanted: range.start, done: BTreeMap::new() };
        let desk = Arc::new(Desk {
            state: Mutex::new(state),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            end: range.end,
            ahead: ahead.max(1),
        });
        let make = Arc::new(make);
        let (mut threads, mut refused) = (Vec::new(), None);
        for number in 0..workers {
            let (desk, make) = (Arc::clone(&desk), Arc::clone(&make));
            match Builder::new().name(format!("loader-{number}")).spawn(move || desk.work(&*make)) {
                Ok(thread) => threads.push(thread),
                Err(cause) if threads.is_empty() => {
                    let error = DataError::new(
                        ErrorKind::Io,
                        "no loading thread could be started; set `workers` = 0",
                    );
                    refused = Some(error.because(cause));
                    break;
                }
                Err(_) => break, // fewer threads make the same batches
            }
        }
        Self { desk, threads, refused, finished: false }
    }
}

impl<T> Iterator for Feed<T> {
    type Item = Result<T, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        if let Some(error) = self.refused.take() {
            self.finished = true;
            return Some(Err(error.into()));
        }
        let mut state = self.desk.lock();
        if state.wanted >= self.desk.end {
            self.finished = true;
            return None;
        }
        let wanted = state.wanted;
        loop {
            if let Some(made) = state.done.remove(&wanted) {
                state.wanted += 1;
                drop(state);
                self.desk.changed.notify_all();
                self.finished = made.is_err();
                return Some(made.map_err(Into::into));
            }
            state = self.desk.wait(state);
        }
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        {
            // Under the lock, or a worker between its check and its sleep would miss it.
            let _state = self.desk.lock();
            self.desk.stop.store(true, Ordering::Relaxed);
        }
        self.desk.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches its panics, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::{Duration, Instant};

    use super::*;

    type Make = fn(usize, &dyn Fn() -> bool) -> Result<usize, DataError>;

    #[test]
    fn results_come_in_order_however_long_each_takes() {
        let make: Make = |n, _| {
            std::thread::sleep(Duration::from_millis([7, 1, 3][n % 3]));
            Ok(n)
        };
        for workers in [1, 2, 4] {
            let got: Vec<usize> = Feed::start(make, 3..20, workers, 3).map(Result::unwrap).collect();
            assert_eq!(got, (3..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_or_panic_arrives_in_its_place_and_ends() {
        let make: Make = |n, _| match n {
            4 => Err(DataError::format("four is bad")),
            _ => Ok(n),
        };
        let got: Vec<_> = Feed::start(make, 0..9, 3, 4).collect();
        assert_eq!(got.len(), 5);
        assert_eq!(got[4].as_ref().unwrap_err().to_string(), "four is bad");
        let make: Make = |n, _| if n == 2 { panic!("number {n}") } else { Ok(n) };
        let got: Vec<_> = Feed::start(make, 0..9, 2, 4).collect();
        assert_eq!(got.len(), 3);
        assert!(got[2].as_ref().unwrap_err().to_string().contains("made batch 2 panicked: number 2"));
    }

    #[test]
    fn no_more_than_the_limit_is_in_flight() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let make: Make = |n, _| {
            MADE.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        };
        let mut feed = Feed::start(make, 0..100, 4, 3);
        for taken in 1..6 {
            assert!(feed.next().unwrap().is_ok());
            std::thread::sleep(Duration::from_millis(20));
            assert!(MADE.load(Ordering::SeqCst) <= taken + 3);
        }
    }

    #[test]
    fn dropping_stops_the_workers_at_once() {
        let make: Make = |n, stopped| {
            while !stopped() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(n)
        };
        let begun = Instant::now();
        drop(Feed::start(make, 0..1000, 4, 8));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}
