//! Short-time Fourier transform.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use counterpoint_kernels::{Loops, vectorised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::transform::{BLOCK, Row, Transform};
use super::window::Window;

thread_local! {
    // Tables are costly to make and their memory is not shared: each loading thread keeps its own.
    static PLANS: RefCell<HashMap<(Window, usize), Plan>> = RefCell::default();
}

/// What frames of one window are computed with.
struct Plan {
    window: Vec<f64>,
    transform: Transform,
    powers: Vec<Row>,
    /// Frames of a block that reach beyond the signal.
    edges: Vec<f32>,
}

/// What lies outside the signal for centred frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Zeros: librosa since 0.9.
    #[default]
    Zero,
    /// The signal mirrored at its ends: librosa before 0.9.
    Reflect,
}

/// Frames of a signal, which begin `hop` samples after each other.
pub struct Frames<'a> {
    /// The signal.
    pub signal: &'a [f32],
    /// Samples by which the first frame begins before the signal, and the last may end after it.
    pub margin: usize,
    /// What lies there.
    pub padding: Padding,
    /// Weights of a frame, and how many.
    pub window: (Window, usize),
    /// Samples from one frame to the next.
    pub hop: usize,
    /// At most as many frames; those that would reach beyond the margin are left out.
    pub count: usize,
    /// Subtracts each frame's mean before windowing.
    pub centre: bool,
}

impl<'a> Frames<'a> {
    /// Frames that there are.
    fn number(&self) -> usize {
        let (length, all) = (self.window.1, self.signal.len() + 2 * self.margin);
        if length == 0 || self.hop == 0 || all < length {
            return 0;
        }
        self.count.min((all - length) / self.hop + 1)
    }

    /// A frame that lies within the signal.
    fn inside(&self, frame: usize) -> Option<&'a [f32]> {
        let begin = (frame * self.hop).checked_sub(self.margin)?;
        self.signal.get(begin..begin + self.window.1)
    }

    /// Writes a frame that does not.
    fn write(&self, frame: usize, to: &mut [f32]) {
        let begin = (frame * self.hop) as isize - self.margin as isize;
        (begin..).zip(to).for_each(|(at, to)| *to = self.padding.value(self.signal, at));
    }
}

impl Padding {
    /// The signal at a place that may lie outside.
    fn value(self, signal: &[f32], at: isize) -> f32 {
        let last = signal.len().saturating_sub(1);
        let outside = at < 0 || at.unsigned_abs() > last;
        let place = match self {
            Self::Zero if outside => return 0.0,
            Self::Reflect if outside => {
                // Bounces between both ends, for signals shorter than the margin.
                let step = at.unsigned_abs() % (2 * last).max(1);
                if step > last { 2 * last - step } else { step }
            }
            _ => at.unsigned_abs(),
        };
        signal.get(place).copied().unwrap_or(0.0)
    }
}

/// Takes the power of every bin (rows) of some neighbouring frames. Implementations are `#[inline(always)]`.
pub trait Visit {
    /// `powers[bin][k]` is that of the `k`th of these frames.
    fn block(&mut self, frames: Range<usize>, powers: &mut [Row]);
}

/// Hands the power spectra of all frames over, block by block.
pub fn stft(frames: &Frames<'_>, visit: &mut impl Visit) {
    let (window, length) = frames.window;
    if frames.number() == 0 {
        return;
    }
    PLANS.with_borrow_mut(|plans| {
        let plan = plans.entry((window, length)).or_insert_with(|| Plan {
            window: window.weights(length),
            transform: Transform::new(length),
            powers: vec![[0.0; BLOCK]; length / 2 + 1],
            edges: vec![0.0; BLOCK * length],
        });
        vectorised(Blocks { frames, plan, visit });
    });
}

struct Blocks<'a, V> {
    frames: &'a Frames<'a>,
    plan: &'a mut Plan,
    visit: &'a mut V,
}

impl<V: Visit> Loops for Blocks<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Plan { window, transform, powers, edges } = self.plan;
        let (length, count) = (window.len(), self.frames.number());
        for first in (0..count).step_by(BLOCK) {
            let here = first..(first + BLOCK).min(count);
            for (at, edge) in here.clone().zip(edges.chunks_exact_mut(length)) {
                if self.frames.inside(at).is_none() {
                    self.frames.write(at, edge);
                }
            }
            let (mut frames, mut means): ([&[f32]; BLOCK], [f64; BLOCK]) = ([&[]; BLOCK], [0.0; BLOCK]);
            for (k, at) in here.clone().enumerate() {
                frames[k] = self.frames.inside(at).unwrap_or(&edges[k * length..][..length]);
                if self.frames.centre {
                    means[k] = frames[k].iter().map(|&v| f64::from(v)).sum::<f64>() / length as f64;
                }
            }
            let frames = &frames[..here.len()];
            transform.powers(frames, &means, window, powers);
            self.visit.block(here, powers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        let padded = |signal: &[f32], margin: isize, padding: Padding| -> Vec<f32> {
            (-margin..signal.len() as isize + margin).map(|at| padding.value(signal, at)).collect()
        };
        assert_eq!(padded(&[1.0, 2.0, 3.0], 2, Padding::Reflect), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(padded(&[1.0, 2.0], 3, Padding::Reflect), [2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]);
        assert_eq!(padded(&[5.0], 2, Padding::Reflect), [5.0; 5]);
        assert_eq!(padded(&[], 1, Padding::Reflect), [0.0; 2]);
        assert_eq!(padded(&[1.0], 1, Padding::Zero), [0.0, 1.0, 0.0]);
    }
}
