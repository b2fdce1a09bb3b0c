//! Passes over whole buffers.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{self, Shared};

/// Numbers that one task adds.
const CHUNK: usize = 1 << 15;

/// `to += more`.
pub fn add<S: Real>(level: Level, to: &mut [S], more: &[S]) {
    assert_eq!(to.len(), more.len(), "a sum of buffers of one size");
    let len = to.len();
    let to = Shared::new(to);
    threads::each(len.div_ceil(CHUNK), |chunk| {
        let (from, to_end) = (chunk * CHUNK, len.min((chunk + 1) * CHUNK));
        // SAFETY: every task has a chunk of its own.
        let to = unsafe { to.part(from, to_end - from) };
        S::run(level, Add { to, more: &more[from..to_end] });
    });
}

/// `to += more`.
pub(crate) struct Add<'a, S> {
    pub to: &'a mut [S],
    pub more: &'a [S],
}

impl<S: Real> Operation<S> for Add<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let n = self.to.len().min(self.more.len());
        let (to, more) = (self.to.as_mut_ptr(), self.more.as_ptr());
        for i in (0..n).step_by(I::LANES) {
            let sum = I::add(I::take(to.add(i), n - i), I::take(more.add(i), n - i));
            I::put(to.add(i), sum, n - i);
        }
    }
}
