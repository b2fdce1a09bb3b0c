//! Short-time Fourier transform.

use std::cell::RefCell;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

thread_local! {
    // Plans are costly to make and not shared: each loading thread keeps its own.
    static PLANNER: RefCell<RealFftPlanner<f64>> = RefCell::new(RealFftPlanner::new());
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
pub fn pad(signal: &[f64], margin: usize, padding: Padding) -> Vec<f64> {
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
    let mut padded: Vec<f64> = (1..=margin).rev().map(|i| value(mirrored(i))).collect();
    padded.extend_from_slice(signal);
    padded.extend((1..=margin).map(|i| value(mirrored(last + i))));
    padded
}

/// Spectra of the frames that begin at 0, `hop`, `2 hop`, ...: `visit(frame, bins)`.
///
/// At most `frames` of them; frames that would reach beyond the end are left
/// out. `centre` subtracts each frame's mean before windowing.
pub fn stft(
    signal: &[f64],
    window: &[f64],
    hop: usize,
    frames: usize,
    centre: bool,
    mut visit: impl FnMut(usize, &[Complex<f64>]),
) {
    let length = window.len();
    if length == 0 || hop == 0 {
        return;
    }
    let fft = PLANNER.with_borrow_mut(|planner| planner.plan_fft_forward(length));
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let mut scratch = fft.make_scratch_vec();
    for (frame, samples) in signal.windows(length).step_by(hop).take(frames).enumerate() {
        let mean = if centre { samples.iter().sum::<f64>() / length as f64 } else { 0.0 };
        for ((to, from), weight) in input.iter_mut().zip(samples).zip(window) {
            *to = (from - mean) * weight;
        }
        // Fails only for buffers of another length, and these come from the plan itself.
        if fft.process_with_scratch(&mut input, &mut output, &mut scratch).is_ok() {
            visit(frame, &output);
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
