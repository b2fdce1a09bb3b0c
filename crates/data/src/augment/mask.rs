//! SpecAugment without its time warp: stripes of a spectrogram are hidden.
//!
//! Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition",
//! Interspeech 2019.

use counterpoint_batch::random::Random;
use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// Most masks along one axis.
const MOST: usize = 64;

/// How many stripes are hidden along one axis, and how wide they are at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskRule {
    /// Number of stripes; they may overlap.
    pub count: usize,
    /// The width of each is a whole number from 0 to this, all equally likely.
    pub width: usize,
}

impl MaskRule {
    /// Whether nothing is hidden.
    pub fn is_none(&self) -> bool {
        self.count == 0
    }

    /// Refuses counts and widths that do not fit an axis of so many steps.
    pub(super) fn check(self, axis: &str, steps: usize) -> Result<(), DataError> {
        if self == Self::default() {
            return Ok(());
        }
        let what = if axis == "time" { "frames" } else { "frequencies" };
        let fault = if self.count == 0 {
            format!("`{axis}_mask_width` does nothing without `{axis}_masks`, the number of masks")
        } else if self.width == 0 {
            format!(
                "`{axis}_masks` needs `{axis}_mask_width`, from 1 to the {steps} {what} of this spectrogram"
            )
        } else if self.count > MOST {
            format!("`{axis}_masks` must be from 1 to {MOST}, got {}", self.count)
        } else if self.width > steps {
            format!(
                "`{axis}_mask_width` must be from 1 to the {steps} {what} of this spectrogram, got {}",
                self.width
            )
        } else {
            return Ok(());
        };
        Err(DataError::config(fault))
    }

    /// First step and width of every stripe: a width uniform in `0..=width`, then a place uniform among
    /// those where it fits.
    pub(super) fn draw(self, steps: usize, rng: &mut Random) -> Vec<(usize, usize)> {
        let one = |_| {
            let width = rng.below(self.width.min(steps) + 1);
            (rng.below(steps - width + 1), width)
        };
        (0..self.count).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_batch::random::RngKey;

    #[test]
    fn widths_and_places_are_uniform() {
        let rule = MaskRule { count: 2, width: 7 };
        let (mut widths, mut first, mut last) = ([0_u32; 8], 0, 0);
        let draws = 20_000;
        for seed in 0..draws {
            let masks = rule.draw(20, &mut RngKey::new(seed).rng());
            assert_eq!(masks.len(), 2);
            for (begin, width) in masks {
                assert!(begin + width <= 20 && width <= 7);
                widths[width] += 1;
                first += u32::from(width == 7 && begin == 0);
                last += u32::from(width == 7 && begin == 13);
            }
        }
        // 5000 of each width are expected with a deviation of 66; 357 at each place with one of 19.
        assert!(widths.iter().all(|count| count.abs_diff(5000) < 330), "{widths:?}");
        assert!(first.abs_diff(357) < 95 && last.abs_diff(357) < 95, "{first} {last}");
    }

    #[test]
    fn halves_of_a_rule_and_masks_wider_than_the_input_are_refused() {
        let message = |count, width| MaskRule { count, width }.check("time", 32).unwrap_err().to_string();
        assert!(message(0, 5).contains("`time_mask_width` does nothing without `time_masks`"));
        assert!(message(2, 0).contains("`time_masks` needs `time_mask_width`, from 1 to the 32 frames"));
        assert!(message(2, 33).contains("from 1 to the 32 frames of this spectrogram, got 33"));
        assert!(message(65, 1).contains("`time_masks` must be from 1 to 64, got 65"));
        assert!(MaskRule { count: 1, width: 32 }.check("time", 32).is_ok());
        assert!(MaskRule::default().check("time", 32).is_ok());
    }
}
