//! Work that threads share without changing its result.
//!
//! Every task writes numbers of its own, and what is summed over tasks is
//! summed afterwards in their order: the same bits for any number of threads.

use std::marker::PhantomData;

use rayon::prelude::*;

/// Runs `task` for all numbers below `tasks`.
pub fn each(tasks: usize, task: impl Fn(usize) + Sync + Send) {
    if tasks < 2 || threads() == 1 {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// The results of `f` for all `items`, in their order: at the same time where there are
/// threads, and what these start in turn is shared by all that have nothing to do.
pub fn concurrently<T: Send, R: Send>(items: Vec<T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < 2 || threads() == 1 {
        items.into_iter().map(f).collect()
    } else {
        items.into_par_iter().with_max_len(1).map(f).collect()
    }
}

/// Threads that share the work here.
pub fn threads() -> usize {
    if cfg!(miri) { 1 } else { rayon::current_num_threads() }
}

/// A buffer whose parts are written by different tasks.
#[derive(Clone, Copy)]
pub struct Shared<'a, S> {
    start: *mut S,
    len: usize,
    life: PhantomData<&'a mut [S]>,
}

// SAFETY: `Shared` is only a place; who writes there answers for it (`at`, `part`).
unsafe impl<S: Send> Send for Shared<'_, S> {}
// SAFETY: as above.
unsafe impl<S: Send> Sync for Shared<'_, S> {}

impl<'a, S> Shared<'a, S> {
    /// The whole buffer.
    pub fn new(buffer: &'a mut [S]) -> Self {
        Self { start: buffer.as_mut_ptr(), len: buffer.len(), life: PhantomData }
    }

    /// Where number `at` lies.
    ///
    /// # Safety
    /// No two tasks use the same numbers at the same time.
    #[inline(always)]
    pub unsafe fn at(&self, at: usize) -> *mut S {
        assert!(at <= self.len, "{at} of {}", self.len);
        self.start.add(at)
    }

    /// `len` numbers from `from` on.
    ///
    /// # Safety
    /// No two tasks use the same numbers at the same time.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "tasks hold different parts, as the caller promises")]
    pub unsafe fn part(&self, from: usize, len: usize) -> &'a mut [S] {
        assert!(from + len <= self.len, "{from} + {len} of {}", self.len);
        std::slice::from_raw_parts_mut(self.start.add(from), len)
    }
}
