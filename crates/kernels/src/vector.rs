//! Passes over whole buffers.

use crate::isa::{Isa, Operation, Real};

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
