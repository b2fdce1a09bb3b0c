//! Keys of random changes of colours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augment::{Extent, Jitter};

/// Random changes of colours, those of torchvision's `ColorJitter`, in an order that is drawn, too.
///
/// One number `x` means factors from `1 - x` (at least 0) to `1 + x`, of `hue` shifts from `-x` to `x`;
/// `[least, most]` gives the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JitterConfig {
    /// With `augment`: every value is multiplied by a factor. A number `x` means factors from
    /// `1 - x`, at least 0, to `1 + x`; `[least, most]` gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<Extent>,
    /// With `augment`: the distance of every value to the mean grey of its picture is multiplied by a
    /// factor, given as for `brightness`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Extent>,
    /// With `augment`: the distance of every value to the grey of its pixel is multiplied by a factor,
    /// given as for `brightness`; for three channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturation: Option<Extent>,
    /// With `augment`: hues are moved by up to this share of the colour circle either way, at most
    /// 0.5, or by `[least, most]`; for three channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hue: Option<Extent>,
}

impl JitterConfig {
    /// Whether no key is given.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The limits of every factor. Negative numbers give limits that [`Jitter::check`] refuses.
    pub(crate) fn limits(self) -> Jitter {
        let factor = |key: Option<Extent>| {
            key.map(|key| key.limits(|x| [if x > 1.0 { 0.0 } else { 1.0 - x }, 1.0 + x]))
        };
        Jitter {
            brightness: factor(self.brightness),
            contrast: factor(self.contrast),
            saturation: factor(self.saturation),
            hue: self.hue.map(|key| key.limits(|x| [-x, x])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_means_what_torchvision_takes_it_for() {
        let read = |text: &str| toml::from_str::<JitterConfig>(text).unwrap().limits();
        let limits = read("brightness = 0.25\ncontrast = 3\nsaturation = [0.5, 2]\nhue = 0.125");
        assert_eq!(limits.brightness, Some([0.75, 1.25]));
        assert_eq!(limits.contrast, Some([0.0, 4.0]));
        assert_eq!(limits.saturation, Some([0.5, 2.0]));
        assert_eq!(limits.hue, Some([-0.125, 0.125]));
        assert!(read("brightness = -0.2").check(3).is_err() && read("hue = -0.2").check(3).is_err());
        assert!(read("").is_none());
    }
}
