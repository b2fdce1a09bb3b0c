//! Gated recurrent units through time (Cho et al. 2014), with PyTorch's gates.
//!
//! ```text
//! r = s(e_r + W_r h + b_r)      z = s(e_z + W_z h + b_z)
//! n = tanh(e_n + r (W_n h + b_n))      h' = (1 - z) n + z h
//! ```
//!
//! What enters the gates from outside, `e`, is a product of all steps at once and comes
//! ready. Samples do not depend on each other: a task takes some of them through all steps.

use crate::conv::direct::{Factors, PixelBlock, pack};
use crate::conv::{self, Algorithm, ConvShape};
use crate::gemm::padded;
use crate::isa::{Isa, Layout, Level, Operation, Real};
use crate::scratch;
use crate::threads::{Shared, each};

/// Samples of a task.
const SAMPLES: usize = 16;
/// Numbers that the gradient needs of each unit and step: r, z, n, and `W_n h + b_n`.
pub const SAVED: usize = 4;

/// Sizes of sequences of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GruShape {
    /// Sequences.
    pub samples: usize,
    /// Steps of each.
    pub steps: usize,
    /// Numbers of a state.
    pub width: usize,
}

impl GruShape {
    /// Numbers of all states.
    pub fn len(&self) -> usize {
        self.samples * self.steps * self.width
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs `task` for the first and the number of some samples, until all have had their turn.
    fn each(&self, task: impl Fn(usize, usize) + Sync + Send) {
        each(self.samples.div_ceil(SAMPLES), |i| {
            let first = i * SAMPLES;
            task(first, SAMPLES.min(self.samples - first));
        });
    }

    /// As a convolution that takes a state to the gates.
    fn product(&self) -> ConvShape {
        ConvShape {
            images: 1,
            size: [self.samples * self.steps, 1],
            inputs: self.width,
            outputs: 3 * self.width,
            kernel: [1, 1],
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
        }
    }
}

pub(crate) fn forward<S: Real>(
    level: Level,
    shape: &GruShape,
    entering: &[S],
    weight: &[S],
    bias: &[S],
    states: &mut [S],
    saved: &mut [S],
) {
    let GruShape { steps, width, .. } = *shape;
    assert!(entering.len() == 3 * shape.len() && states.len() == shape.len(), "sequences of {shape:?}");
    assert!(saved.len() == SAVED * shape.len(), "saved numbers of {shape:?}");
    assert!(weight.len() == 3 * width * width && bias.len() == 3 * width, "weights of {shape:?}");
    let layout = Layout::of::<S>(level);
    let (states, saved) = (Shared::new(states), Shared::new(saved));
    scratch::with(width * padded(3 * width, layout.lanes), |packed: &mut [S]| {
        pack(layout, [width, 3 * width], weight, width, |row| row, packed);
        let packed = &*packed;
        shape.each(|first, count| {
            // SAFETY: each task has its own samples.
            let states = unsafe { states.part(first * steps * width, count * steps * width) };
            // SAFETY: as above.
            let saved = unsafe { saved.part(first * steps * SAVED * width, count * steps * SAVED * width) };
            let entering = &entering[first * steps * 3 * width..][..count * steps * 3 * width];
            scratch::with(count * 3 * width, |recurrent: &mut [S]| {
                PixelBlock::with((level, Factors::Numbers), [1, width, 3 * width], packed, |block| {
                    for step in 0..steps {
                        for sample in 0..count {
                            let before =
                                (step > 0).then(|| states[(sample * steps + step - 1) * width..].as_ptr());
                            block.push(recurrent[sample * 3 * width..].as_mut_ptr(), |_| before);
                        }
                        block.run();
                        let (states, saved) = (&mut *states, &mut *saved);
                        S::run(level, Step { step, steps, width, entering, recurrent, bias, states, saved });
                    }
                });
            });
        });
    });
}

/// One step of some samples, from what the last states send to the gates.
struct Step<'a, S> {
    step: usize,
    steps: usize,
    width: usize,
    entering: &'a [S],
    recurrent: &'a [S],
    bias: &'a [S],
    states: &'a mut [S],
    saved: &'a mut [S],
}

