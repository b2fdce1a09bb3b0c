//! Which frames of a film a sample shows.

use counterpoint_batch::random::Random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// Which frames of a film are picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FrameRule {
    /// The first ones; the released code of the compared methods does this.
    #[default]
    FirstSorted,
    /// A random set in order of time when training, otherwise the middles of
    /// equal stretches: the whole of the film as in training, but always the same.
    RandomSorted,
    /// One from each of as many equal stretches as frames are wanted: random inside the stretch
    /// when training, its middle otherwise. Short films repeat frames.
    Segment,
}

impl FrameRule {
    /// Indices into a film of `length` frames, of which `begin..end` (in
    /// frames, fractions allowed) may be used.
    ///
    /// The middle of stretch `i` is `floor(begin + (i + 0.5) (end - begin) / count)`.
    ///
    /// # Errors
    /// If the film has no frame, or too few for a rule that never repeats one.
    pub fn pick(
        self,
        length: usize,
        (begin, end): (f64, f64),
        count: usize,
        rng: Option<&mut Random>,
    ) -> Result<Vec<usize>, DataError> {
        if length == 0 || count == 0 || begin.is_nan() || end.is_nan() || begin > end {
            return Err(DataError::shape(format!(
                "cannot pick {count} frames from {begin} to {end} of a video of {length}"
            )));
        }
        let inside = |at: f64| (at.floor().max(0.0) as usize).min(length - 1);
        let first = inside(begin);
        let usable = (end.ceil().max(0.0) as usize).clamp(first, length) - first;
        if self != Self::Segment && usable < count {
            return Err(DataError::shape(format!(
                "the video has {usable} frames, expected at least {count}; lower `frames` or set rule = \
                 \"segment\", which repeats some"
            )));
        }
        Ok(match (self, rng) {
            (Self::RandomSorted, Some(rng)) => {
                let mut all: Vec<usize> = (first..first + usable).collect();
                rng.shuffle(&mut all);
                all.truncate(count);
                all.sort_unstable();
                all
            }
            (Self::Segment | Self::RandomSorted, rng) => {
                let width = (end - begin) / count as f64;
                let mut rng = rng;
                (0..count)
                    .map(|i| {
                        let share = rng.as_mut().map_or(0.5, |rng| rng.uniform());
                        inside(begin + (i as f64 + share) * width)
                    })
                    .collect()
            }
            (Self::FirstSorted, _) => (first..first + count).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_batch::random::RngKey;

    #[test]
    fn the_middle_of_each_stretch() {
        let pick = |span, count| FrameRule::Segment.pick(15, span, count, None).unwrap();
        assert_eq!(pick((1.5, 7.0), 3), [2, 4, 6]); // 2.416, 4.25, 6.083
        assert_eq!(pick((0.0, 15.0), 5), [1, 4, 7, 10, 13]);
        assert_eq!(pick((14.0, 30.0), 2), [14, 14]);
        assert_eq!(FrameRule::Segment.pick(1, (0.0, 1.0), 3, None).unwrap(), [0, 0, 0]);
    }

    #[test]
    fn random_rules_stay_sorted_and_inside() {
        for seed in 0..50 {
            let mut rng = RngKey::new(seed).rng();
            for rule in [FrameRule::RandomSorted, FrameRule::Segment] {
                let picked = rule.pick(9, (2.0, 8.0), 4, Some(&mut rng)).unwrap();
                assert!(picked.is_sorted() && picked[0] >= 2 && picked[3] < 8, "{rule:?} {picked:?}");
            }
        }
        // Seen as a whole, where training sees any of it.
        assert_eq!(FrameRule::RandomSorted.pick(9, (2.0, 8.0), 3, None).unwrap(), [3, 5, 7]);
        assert_eq!(FrameRule::FirstSorted.pick(9, (2.0, 8.0), 3, None).unwrap(), [2, 3, 4]);
    }

    #[test]
    fn too_short_films_say_so() {
        let message = |rule: FrameRule, length| {
            rule.pick(length, (0.0, length as f64), 3, None).unwrap_err().to_string()
        };
        assert!(message(FrameRule::FirstSorted, 2).contains("has 2 frames, expected at least 3"));
        assert!(message(FrameRule::Segment, 0).contains("video of 0"));
        assert!(FrameRule::Segment.pick(5, (f64::NAN, 2.0), 3, None).is_err());
    }
}
