//! Colours changed at random, with the arithmetic of torchvision's `ColorJitter` on pixels in 0..=1.
//!
//! <https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.ColorJitter.html>. The order
//! of the changes is drawn as well: with each, values are limited to 0..=1, so that it matters.

use counterpoint_batch::random::RngKey;
use serde::{Deserialize, Serialize};

use super::branch;
use crate::error::DataError;
use crate::image::{hsv, rgb};

/// Limits of the random factors of each change; `None` leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jitter {
    /// Every value is multiplied by the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<[f64; 2]>,
    /// Every value's distance to the mean grey of its picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<[f64; 2]>,
    /// Every value's distance to the grey of its pixel is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturation: Option<[f64; 2]>,
    /// Hues are moved by this share of the colour circle, -0.5 to 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hue: Option<[f64; 2]>,
}

/// One change of colours with its factor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Brightness(f32),
    Contrast(f32),
    Saturation(f32),
    Hue(f32),
}

impl Jitter {
    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses factors that are no factors, and colours for pictures without.
    pub(crate) fn check(&self, channels: usize) -> Result<(), DataError> {
        let factors =
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)];
        for (key, limits) in factors {
            if let Some([low, high]) =
                limits.filter(|[low, high]| !(0.0 <= *low && low <= high && high.is_finite()))
            {
                return Err(DataError::config(format!(
                    "`jitter.{key}` must be a number of at least 0, or [least, most] of at least 0, got factors \
                     from {low} to {high}"
                )));
            }
        }
        if let Some([low, high]) =
            self.hue.filter(|[low, high]| !(-0.5 <= *low && low <= high && *high <= 0.5))
        {
            return Err(DataError::config(format!(
                "`jitter.hue` must be from 0 to 0.5, or [least, most] within -0.5 and 0.5, got {low} to {high}"
            )));
        }
        let coloured = [("saturation", self.saturation.is_some()), ("hue", self.hue.is_some())];
        match coloured.iter().find(|(_, given)| *given && channels == 1) {
            Some((key, _)) => Err(DataError::config(format!(
                "`jitter.{key}` does nothing to grey pictures; set `channels` = 3 or leave it out"
            ))),
            None => Ok(()),
        }
    }

    /// Changes `[channels, frames, pixels]` of one picture (one frame) or of a film: all frames alike, each
    /// with the mean grey of its own.
    pub(crate) fn change(&self, values: &mut [f32], channels: usize, frames: usize, draw: RngKey) {
        for change in self.draw(draw) {
            change.apply(values, channels, frames);
        }
    }

    /// The changes in their order.
    fn draw(&self, draw: RngKey) -> Vec<Change> {
        let mut rng = draw.fork(branch::JITTER).rng();
        let order = rng.permutation(4);
        // All four are drawn, so that one setting does not move the draws of the others.
        let mut factor = |limits: Option<[f64; 2]>, change: fn(f32) -> Change| {
            let share = rng.uniform();
            limits.map(|[low, high]| change((low + (high - low) * share) as f32))
        };
        let changes = [
            factor(self.brightness, Change::Brightness),
            factor(self.contrast, Change::Contrast),
            factor(self.saturation, Change::Saturation),
            factor(self.hue, Change::Hue),
        ];
        order.into_iter().filter_map(|at| changes[at]).collect()
    }
}

impl Change {
    fn apply(self, values: &mut [f32], channels: usize, frames: usize) {
        let plane = values.len() / channels.max(1);
        let mix =
            |value: f32, other: f32, factor: f32| (factor * value + (1.0 - factor) * other).clamp(0.0, 1.0);
        match self {
            Self::Brightness(factor) => values.iter_mut().for_each(|v| *v = (*v * factor).clamp(0.0, 1.0)),
            Self::Contrast(factor) => {
                let pixels = plane / frames.max(1);
                for frame in 0..frames {
                    let begin = frame * pixels;
                    let greys =
                        (begin..begin + pixels).map(|at| f64::from(grey(values, channels, plane, at)));
                    let mean = (greys.sum::<f64>() / pixels.max(1) as f64) as f32;
                    for channel in 0..channels {
                        let at = channel * plane + begin;
                        values[at..at + pixels].iter_mut().for_each(|v| *v = mix(*v, mean, factor));
                    }
                }
            }
            Self::Saturation(factor) => {
                for at in 0..plane {
                    let grey = grey(values, channels, plane, at);
                    (0..channels)
                        .for_each(|c| values[c * plane + at] = mix(values[c * plane + at], grey, factor));
                }
            }
            Self::Hue(by) => {
                for at in 0..plane {
                    let [hue, saturation, value] = hsv([0, 1, 2].map(|c| values[c * plane + at]));
                    let pixel = rgb([(hue + by).rem_euclid(1.0), saturation, value]);
                    (0..3).for_each(|c| values[c * plane + at] = pixel[c]);
                }
            }
        }
    }
}