impl<S: Real> Operation<S> for Step<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { step, steps, width, entering, recurrent, bias, states, saved } = self;
        let one = I::splat(S::of(1.0));
        for (sample, recurrent) in recurrent.chunks_exact(3 * width).enumerate() {
            let at = sample * steps + step;
            let (entering, bias) = (entering[at * 3 * width..].as_ptr(), bias.as_ptr());
            let (recurrent, saved) = (recurrent.as_ptr(), saved[at * SAVED * width..].as_mut_ptr());
            let state = states[at * width..].as_mut_ptr();
            for c in (0..width).step_by(I::LANES) {
                let left = width - c;
                let of = |p: *const S, part: usize| I::take(p.add(part * width + c), left);
                let gate = |part: usize| I::add(of(recurrent, part), of(bias, part));
                let r = sigmoid::<I>(I::add(of(entering, 0), gate(0)));
                let z = sigmoid::<I>(I::add(of(entering, 1), gate(1)));
                let q = gate(2);
                let n = tanh::<I>(I::fma(r, q, of(entering, 2)));
                // (1 - z) n + z h, without h before the first step.
                let mut h = I::mul(I::sub(one, z), n);
                if step > 0 {
                    h = I::fma(z, I::take(state.sub(width).add(c), left), h);
                }
                I::put(state.add(c), h, left);
                for (part, v) in [r, z, n, q].into_iter().enumerate() {
                    I::put(saved.add(part * width + c), v, left);
                }
            }
        }
    }
}

/// `1 / (1 + e^-v)`; below -80 what it is at -80, which is 0 but for rounding.
#[inline(always)]
unsafe fn sigmoid<I: Isa>(v: I::V) -> I::V {
    let one = I::splat(I::S::of(1.0));
    // In this order a number that is none stays what it is.
    let v = I::max(I::splat(I::S::of(-80.0)), v);
    I::div(one, I::add(one, I::exp(I::sub(I::zero(), v))))
}

/// `2 / (1 + e^-2v) - 1`.
#[inline(always)]
unsafe fn tanh<I: Isa>(v: I::V) -> I::V {
    I::fma(I::splat(I::S::of(2.0)), sigmoid::<I>(I::add(v, v)), I::splat(I::S::of(-1.0)))
}

/// What runs back through time.
#[derive(Clone, Copy)]
pub struct GruPass<'a, S> {
    /// All states, `[samples, steps, width]`.
    pub states: &'a [S],
    /// What the forward pass saved.
    pub saved: &'a [S],
    /// Gradients of the states.
    pub upstream: &'a [S],
}

pub(crate) fn gradient<S: Real>(
    level: Level,
    shape: &GruShape,
    pass: GruPass<'_, S>,
    weight: &[S],
    of_entering: &mut [S],
    of_recurrent: &mut [S],
) {
    let GruShape { steps, width, .. } = *shape;
    let GruPass { states, saved, upstream } = pass;
    assert!(states.len() == shape.len() && upstream.len() == shape.len(), "states of {shape:?}");
    assert!(saved.len() == SAVED * shape.len(), "saved numbers of {shape:?}");
    assert!(
        of_entering.len() == 3 * shape.len() && of_recurrent.len() == 3 * shape.len(),
        "gradients of {shape:?}"
    );
    assert_eq!(weight.len(), 3 * width * width, "weights of {shape:?}");
    let layout = Layout::of::<S>(level);
    let (of_entering, of_recurrent) = (Shared::new(of_entering), Shared::new(of_recurrent));
    scratch::with(3 * width * padded(width, layout.lanes), |packed: &mut [S]| {
        pack(layout, [3 * width, width], weight, 1, |row| row * width, packed);
        let packed = &*packed;
        shape.each(|first, count| {
            let (from, len) = (first * steps * width, count * steps * width);
            // SAFETY: each task has its own samples.
            let of_entering = unsafe { of_entering.part(3 * from, 3 * len) };
            // SAFETY: as above.
            let of_recurrent = unsafe { of_recurrent.part(3 * from, 3 * len) };
            let pass = GruPass {
                states: &states[from..from + len],
                saved: &saved[SAVED * from..SAVED * (from + len)],
                upstream: &upstream[from..from + len],
            };
            // Gradients of the states of one step: what goes past the gates, and what goes through them.
            scratch::with(2 * count * width, |carried: &mut [S]| {
                let (past, through) = carried.split_at_mut(count * width);
                past.fill(S::default());
                through.fill(S::default());
                PixelBlock::with((level, Factors::Numbers), [1, 3 * width, width], packed, |block| {
                    for step in (0..steps).rev() {
                        let (of_entering, of_recurrent) = (&mut *of_entering, &mut *of_recurrent);
                        let carried = [&mut *past, &mut *through];
                        S::run(
                            level,
                            StepBack { step, steps, width, pass, carried, of_entering, of_recurrent },
                        );
                        for sample in 0..count {
                            let row = of_recurrent[(sample * steps + step) * 3 * width..].as_ptr();
                            block.push(through[sample * width..].as_mut_ptr(), |_| Some(row));
                        }
                        block.run();
                    }
                });
            });
        });
    });
}

