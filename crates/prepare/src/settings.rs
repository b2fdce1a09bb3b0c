//! What is made of a clip.

use serde::{Deserialize, Serialize};

/// Which frames of a film are written.
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

/// What is made of every clip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which frames.
    pub frames: Frames,
    /// How they are stored.
    pub encoding: Encoding,
    /// Larger pictures are scaled down to fit into this width and height; their aspect stays.
    pub size: Option<[u32; 2]>,
    /// Samples per second of the sound.
    pub rate: u32,
}

impl Default for Settings {
    /// One frame per second as it is, sound of 16 kHz.
    fn default() -> Self {
        Self { frames: Frames::PerSecond(1.0), encoding: Encoding::Jpeg, size: None, rate: 16_000 }
    }
}

impl Settings {
    /// Why they are impossible, if they are.
    pub fn fault(&self) -> Option<String> {
        match self.frames {
            Frames::PerSecond(rate) if !(rate > 0.0 && rate <= 1000.0) => {
                return Some(format!("--fps must be above 0 and up to 1000, got {rate}"));
            }
            Frames::Spread(0) => return Some("--frames must be at least 1, got 0".into()),
            _ => {}
        }
        if !(1000..=384_000).contains(&self.rate) {
            return Some(format!("--rate must be from 1000 to 384000 Hz, got {}", self.rate));
        }
        match self.size {
            Some([w, h]) if w < 16 || h < 16 || w > 16_384 || h > 16_384 => {
                Some(format!("--size must be from 16x16 to 16384x16384, got {w}x{h}"))
            }
            _ => None,
        }
    }
}
