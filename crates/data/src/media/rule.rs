//! What is taken out of a film.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Which frames of a film are taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frames {
    /// So many per second: the one that is shown at the middle of each interval.
    PerSecond(f64),
    /// So many, whatever the length: the one that is shown at the middle of each of as many equal parts.
    Spread(usize),
}

/// How frames are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// JPEG of ffmpeg's quality 2 (of 1 to 31, 1 is the best): colours differ by a few levels.
    #[default]
    Jpeg,
    /// PNG: every pixel as it was decoded, five to ten times the space.
    Png,
}

impl Encoding {
    /// Ending of the files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// What is taken out of a film.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmRule {
    /// Which frames.
    pub frames: Frames,
    /// How they are stored.
    pub encoding: Encoding,
    /// Larger pictures are scaled down to fit into this width and height, in pixels; their aspect stays.
    pub size: Option<[u32; 2]>,
}

impl Default for FilmRule {
    /// One frame per second as it is.
    fn default() -> Self {
        Self { frames: Frames::PerSecond(1.0), encoding: Encoding::Jpeg, size: None }
    }
}

impl FilmRule {
    /// Least and largest side of [`Self::size`].
    pub const SIDES: RangeInclusive<u32> = 16..=16_384;
    /// Largest number of frames per second.
    pub const FASTEST: f64 = 1000.0;

    /// Whether it is the default.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
