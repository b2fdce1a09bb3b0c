//! Which steps of a padded sequence are real.

use std::ops::Range;

/// Whether a step holds nothing but zeros.
fn nothing(step: &[f32]) -> bool {
    step.iter().all(|value| *value == 0.0)
}

/// The steps between the zeros in front and behind. Sequences of as many steps as the first are taken
/// together, since aligned modalities are padded together: a step is padding where all of them are zero.
pub fn real(sequences: &[(&[f32], usize)], steps: usize) -> Range<usize> {
    let empty = |step: usize| {
        sequences.iter().all(|(values, width)| nothing(&values[step * width..(step + 1) * width]))
    };
    let start = (0..steps).find(|&step| !empty(step)).unwrap_or(steps);
    let end = (start..steps).rev().find(|&step| !empty(step)).map_or(start, |step| step + 1);
    start..end
}

/// The steps that are kept of so many: all, or the middles of `most` equal parts.
pub fn kept(steps: usize, most: usize) -> Vec<usize> {
    if steps <= most {
        return (0..steps).collect();
    }
    (0..most).map(|part| (2 * part + 1) * steps / (2 * most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_what_is_zero_everywhere_at_an_end() {
        let (text, audio) = ([0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.0]);
        assert_eq!(real(&[(&text, 1), (&audio, 1)], 5), 1..3);
        assert_eq!(real(&[(&text, 1)], 5), 2..3);
        assert_eq!(real(&[(&[0.0; 6], 2)], 3), 3..3);
        assert_eq!(real(&[(&[f32::NAN, 0.0], 1)], 2), 0..1);
    }

    #[test]
    fn long_sequences_keep_the_middles_of_equal_parts() {
        assert_eq!(kept(3, 5), [0, 1, 2]);
        assert_eq!(kept(9, 3), [1, 4, 7]);
        assert_eq!(kept(10, 4), [1, 3, 6, 8]);
    }
}
