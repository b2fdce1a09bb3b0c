//! Sound: sampling rate, spectrum, and the named front ends of the literature.

pub(crate) mod front;
mod log;
pub(crate) mod resample;
pub(crate) mod stft;
mod transform;
mod window;

pub use front::AudioFront;
pub use resample::resample;
pub use stft::Padding;
