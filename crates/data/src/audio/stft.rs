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

/// Puts `margin` samples before and after a signal.
pub fn pad(signal: &[f32], margin: usize, padding: Padding) -> Vec<f32> {
    let last = signal.len().saturating_sub(1);
    let mirrored = |distance: usize| {
        // Bounces between both ends, for signals shorter than the margin.
        let step = distance % (2 * last).max(1);
        if step > last { 2 * last - step } else { step }
    };
    let value = |index: usize| match padding {
        Padding::Zero => 0.0,
        Padding::Reflect => signal.get(index).copied().unwrap_or(0.0),
    };
    let mut padded = Vec::with_capacity(signal.len() + 2 * margin);
    padded.extend((1..=margin).rev().map(|i| value(mirrored(i))));
    padded.extend_from_slice(signal);
    padded.extend((1..=margin).map(|i| value(mirrored(last + i))));
    padded
}

/// Frames of a signal, which begin at 0, `hop`, `2 hop`, ...
pub struct Frames<'a> {
    /// The signal with what lies outside.
    pub signal: &'a [f32],
    /// Weights of a frame, and how many.
    pub window: (Window, usize),
    /// Samples from one frame to the next.
    pub hop: usize,
    /// At most as many frames; those that would reach beyond the end are left out.
    pub count: usize,
    /// Subtracts each frame's mean before windowing.
    pub centre: bool,
}

/// Takes the power of every bin (rows) of some neighbouring frames. Implementations are `#[inline(always)]`.
pub trait Visit {
    /// `powers[bin][k]` is that of the `k`th of these frames.
    fn block(&mut self, frames: Range<usize>, powers: &mut [Row]);
}

/// Hands the power spectra of all frames over, block by block.
pub fn stft(frames: &Frames<'_>, visit: &mut impl Visit) {
    let (window, length) = frames.window;
    if length == 0 || frames.hop == 0 || frames.signal.len() < length {
        return;
    }
    PLANS.with_borrow_mut(|plans| {
        let plan = plans.entry((window, length)).or_insert_with(|| Plan {
            window: window.weights(length),
            transform: Transform::new(length),
            powers: vec![[0.0; BLOCK]; length / 2 + 1],
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
        let Frames { signal, window: (_, length), hop, count, centre } = *self.frames;
        let count = count.min((signal.len() - length) / hop + 1);
        for first in (0..count).step_by(BLOCK) {
            let here = first..(first + BLOCK).min(count);
            let (mut frames, mut means): ([&[f32]; BLOCK], Row) = ([&[]; BLOCK], [0.0; BLOCK]);
            for (k, (frame, mean)) in frames.iter_mut().zip(&mut means).enumerate() {
                // A last block that is not full repeats its last frame.
                *frame = &signal[(first + k).min(count - 1) * hop..][..length];
                if centre {
                    *mean = frame.iter().map(|&v| f64::from(v)).sum::<f64>() / length as f64;
                }
            }
            self.plan.transform.powers(frames, &means, &self.plan.window, &mut self.plan.powers);
            self.visit.block(here, &mut self.plan.powers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        assert_eq!(pad(&[1.0, 2.0, 3.0], 2, Padding::Reflect), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(pad(&[1.0, 2.0], 3, Padding::Reflect), [2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]);
        assert_eq!(pad(&[5.0], 2, Padding::Reflect), [5.0; 5]);
        assert_eq!(pad(&[], 1, Padding::Reflect), [0.0; 2]);
        assert_eq!(pad(&[1.0], 1, Padding::Zero), [0.0, 1.0, 0.0]);
    }
}
