//! Updates of parameters by SGD and Adam, as PyTorch computes them.
//!
//! Each formula is written once, for anything that computes like a number.

use std::ops::{Add, Div, Mul, Sub};

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{self, Shared};

/// What an update computes with.
pub trait Value:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Times a number.
    #[must_use]
    fn times(self, factor: f32) -> Self;
    /// Plus a number.
    #[must_use]
    fn plus(self, number: f32) -> Self;
    /// Divided by a number.
    #[must_use]
    fn over(self, number: f32) -> Self;
    /// The square root.
    #[must_use]
    fn root(self) -> Self;
}

impl Value for f32 {
    #[inline(always)]
    fn times(self, factor: f32) -> Self {
        self * factor
    }

    #[inline(always)]
    fn plus(self, number: f32) -> Self {
        self + number
    }

    #[inline(always)]
    fn over(self, number: f32) -> Self {
        self / number
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

/// SGD with momentum, dampening 0; in `f32`, settings rounded once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f32,
    /// Share of the velocity that is kept.
    pub momentum: f32,
    /// Weight decay, added to the gradient.
    pub decay: f32,
    /// Whether the step looks ahead along the velocity.
    pub nesterov: bool,
}

impl Sgd {
    /// The value and the velocity after an update; the first velocity is the gradient.
    #[inline(always)]
    pub fn apply<V: Value>(self, x: V, g: V, velocity: Option<V>) -> (V, V) {
        let Self { lr, momentum, decay, nesterov } = self;
        let g = g + x.clone().times(decay);
        let v = match velocity {
            Some(v) => v.times(momentum) + g.clone(),
            None => g.clone(),
        };
        let along = if nesterov { g + v.clone().times(momentum) } else { v.clone() };
        (x - along.times(lr), v)
    }
}

/// One update by Adam (Kingma and Ba, ICLR 2015) or AdamW; in `f32`, settings rounded once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Shares of the moments that are kept.
    pub betas: [f32; 2],
    /// Is added to the root of the second moment.
    pub epsilon: f32,
    /// Learning rate over the first moment's correction.
    pub step: f32,
    /// Root of the second moment's correction.
    pub root: f32,
    /// Decay that is added to the gradient.
    pub decay: f32,
    /// Share of the value that a decoupled decay leaves.
    pub keep: f32,
}

impl Adam {
    /// The value and the moments after an update.
    #[inline(always)]
    pub fn apply<V: Value>(self, x: V, g: V, [m, v]: [V; 2]) -> (V, [V; 2]) {
        let Self { betas: [b1, b2], epsilon, step, root, decay, keep } = self;
        let g = g + x.clone().times(decay);
        let m = m.times(b1) + g.clone().times(1.0 - b1);
        let v = v.times(b2) + g.clone().times(1.0 - b2) * g;
        let length = v.clone().root().over(root).plus(epsilon);
        (x.times(keep) - m.clone().times(step) / length, [m, v])
    }
}

/// Numbers that one task updates.
const CHUNK: usize = 1 << 15;

/// Puts the updated values of `x` where their gradient `g` was, and moves the velocity; the
/// `first` one is whatever the gradient is.
///
/// # Panics
/// If the buffers differ in size.
pub fn sgd(level: Level, update: Sgd, x: &[f32], g: &mut [f32], velocity: &mut [f32], first: bool) {
    assert!(x.len() == g.len() && g.len() == velocity.len(), "an update of buffers of one size");
    in_chunks(level, x, [g, velocity], |x, [g, velocity]| {
        for ((&x, g), v) in x.iter().zip(g).zip(velocity) {
            (*g, *v) = update.apply(x, *g, if first { None } else { Some(*v) });
        }
    });
}

/// The same by Adam with its moments, which are 0 before the first update.
///
/// # Panics
/// If the buffers differ in size.
pub fn adam(level: Level, update: Adam, x: &[f32], g: &mut [f32], [m, v]: [&mut [f32]; 2]) {
    assert!(
        x.len() == g.len() && g.len() == m.len() && m.len() == v.len(),
        "an update of buffers of one size"
    );
    in_chunks(level, x, [g, m, v], |x, [g, m, v]| {
        for (((&x, g), m), v) in x.iter().zip(g).zip(m).zip(v) {
            let (value, moments) = update.apply(x, *g, [*m, *v]);
            *g = value;
            [*m, *v] = moments;
        }
    });
}

/// Runs `work` on equal parts of all buffers, with the level's instructions.
fn in_chunks<const N: usize>(
    level: Level,
    x: &[f32],
    changed: [&mut [f32]; N],
    work: impl Fn(&[f32], [&mut [f32]; N]) + Copy + Sync + Send,
) {
    let changed = changed.map(Shared::new);
    threads::each(x.len().div_ceil(CHUNK), |chunk| {
        let from = chunk * CHUNK;
        let len = CHUNK.min(x.len() - from);
        // SAFETY: every task has a chunk of its own of each buffer, none beyond its end.
        let parts = changed.map(|buffer| unsafe { buffer.part(from, len) });
        f32::run(level, Chunk { x: &x[from..from + len], parts, work });
    });
}

struct Chunk<'a, F, const N: usize> {
    x: &'a [f32],
    parts: [&'a mut [f32]; N],
    work: F,
}

impl<F: Fn(&[f32], [&mut [f32]; N]), const N: usize> Operation<f32> for Chunk<'_, F, N> {
    type Output = ();

    /// Plain code: compiled with the instructions of `I`, it becomes vectors of them.
    #[inline(always)]
    unsafe fn run<I: Isa<S = f32>>(self) {
        (self.work)(self.x, self.parts);
    }
}
