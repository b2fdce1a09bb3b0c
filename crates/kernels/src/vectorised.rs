//! Plain loops with the vectors of the processor.

use crate::isa::{Isa, Level, Operation, Real};

/// Loops that the compiler may turn into vectors.
///
/// [`Loops::run`] and what it calls is marked `#[inline(always)]`: only so it is compiled with
/// the instructions of the processor. The arithmetic is that of the code as it is written, so bits do
/// not depend on them, as long as nothing asks for `mul_add`.
pub trait Loops {
    /// What they leave.
    type Output;

    /// Runs them.
    fn run(self) -> Self::Output;
}

/// Runs loops with AVX2 where the processor has it; on others what every processor has is used.
///
/// ```
/// use counterpoint_kernels::{Loops, vectorised};
///
/// struct Double<'a>(&'a mut [f32]);
///
/// impl Loops for Double<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run(self) {
///         self.0.iter_mut().for_each(|v| *v *= 2.0);
///     }
/// }
/// let mut values = [1.0, 2.0];
/// vectorised(Double(&mut values));
/// assert_eq!(values, [2.0, 4.0]);
/// ```
pub fn vectorised<L: Loops>(loops: L) -> L::Output {
    f32::run(Level::best().narrow(), Run(loops))
}

struct Run<L>(L);

impl<L: Loops> Operation<f32> for Run<L> {
    type Output = L::Output;

    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) -> L::Output {
        self.0.run()
    }
}
