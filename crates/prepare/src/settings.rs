//! What is made of a clip.

use counterpoint_data::media::{Encoding, FilmRule, Frames};
use serde::{Deserialize, Serialize};

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
    /// What is taken out of films.
    pub fn film(&self) -> FilmRule {
        FilmRule { frames: self.frames, encoding: self.encoding, size: self.size }
    }

    /// Why they are impossible, if they are.
    pub fn fault(&self) -> Option<String> {
        match self.frames {
            Frames::PerSecond(rate) if !(rate > 0.0 && rate <= FilmRule::FASTEST) => {
                return Some(format!("--fps must be above 0 and up to 1000, got {rate}"));
            }
            Frames::Spread(0) => return Some("--frames must be at least 1, got 0".into()),
            _ => {}
        }
        if !(1000..=384_000).contains(&self.rate) {
            return Some(format!("--rate must be from 1000 to 384000 Hz, got {}", self.rate));
        }
        match self.size {
            Some([w, h]) if !FilmRule::SIDES.contains(&w) || !FilmRule::SIDES.contains(&h) => {
                Some(format!("--size must be from 16x16 to 16384x16384, got {w}x{h}"))
            }
            _ => None,
        }
    }
}