/// Luma of a pixel by ITU-R 601 with torchvision's four digits.
fn grey(values: &[f32], channels: usize, plane: usize, at: usize) -> f32 {
    match channels {
        3 => 0.2989 * values[at] + 0.587 * values[plane + at] + 0.114 * values[2 * plane + at],
        _ => values[at],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::expected::*;

    /// Largest difference of two arrays.
    fn worst(got: &[f32], expected: &[f32]) -> f32 {
        assert_eq!(got.len(), expected.len());
        got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn each_change_is_torchvisions() {
        for (change, expected) in [
            (Change::Brightness(1.4), &BRIGHTNESS),
            (Change::Contrast(0.6), &CONTRAST),
            (Change::Saturation(1.7), &SATURATION),
            (Change::Hue(0.1), &HUE),
            (Change::Hue(-0.35), &HUE_BACK),
        ] {
            let mut values = PICTURE;
            change.apply(&mut values, 3, 1);
            assert!(worst(&values, expected) < 2e-6, "{change:?}: {}", worst(&values, expected));
        }
        let mut film = FILM;
        Change::Contrast(1.5).apply(&mut film, 3, 2);
        assert!(worst(&film, &FILM_CONTRAST) < 2e-6, "each frame has a mean of its own");
        let mut grey = GREY;
        Change::Contrast(1.5).apply(&mut grey, 1, 1);
        assert!(worst(&grey, &GREY_CONTRAST) < 2e-6);
    }

    #[test]
    fn a_chain_in_torchvisions_order_is_torchvisions() {
        let mut values = PICTURE;
        for change in
            [Change::Hue(0.2), Change::Contrast(1.3), Change::Brightness(0.8), Change::Saturation(0.5)]
        {
            change.apply(&mut values, 3, 1);
        }
        assert!(worst(&values, &CHAIN) < 5e-6, "{}", worst(&values, &CHAIN));
    }

    #[test]
    fn order_and_factors_are_drawn_and_settings_do_not_move_each_other() {
        let all = Jitter {
            brightness: Some([0.6, 1.4]),
            contrast: Some([0.6, 1.4]),
            saturation: Some([0.6, 1.4]),
            hue: Some([-0.1, 0.1]),
        };
        let (mut first, mut sum) = ([0; 4], 0.0);
        for seed in 0..2000 {
            let changes = all.draw(RngKey::new(seed));
            assert_eq!(changes.len(), 4);
            for change in &changes {
                match change {
                    Change::Hue(by) => assert!((-0.1..=0.1).contains(by)),
                    Change::Brightness(f) | Change::Contrast(f) | Change::Saturation(f) => {
                        assert!((0.6..=1.4).contains(f));
                        sum += f;
                    }
                }
            }
            let kind = |change: &Change| match change {
                Change::Brightness(_) => 0,
                Change::Contrast(_) => 1,
                Change::Saturation(_) => 2,
                Change::Hue(_) => 3,
            };
            first[kind(&changes[0])] += 1_u32;
            let only = Jitter { hue: all.hue, ..Jitter::default() }.draw(RngKey::new(seed));
            assert_eq!(only[..], [*changes.iter().find(|c| matches!(c, Change::Hue(_))).unwrap()]);
        }
        assert!(first.iter().all(|count| count.abs_diff(500) < 100), "{first:?}");
        assert!((sum / 6000.0 - 1.0).abs() < 0.02);
    }

    #[test]
    fn factors_that_are_none_and_colours_of_grey_pictures_are_refused() {
        let message = |jitter: Jitter, channels| jitter.check(channels).unwrap_err().to_string();
        let none = Jitter::default;
        assert!(
            message(Jitter { brightness: Some([1.3, 0.7]), ..none() }, 3).contains("`jitter.brightness`")
        );
        assert!(message(Jitter { contrast: Some([-1.0, 2.0]), ..none() }, 3).contains("from -1 to 2"));
        assert!(
            message(Jitter { saturation: Some([0.0, f64::NAN]), ..none() }, 3)
                .contains("`jitter.saturation`")
        );
        assert!(message(Jitter { hue: Some([-0.6, 0.6]), ..none() }, 3).contains("within -0.5 and 0.5"));
        assert!(message(Jitter { hue: Some([-0.1, 0.1]), ..none() }, 1).contains("`channels` = 3"));
        assert!(Jitter { contrast: Some([0.5, 1.5]), ..none() }.check(1).is_ok());
    }
}
