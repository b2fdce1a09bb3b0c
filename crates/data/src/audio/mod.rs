//! Sound: sampling rate, spectrum, and the named front ends of the literature.

pub(crate) mod front;
pub(crate) mod resample;
pub(crate) mod stft;
pub(crate) mod window;

pub use front::AudioFront;
pub use resample::resample;
pub use stft::Padding;
