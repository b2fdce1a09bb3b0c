//! Random changes of training samples besides crops and mirror images: sound before its spectrogram,
//! masks in spectrograms, and colours.
//!
//! Each kind of change draws from its own branch of the sample's key for one modality, so that a setting
//! of one never moves the draws of another, nor those of crops and frames.

#[cfg(test)]
mod expected;
mod jitter;
mod limits;
mod mask;
mod sound;

pub use jitter::Jitter;
pub use limits::{Extent, Flip};
pub use mask::MaskRule;
pub use sound::SoundAugment;

/// Branches of the key of one modality of a sample. Frames of a film count from 0, so these do from the end.
mod branch {
    pub const SHIFT: u64 = u64::MAX;
    pub const GAIN: u64 = u64::MAX - 1;
    pub const NOISE: u64 = u64::MAX - 2;
    pub const TIME_MASKS: u64 = u64::MAX - 3;
    pub const FREQUENCY_MASKS: u64 = u64::MAX - 4;
    pub const JITTER: u64 = u64::MAX - 5;
}