/// One step back of some samples.
struct StepBack<'a, S> {
    step: usize,
    steps: usize,
    width: usize,
    pass: GruPass<'a, S>,
    carried: [&'a mut [S]; 2],
    of_entering: &'a mut [S],
    of_recurrent: &'a mut [S],
}

impl<S: Real> Operation<S> for StepBack<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { step, steps, width, pass, carried: [past, through], of_entering, of_recurrent } = self;
        let one = I::splat(S::of(1.0));
        for (sample, (past, through)) in
            past.chunks_exact_mut(width).zip(through.chunks_exact(width)).enumerate()
        {
            let at = sample * steps + step;
            let (state, up) = (pass.states[at * width..].as_ptr(), pass.upstream[at * width..].as_ptr());
            let saved = pass.saved[at * SAVED * width..].as_ptr();
            let of_entering = of_entering[at * 3 * width..].as_mut_ptr();
            let of_recurrent = of_recurrent[at * 3 * width..].as_mut_ptr();
            let (past, through) = (past.as_mut_ptr(), through.as_ptr());
            for c in (0..width).step_by(I::LANES) {
                let left = width - c;
                let of = |part: usize| I::take(saved.add(part * width + c), left);
                let [r, z, n, q] = [of(0), of(1), of(2), of(3)];
                let before = if step > 0 { I::take(state.sub(width).add(c), left) } else { I::zero() };
                let carried = I::add(I::take(past.add(c), left), I::take(through.add(c), left));
                let g = I::add(carried, I::take(up.add(c), left));
                // h' = (1 - z) n + z h
                let of_n = I::mul(I::mul(g, I::sub(one, z)), I::fnma(n, n, one));
                let of_z = I::mul(I::mul(g, I::sub(before, n)), I::mul(z, I::sub(one, z)));
                let of_r = I::mul(I::mul(of_n, q), I::mul(r, I::sub(one, r)));
                for (part, v) in [of_r, of_z, of_n].into_iter().enumerate() {
                    I::put(of_entering.add(part * width + c), v, left);
                }
                for (part, v) in [of_r, of_z, I::mul(of_n, r)].into_iter().enumerate() {
                    I::put(of_recurrent.add(part * width + c), v, left);
                }
                I::put(past.add(c), I::mul(g, z), left);
            }
        }
    }
}

pub(crate) fn weight_gradient<S: Real>(
    level: Level,
    shape: &GruShape,
    states: &[S],
    of_recurrent: &[S],
    of_weight: &mut [S],
) {
    assert!(states.len() == shape.len() && of_recurrent.len() == 3 * shape.len(), "states of {shape:?}");
    let GruShape { steps, width, .. } = *shape;
    // The state before each step, zero before the first.
    scratch::with(shape.len(), |before: &mut [S]| {
        let all = before.chunks_exact_mut(steps * width).zip(states.chunks_exact(steps * width));
        for (before, states) in all {
            before[..width].fill(S::default());
            before[width..].copy_from_slice(&states[..(steps - 1) * width]);
        }
        conv::weight_gradient(level, Algorithm::Exact, &shape.product(), before, of_recurrent, of_weight);
    });
}
